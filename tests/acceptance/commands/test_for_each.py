"""`for_each`: one block of a manifest for many resources, from validate to import."""

from __future__ import annotations

import re

import pytest

from provisioner.cli import main

ENDPOINTS = "/api/2.0/serving-endpoints"
BLOCK = """\
resources:
  model_serving_endpoints:
    chat:
      for_each: ${var.tenants}
      name: chat-${each.key}
      config:
        served_entities:
          - name: champion
            entity_name: main.chat.${each.key}
            entity_version: ${each.value.version}
            workload_size: Small
            scale_to_zero_enabled: true
"""
TENANTS = """\
variables:
  tenants:
    eu: {version: "3"}
    us: {version: "4"}
"""


@pytest.fixture
def tenants(repository):
    """Writes the variables of the environment, and the block beside it."""
    path = repository.root / "environments/dev.yaml"
    head = path.read_text()
    repository.write("manifests/chat.yaml", BLOCK)

    def write(text=TENANTS):
        path.write_text(head + text)

    write()
    return write


def many(numbers):
    entries = "".join(f'    t{number:03}: {{version: "1"}}\n' for number in numbers)
    return f"variables:\n  tenants:\n{entries}" if entries else "variables: {tenants: {}}\n"


def planned(run, *words):
    """Action to addresses of a plan, without what is left as it is."""
    steps = run("plan", "-o", "json", *words).json["steps"]
    found: dict[str, list[str]] = {}
    for step in steps:
        if step["action"] != "keep":
            found.setdefault(step["action"], []).append(step["address"])
    return found


CHAT = "model_serving_endpoints.chat"


def test_two_hundred_elements_are_each_a_resource_of_their_own(tenants, run, repository):
    every = [number for number in range(201) if number != 100]
    tenants(many(every))
    assert run("apply", "-y", "-q").code == 0
    assert planned(run) == {}

    tenants(many(range(201)))
    assert planned(run) == {"create": [f"{CHAT}/t100"]}

    tenants(many(number for number in every if number != 50))
    orphan = "model_serving_endpoints.chat-t050"
    assert planned(run) == {"orphan": [orphan]}
    assert planned(run, "--prune") == {"delete": [orphan]}
    removed = (
        "removed:\n  model_serving_endpoints:\n    chat/t050: {name: chat-t050, delete: true}\n"
    )
    repository.write("manifests/removed.yaml", removed)
    assert planned(run) == {"delete": [f"{CHAT}/t050"]}
    (repository.root / "manifests/removed.yaml").unlink()

    tenants(many(()))
    assert len(planned(run)["orphan"]) == 200
    refused = run("apply", "-y", "--prune", "--allow-delete", "all")
    assert refused.code == 1
    assert "--allow-destructive 200" in refused.err

    tenants(many(every).replace('t007: {version: "1"}', "t007: {version: {}}"))
    wrong = run("validate")
    assert wrong.code == 1
    assert f"({CHAT}/t007, served entity champion)" in wrong.err
    assert "environments/dev.yaml:" in wrong.err
    assert wrong.err.count("error[") == 1


def test_the_address_of_an_element_is_valid_wherever_addresses_are(tenants, run):
    assert run("apply", "-y", "--select", "chat/eu").code == 0
    assert planned(run, "--select", "chat") == {"create": [f"{CHAT}/us"]}
    assert planned(run, "--select", f"{CHAT}/us") == {"create": [f"{CHAT}/us"]}
    assert run("apply", "-y").code == 0
    tenants('variables: {tenants: {eu: {version: "3"}}}\n')
    done = run(
        "apply", "-y", "--prune", "--allow-delete", "model_serving_endpoints.chat-us",
        "--allow-destructive", "1",
    )  # fmt: skip
    assert done.code == 0, done.err


def test_overrides_are_for_the_block_and_for_one_element(tenants, run):
    overrides = """\
overrides:
  model_serving_endpoints:
    chat: {tags: [{key: team, value: chat}]}
    chat/eu: {tags: [{key: team, value: europe}, {key: region, value: eu}]}
"""
    tenants(TENANTS + overrides)
    made = run("render", "-o", "json").json["resources"]["model_serving_endpoints"]
    assert made["chat/us"]["tags"] == [{"key": "team", "value": "chat"}]
    assert made["chat/eu"]["tags"] == [
        {"key": "team", "value": "europe"},
        {"key": "region", "value": "eu"},
    ]
    tenants(TENANTS + overrides.replace("chat/eu", "chat/ue"))
    wrong = run("validate")
    assert wrong.code == 1
    assert "no manifest declares `model_serving_endpoints.chat/ue`" in wrong.err


EACH = """\
overrides:
  model_serving_endpoints:
    chat:
      description: for ${each.key}
      config:
        served_entities: [{name: champion, workload_size: "${each.value.size}"}]
    chat/eu: {tags: [{key: region, value: "${each.key}-${each.value.version}"}]}
"""
SIZED = """\
variables:
  size: Medium
  tenants:
    eu: {version: "3", size: Large}
    us: {version: "4", size: "${var.size}"}
"""


def test_overrides_of_the_block_and_of_one_element_refer_to_the_element(tenants, run):
    tenants(SIZED + EACH)
    made = run("render", "-o", "json").json["resources"]["model_serving_endpoints"]
    assert [made[f"chat/{key}"]["description"] for key in ("eu", "us")] == ["for eu", "for us"]
    sizes = [made[f"chat/{key}"]["config"]["served_entities"][0] for key in ("eu", "us")]
    assert [entity["workload_size"] for entity in sizes] == ["Large", "Medium"]
    assert made["chat/eu"]["tags"] == [{"key": "region", "value": "eu-3"}]
    assert "tags" not in made["chat/us"]
    assert run("validate").code == 0
    shown = run("render", "--origins", "--select", "chat/eu").out
    (line,) = [line for line in shown.splitlines() if "workload_size" in line]
    assert "environments/dev.yaml:14 [eu] environments/dev.yaml:7" in line


WRONG_OVERRIDES = {
    "a field that no element has": (
        ("each.value.size", "each.value.sice"),
        "the element `eu` has no field `sice`",
        "(model_serving_endpoints.chat/eu",
    ),
    "a value of another type": (
        ("size: Large", "size: {a: b}"),
        "`workload_size`",
        "(model_serving_endpoints.chat/eu",
    ),
    "a field of one element alone": (
        ("each.key}-${each.value.version", "each.value.region"),
        "the element `eu` has no field `region`",
        "(model_serving_endpoints.chat/eu",
    ),
}


@pytest.mark.parametrize(
    ("edit", "words", "subject"), WRONG_OVERRIDES.values(), ids=list(WRONG_OVERRIDES)
)
def test_an_error_in_an_override_names_the_element(tenants, run, edit, words, subject):
    tenants((SIZED + EACH).replace(*edit))
    wrong = run("validate")
    assert wrong.code == 1
    assert words in wrong.err
    assert subject in wrong.err
    assert "environments/dev.yaml:" in wrong.err


def test_each_in_an_override_of_a_single_resource_is_an_error(tenants, run, repository):
    single = BLOCK.replace("      for_each: ${var.tenants}\n", "").replace("${each.key}", "eu")
    repository.write("manifests/chat.yaml", single.replace("${each.value.version}", '"3"'))
    tenants(EACH.partition("    chat/eu")[0])
    wrong = run("validate").err
    assert "use it only in a resource with `for_each`" in wrong
    assert "environments/dev.yaml:" in wrong


def test_a_list_of_texts_has_its_entries_as_keys(tenants, run, repository):
    repository.write("manifests/chat.yaml", BLOCK.replace("${each.value.version}", '"3"'))
    tenants("variables: {tenants: [eu, us]}\n")
    assert planned(run) == {"create": [f"{CHAT}/eu", f"{CHAT}/us"]}


def test_origins_name_the_element(tenants, run):
    shown = run("render", "--origins", "--select", "chat/us").out
    (line,) = [line for line in shown.splitlines() if "entity_version" in line]
    assert "manifests/chat.yaml:10 [us] environments/dev.yaml:" in line


WRONG = {
    "a list of mappings": ("[{name: eu}]", "is a list of mappings"),
    "a key twice": ("[eu, eu]", "`eu` is in the list twice"),
    "a number as a key": ("[1]", "`1` is not a string"),
    "a key of other characters": ("[a b]", "`a b` cannot be the key of an element"),
    "a key from the process": ("['${env.HOME}']", "write the keys in a file"),
    "the collection from the process": ("${env.HOME}", "write the keys in a file"),
    "no collection": ("5", "`for_each` is not a list or mapping"),
}


@pytest.mark.parametrize(("value", "words"), WRONG.values(), ids=list(WRONG))
def test_a_collection_that_has_no_keys_is_refused(tenants, run, value, words):
    tenants(f"variables:\n  tenants: {value}\n")
    wrong = run("validate")
    assert wrong.code == 1
    assert "error[E124]" in wrong.err
    assert "manifests/chat.yaml:4" in wrong.err
    assert words in wrong.err


def test_more_elements_than_a_workspace_takes_are_refused(tenants, run):
    tenants(many(range(1001)).replace("t1000", "t1000"))
    assert "1,001 elements, but the maximum is 1,000" in run("validate").err


def test_a_collection_is_not_given_on_the_command_line(tenants, run):
    wrong = run("validate", "--var", 'tenants={"a": {"version": "1"}}')
    assert "remove that value: only a file may decide which resources exist" in wrong.err


def test_a_field_that_an_element_lacks_names_the_element(tenants, run):
    tenants(TENANTS.replace('us: {version: "4"}', 'us: {verzion: "4"}'))
    wrong = run("validate").err
    assert "the element `us` has no field `version`" in wrong
    assert f"({CHAT}/us" in wrong


def test_what_is_wrong_in_the_block_is_told_once(tenants, run, repository):
    repository.write("manifests/chat.yaml", BLOCK.replace("workload_size", "worklod_size"))
    wrong = run("validate").err
    assert wrong.count("error[E104]") == 1
    assert f"({CHAT}/eu, served entity champion and 1 more)" in wrong


def test_each_is_known_in_blocks_with_for_each_alone(tenants, run, repository):
    repository.write("manifests/chat.yaml", BLOCK.replace("      for_each: ${var.tenants}\n", ""))
    assert "use it only in a resource with `for_each`" in run("validate").err


RELEASED = """\
released: [us_version]
variables:
  us_version: "7"
  tenants:
    eu: {version: "3"}
    us: {version: "${var.us_version}"}
"""


def test_elements_may_refer_to_a_released_variable_and_the_collection_may_not_be_one(tenants, run):
    tenants(RELEASED)
    assert run("validate").code == 0
    tenants(f"released: [tenants]\n{TENANTS}")
    wrong = run("validate").err
    assert "the released variable `tenants` cannot be used in `for_each`" in wrong


def test_an_element_whose_version_is_not_released_is_left_out_alone(tenants, run):
    tenants(RELEASED.replace('  us_version: "7"\n', ""))
    assert planned(run) == {"create": [f"{CHAT}/eu"]}
    assert f"`{CHAT}/us` is skipped" in run("validate").err


def test_adding_for_each_keeps_the_endpoint_by_its_name(tenants, run, repository):
    single = BLOCK.replace("      for_each: ${var.tenants}\n", "").replace("${each.key}", "eu")
    repository.write("manifests/chat.yaml", single.replace("${each.value.version}", '"3"'))
    tenants("")
    assert run("apply", "-y").code == 0
    repository.write("manifests/chat.yaml", BLOCK)
    tenants()
    assert planned(run) == {"create": [f"{CHAT}/us"]}


def live_size(workspace, size):
    """Somebody changes the size of the endpoint of `eu` by hand."""
    config = workspace.endpoint("chat-eu")["config"]
    (entity,) = config["served_entities"]
    keep = ("name", "entity_name", "entity_version", "scale_to_zero_enabled")
    sent = {name: entity[name] for name in keep} | {"workload_size": size}
    workspace.call("PUT", f"{ENDPOINTS}/chat-eu/config", {"served_entities": [sent]})


def test_import_update_writes_an_override_and_not_the_shared_block(
    tenants, run, repository, workspace
):
    assert run("apply", "-y").code == 0
    for size in ("Large", "Medium"):
        live_size(workspace, size)
        done = run("import", "--update")
        assert done.code == 0, done.err
        assert (repository.root / "manifests/chat.yaml").read_text() == BLOCK
        assert planned(run) == {}
        written = (repository.root / "environments/dev.yaml").read_text()
        assert written.count("chat/eu:") == 1
        assert f"workload_size: {size}" in written


SHARED = {
    "as it is written": "Small",
    "made from a variable": "${var.size}",
    "made from the element": "${each.value.size}",
}


@pytest.mark.parametrize("size", SHARED.values(), ids=list(SHARED))
def test_import_update_does_not_change_the_override_of_the_block(
    tenants, run, repository, workspace, size
):
    shared = f"""\
  size: Small
overrides:
  model_serving_endpoints:
    chat:
      config:
        served_entities: [{{name: champion, workload_size: "{size}"}}]
"""
    sized = TENANTS.replace('"3"', '"3", size: Small').replace('"4"', '"4", size: Small')
    tenants(sized + shared)
    assert run("apply", "-y").code == 0
    live_size(workspace, "Large")
    done = run("import", "--update")
    assert done.code == 0, done.err
    assert planned(run) == {}
    written = (repository.root / "environments/dev.yaml").read_text()
    assert sized + shared in written
    assert "chat/eu:" in written
    assert (repository.root / "manifests/chat.yaml").read_text() == BLOCK


def test_import_update_refuses_what_an_override_cannot_say(tenants, run, repository, workspace):
    repository.write("manifests/chat.yaml", BLOCK + "      description: for all\n")
    tags = "      tags: [{key: team, value: chat}]\n"
    repository.write("manifests/chat.yaml", BLOCK + tags)
    assert run("apply", "-y").code == 0
    workspace.call("PATCH", f"{ENDPOINTS}/chat-eu/tags", {"delete_tags": ["team"]})
    refused = run("import", "--update")
    assert refused.code == 1
    assert "applies to all of its elements" in refused.err
    assert (repository.root / "manifests/chat.yaml").read_text() == BLOCK + tags


def test_promote_treats_the_elements_that_use_a_variable_as_one_group(
    tenants, run, repository, capsys
):
    prod = repository.root / "environments/prod.yaml"
    host = (repository.root / "environments/dev.yaml").read_text().splitlines()[0]
    elements = """\
    eu: {version: "${var.version}"}
    apac: {version: "${var.version}"}
    us: {version: "${var.us_version}"}
"""
    head = "released: [version, us_version]\nvariables:\n  tenants:\n"
    tenants(f'{head}{elements}  version: "7"\n  us_version: "8"\n')
    prod.write_text(f"{host}\npromotes_from: dev\nname_prefix: prod-\n{head}{elements}")
    assert run("apply", "-e", "dev", "-y").code == 0
    capsys.readouterr()
    main(["promote", "-C", str(repository.root), "--from", "dev", "--to", "prod", "chat/eu"])
    told = "".join(capsys.readouterr())
    assert "version  none → 7" in told
    assert "main.chat.eu" in told
    assert "main.chat.apac" in told
    assert "main.chat.us" not in told


def capacity_rows(run, *words):
    shown = run("plan", *words).out.partition("Capacity\n")[2].partition("\n\n")[0]
    return dict(re.findall(r"^ +(\w+(?: \w+)?)  +(.+)$", shown, re.M))


def test_the_capacity_of_an_orphan_is_counted_where_it_is_deleted(tenants, run, tmp_path):
    assert run("apply", "-y").code == 0
    tenants('variables: {tenants: {eu: {version: "3"}, apac: {version: "1"}}}\n')
    left = capacity_rows(run)
    assert left["not counted"] == "1 orphan"
    assert "concurrency 4-4" in left["before"]
    assert "concurrency 8-8" in left["after"]
    assert run("plan", "-o", "json").json["capacity"]["orphans_not_counted"] == 1
    run("plan", "--report", f"markdown={tmp_path}/a.md", "--report", f"html={tmp_path}/a.html")
    assert "| not counted | 1 orphan |" in (tmp_path / "a.md").read_text()
    assert "<dt>not counted</dt><dd>1 orphan</dd>" in (tmp_path / "a.html").read_text()
    tenants('variables: {tenants: {eu: {version: "3"}}}\n')
    freed = capacity_rows(run, "--prune")
    assert "not counted" not in freed
    assert "concurrency 8-8" in freed["before"]
    assert "concurrency 4-4" in freed["after"]
    assert freed["difference"] == "concurrency -4 on CPU (scales to zero)"


def test_removing_for_each_keeps_the_endpoint_by_its_name(tenants, run, repository):
    tenants('variables: {tenants: {eu: {version: "3"}}}\n')
    assert run("apply", "-y").code == 0
    single = BLOCK.replace("      for_each: ${var.tenants}\n", "").replace("${each.key}", "eu")
    repository.write("manifests/chat.yaml", single.replace("${each.value.version}", '"3"'))
    tenants("")
    assert planned(run) == {}
    assert run("apply", "-y").code == 0


GROUP = """\
released: [version, us_version]
variables:
  tenants:
    eu: {version: "${var.version}"}
    apac: {version: "${var.version}"}
    us: {version: "${var.us_version}"}
"""


def test_rollback_treats_the_elements_that_use_a_variable_as_one_group(tenants, run, repository):
    tenants(GROUP)
    releases = 'version: {value: "7", previous: "6"}\nus_version: {value: "8", previous: "7"}\n'
    file = repository.write("environments/releases/dev.yaml", releases)
    assert run("apply", "-y").code == 0
    back = run("rollback", "chat/eu", "--apply", "-y")
    assert back.code == 0, back.err
    assert 'us_version: {value: "8", previous: "7"}' in file.read_text()
    made = run("render", "-o", "json").json["resources"]["model_serving_endpoints"]
    versions = {
        key: endpoint["config"]["served_entities"][0]["entity_version"]
        for key, endpoint in made.items()
    }
    assert versions == {"chat/eu": "6", "chat/apac": "6", "chat/us": "8"}
    assert planned(run) == {}
