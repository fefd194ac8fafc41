"""Environments as a user meets them: variables, layers and what they are rendered to."""

from __future__ import annotations

import json

import pytest
from owners import owner_of

from provisioner.cli import main

ENDPOINT = """
name: ${environment.name}-chat
config:
  served_entities:
    - name: champion
      entity_name: ${var.catalog}.models.chat
      entity_version: ${var.version}
      workload_size: Small
      scale_to_zero_enabled: true
"""


@pytest.fixture
def dev(repository, workspace):
    """Write the environment ``dev`` with these further lines."""

    def write(text: str) -> None:
        head = f"workspace: {{host: {workspace.server.url}}}\n"
        repository.write("environments/dev.yaml", head + text)

    return write


def test_a_plan_shows_the_values_of_variables(run, repository, dev):
    dev("variables: {catalog: main, version: 3}\n")
    repository.endpoint(ENDPOINT)
    done = run("plan", "-o", "json")
    assert done.code == 0, done.err
    (step,) = done.json["steps"]
    (entity,) = step["desired"]["config"]["served_entities"]
    assert step["name"] == "dev-chat"
    assert (entity["entity_name"], entity["entity_version"]) == ("main.models.chat", "3")


@pytest.mark.parametrize("command", ["validate", "plan", "apply", "destroy", "status", "query"])
def test_a_value_for_no_variable_ends_every_command(run, repository, dev, command):
    dev("variables: {catalog: main, version: 3}\n")
    repository.endpoint(ENDPOINT)
    more = {"apply": ["-y"], "destroy": ["-y"], "query": ["chat", "--prompt", "x"]}
    done = run(command, *more.get(command, []), "--var", "catalogue=x")
    assert done.code == 1
    assert "error[E816]" in done.err
    assert "did you mean `catalog`?" in done.err


def test_an_option_wins_over_the_process_and_the_process_over_the_file(
    run, repository, dev, monkeypatch
):
    dev("variables: {catalog: main, version: 3}\n")
    repository.endpoint(ENDPOINT)
    monkeypatch.setenv("PROVISIONER_VAR_catalog", "process")
    monkeypatch.setenv("PROVISIONER_VAR_version", "4")
    (step,) = run("plan", "-o", "json", "--var", "catalog=option").json["steps"]
    (entity,) = step["desired"]["config"]["served_entities"]
    assert (entity["entity_name"], entity["entity_version"]) == ("option.models.chat", "4")


def test_validate_shows_all_that_is_wrong_with_references(run, repository, dev):
    dev("variables:\n  catalogue: main\n  version: ${env.MODEL_VERSION}\n")
    repository.endpoint(ENDPOINT)
    done = run("validate")
    assert done.code == 1
    assert "manifests/endpoint.yaml:8:26" in done.err
    assert "did you mean `catalogue`?" in done.err
    assert "MODEL_VERSION is not set" in done.err


def test_it_is_enough_for_validate_that_one_environment_has_the_variable(
    run, repository, workspace, capsys
):
    head = f"workspace: {{host: {workspace.server.url}}}\n"
    repository.write("environments/dev.yaml", f"{head}manifests: [a.yaml]\n")
    prod = f"{head}name_prefix: prod-\nvariables: {{catalog: x, version: '1'}}\n"
    repository.write("environments/prod.yaml", prod)
    repository.endpoint(ENDPOINT)
    manifest = (repository.root / "manifests/endpoint.yaml").read_text()
    fixed = manifest.replace("${var.catalog}", "main").replace("${var.version}", "'1'")
    repository.write("a.yaml", fixed)
    folder = str(repository.root)
    assert main(["validate", "-C", folder, "--var", "catalog=y"]) == 0, capsys.readouterr().err
    assert main(["validate", "-C", folder, "--var", "catalogue=y"]) == 1


PLAIN = ENDPOINT.replace("${environment.name}-", "").replace("${var.catalog}", "main")
PLAIN = PLAIN.replace("${var.version}", "'1'")
LAYERS = """defaults:
  model_serving_endpoints:
    tags: [{key: cost_center, value: ml}]
overrides:
  model_serving_endpoints:
    chat: {config: {served_entities: [{name: champion, workload_size: %s}]}}
"""


def test_render_shows_the_resources_with_all_layers_on_them(run, repository, dev):
    dev(LAYERS % "Large")
    repository.endpoint(PLAIN)
    (endpoint,) = run("render", "-o", "json").json["resources"]["model_serving_endpoints"].values()
    (entity,) = endpoint["config"]["served_entities"]
    assert (entity["workload_size"], entity["entity_version"]) == ("Large", "1")
    assert endpoint["tags"] == [{"key": "cost_center", "value": "ml"}]
    assert list(endpoint) == ["name", "config", "tags"]


def test_what_render_prints_is_a_manifest_that_renders_to_itself(run, repository, dev):
    dev(LAYERS % "Large")
    repository.endpoint(PLAIN + "description: 'yes: $${x} # no comment'\n")
    first = run("render").out
    dev("")
    repository.write("manifests/endpoint.yaml", first)
    assert run("render").out == first
    assert "yes: $${x} # no comment" in first


def test_origins_stand_behind_the_values(run, repository, dev):
    dev(LAYERS % "Large")
    repository.endpoint(PLAIN)
    lines = run("render", "--origins").out.splitlines()
    origins = {line.split("  # ")[0].strip(): line.split("  # ")[-1] for line in lines}
    assert origins["workload_size: Large"] == "environments/dev.yaml:7"
    assert origins["- name: champion"] == "manifests/endpoint.yaml:7"
    assert origins["value: ml"] == "environments/dev.yaml:4"
    assert origins['entity_version: "1"'] == "manifests/endpoint.yaml:9"


@pytest.mark.parametrize("reference", ["version", "through"])
def test_behind_a_released_value_stands_the_line_that_released_it(run, repository, reference):
    head = "workspace: {emulator: .provisioner/dev.sqlite}\nreleased: [version]\n"
    through = 'variables: {through: "${var.version}"}\n' if reference == "through" else ""
    repository.write("environments/dev.yaml", head + through)
    repository.write("environments/releases/dev.yaml", '# by hand\nversion: {value: "7"}\n')
    repository.endpoint(
        f"""
name: chat
config:
  served_entities:
    - {{name: champion, entity_name: a.b.c, entity_version: "${{var.{reference}}}",
       workload_size: Small, scale_to_zero_enabled: true}}
"""
    )
    out = run("render", "--origins").out
    (line,) = [line for line in out.splitlines() if "entity_version" in line]
    assert line.endswith("${var.version} environments/releases/dev.yaml:2")


def test_a_secret_is_rendered_as_the_reference_it_is(run, repository, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    repository.endpoint("""
name: chat
config:
  served_entities:
    - name: gpt
      external_model:
        name: gpt-4o
        provider: openai
        task: llm/v1/chat
        openai_config: {openai_api_key_plaintext: "${env.OPENAI_API_KEY}"}
""")
    for form in ("text", "json"):
        done = run("render", "-o", form)
        assert "${env.OPENAI_API_KEY}" in done.out
        assert "canary" not in done.out + done.err


def test_a_problem_in_a_merged_value_points_to_the_environment(run, repository, dev):
    dev("overrides: {model_serving_endpoints: {chat: {name: databricks-chat}}}\n")
    repository.endpoint(PLAIN)
    done = run("validate")
    assert "error[E301]" in done.err
    assert "environments/dev.yaml:2:52" in done.err


# lines of the environment, code, place
WRONG_LAYERS = [
    pytest.param(
        "overrides: {model_serving_endpoints: {chta: {description: x}}}",
        "E219 2:39 did you mean `chat`?",
        id="an override of nothing",
    ),
    pytest.param(
        "overrides: {model_serving_endpoint: {chat: {}}}",
        "E205 2:13 did you mean `model_serving_endpoints`?",
        id="a kind that is none",
    ),
    pytest.param(
        "overrides: {model_serving_endpoints: {chat: {descripton: x}}}",
        "E104 2:46 did you mean `description`?",
        id="a typo in an override",
    ),
    pytest.param(
        "defaults: {model_serving_endpoints: {tags: 3}}",
        "E105 2:44 ",
        id="a default of a wrong type",
    ),
    pytest.param(
        "overrides: {model_serving_endpoints: {chat: {tags: [{key: z, $delete: true}]}}}",
        "E220 2:53 remove this entry",
        id="an entry that does not exist",
    ),
    pytest.param("name_prefix: a b", "E109 2:14 ", id="a prefix that no name can have"),
    pytest.param(
        "overrides: {model_serving_endpoints: {chat: {description: '${var.x}'}}}",
        "E215 2:59 ",
        id="an undefined variable in an override",
    ),
]


@pytest.mark.parametrize(("lines", "expected"), WRONG_LAYERS)
def test_a_mistake_in_a_layer_is_told_once_and_at_its_place(run, repository, dev, lines, expected):
    dev(lines + "\n")
    repository.endpoint(PLAIN)
    code, place, hint = expected.split(" ", 2)
    (found,) = run("validate", "-o", "json").json["diagnostics"]
    start = found["range"]["start"]
    assert (found["code"], f"{start['line']}:{start['column']}") == (code, place)
    assert hint in found.get("detail", "")


def test_a_prefix_is_for_endpoints_only(run, repository, dev):
    dev("name_prefix: ${environment.name}-\n")
    repository.endpoint(PLAIN)
    repository.write(
        "manifests/more.yaml",
        "resources:\n  secret_scopes:\n    keys: {name: keys}\n"
        "  model_serving_endpoints:\n"
        "    shared: {name: databricks-claude, existing: true, tags: [{key: a, value: b}]}\n",
    )
    made = run("render", "-o", "json").json["resources"]
    assert made["model_serving_endpoints"]["chat"]["name"] == "dev-chat"
    assert made["model_serving_endpoints"]["shared"]["name"] == "databricks-claude"
    assert made["secret_scopes"]["keys"]["name"] == "keys"


def test_a_removed_endpoint_has_the_prefix_too(run, repository, dev, workspace):
    dev("name_prefix: dev-\n")
    repository.endpoint(PLAIN)
    assert run("apply", "-y").code == 0
    repository.write(
        "manifests/endpoint.yaml",
        "removed:\n  model_serving_endpoints:\n    chat: {name: chat, delete: true}\n",
    )
    (step,) = run("plan", "-o", "json").json["steps"]
    assert (step["name"], step["action"]) == ("dev-chat", "delete")


def test_a_number_that_lost_a_digit_is_shown_as_it_was_typed(run, repository, dev):
    repository.endpoint(ENDPOINT)
    dev("variables: {catalog: main, version: 3.10}\n")
    assert 'quote it: "3.10"' in run("validate").err
    entity = "{name: champion, entity_version: 3.20}"
    layer = f"{{model_serving_endpoints: {{chat: {{config: {{served_entities: [{entity}]}}}}}}}}"
    dev(f"variables: {{catalog: main, version: '1'}}\noverrides: {layer}\n")
    assert 'quote it: "3.20"' in run("validate").err


@pytest.fixture
def validated(repository, capsys):
    """Write environments from texts, and give the problems of all of them."""

    def validate(**texts: str) -> list[dict]:
        (repository.root / "environments/dev.yaml").unlink()
        for name, text in texts.items():
            repository.write(f"environments/{name}.yaml", f"{text}\n")
        repository.endpoint(PLAIN)
        capsys.readouterr()
        main(["validate", "-C", str(repository.root), "-o", "json"])
        return json.loads(capsys.readouterr().out)["diagnostics"]

    return validate


HOST = "workspace: {host: https://one.example.test}"
# the lines of staging and of prod
ONE_WORKSPACE = [
    pytest.param(HOST, HOST, id="one host"),
    pytest.param(HOST, "workspace: {host: https://ONE.example.test:443/}", id="one host, spelled"),
    pytest.param("workspace: {profile: a}", "workspace: {profile: a}", id="one profile"),
    pytest.param("workspace: {emulator: a}", "workspace: {emulator: ./a}", id="one local one"),
    pytest.param(f"{HOST}\nname_prefix: a-", f"{HOST}\nname_prefix: a-", id="one prefix"),
]


@pytest.mark.parametrize(("staging", "prod"), ONE_WORKSPACE)
def test_two_environments_with_the_same_names_are_two_workspaces(validated, staging, prod):
    (found,) = validated(prod=prod, staging=staging)
    assert (found["code"], found["range"]["filename"]) == ("E221", "environments/staging.yaml")
    assert "`prod` and `staging` are the same workspace, and both declare" in found["summary"]
    assert "the workspace of `prod` is at environments/prod.yaml:1" in found["detail"]


APART = [
    pytest.param(HOST, HOST.replace("one", "two"), id="two hosts"),
    pytest.param(HOST, HOST.replace("https://one", "https://one.two"), id="hosts that look alike"),
    pytest.param(HOST, f"{HOST}\nname_prefix: prod-", id="a prefix"),
    pytest.param(HOST, "workspace: {profile: one}", id="a host and a profile"),
    pytest.param(HOST, f"{HOST}\nmanifests: [other.yaml]", id="other manifests"),
]


@pytest.mark.parametrize(("staging", "prod"), APART)
def test_environments_that_do_not_meet_are_good(repository, validated, staging, prod):
    other = "resources:\n  secret_scopes:\n    keys: {name: keys}\n"
    repository.write("other.yaml", other)
    assert validated(prod=prod, staging=staging) == []


def test_an_existing_endpoint_may_be_shared_by_environments_that_agree(repository, validated):
    limits = (
        "resources:\n  model_serving_endpoints:\n"
        "    shared: {name: databricks-claude, existing: true, tags: [{key: a, value: b}]}\n"
    )
    repository.write("shared.yaml", limits)
    agree = f"{HOST}\nmanifests: [shared.yaml]"
    assert validated(prod=agree, staging=agree) == []
    repository.write("environments/dev.yaml", "")
    over = "overrides: {model_serving_endpoints: {shared: {tags: [{key: a, value: c}]}}}"
    (found,) = validated(prod=agree, staging=f"{agree}\n{over}")
    assert found["code"] == "E221"


CATALOG = """
resources:
  secrets:
    key: {catalog_name: "${var.catalog}", schema_name: shop, name: key, from_env: KEY}
"""


@pytest.mark.parametrize("same_workspace", [True, False])
@pytest.mark.parametrize(
    ("catalogs", "meets"), [(("main", "main"), True), (("dev", "prod"), False)]
)
def test_an_object_of_one_metastore_belongs_to_one_environment(
    repository, validated, same_workspace, catalogs, meets
):
    repository.write("catalog.yaml", CATALOG)
    staging, prod = (
        f"{host}\nmanifests: [catalog.yaml]\nvariables: {{catalog: {catalog}}}"
        for host, catalog in zip(
            (HOST, HOST if same_workspace else HOST.replace("one", "two")), catalogs, strict=True
        )
    )
    found = validated(prod=prod, staging=staging)
    codes = [(each["code"], each["severity"]) for each in found]
    expected = ("E221", "error") if same_workspace else ("W788", "note")
    assert codes == ([expected] if meets else [])
    if meets and same_workspace:
        assert "or use another catalog in one" in found[0]["detail"]
    elif meets:
        assert (
            "`prod` declares the catalog secret `main.shop.key` as well, at catalog.yaml:4"
            in (found[0]["summary"])
        )
        assert "if the workspaces of `prod` and `staging` have one metastore" in found[0]["detail"]


def test_local_workspaces_have_metastores_of_their_own(repository, validated):
    repository.write("catalog.yaml", CATALOG)
    rest = "manifests: [catalog.yaml]\nvariables: {catalog: main}"
    texts = (f"workspace: {{emulator: {name}}}\n{rest}" for name in "ab")
    assert validated(**dict(zip(("prod", "staging"), texts, strict=True))) == []


def test_the_host_of_another_environment_makes_its_resources_blocked(run, repository, workspace):
    repository.endpoint(PLAIN)
    assert run("apply", "-y").code == 0
    copied = (repository.root / "environments/dev.yaml").read_text()
    repository.write("environments/prod.yaml", copied)
    workspace.forget()
    folder = ["-C", str(repository.root), "-e", "prod"]
    assert main(["plan", *folder]) == 1
    assert main(["apply", *folder, "-y"]) == 1
    assert workspace.writes() == []
    tags = {tag["key"]: tag["value"] for tag in workspace.endpoint("chat")["tags"]}
    assert owner_of(tags) == "shop/dev"


# the environment's file, place, part of the hint
NOT_REPLACED = [
    pytest.param(
        "workspace: {host: '${env.DATABRICKS_HOST_PROD}'}", "1:19", "profile", id="a host"
    ),
    pytest.param(
        "workspace: {profile: '${var.profile}'}\nvariables: {profile: a}",
        "1:22",
        "write the host itself",
        id="a profile",
    ),
    pytest.param(
        f"{HOST}\nmanifests: ['${{environment.name}}/*.yaml']", "2:13", "patterns", id="a pattern"
    ),
    pytest.param(
        f"{HOST}\nguard: {{destructive_count: '${{var.n}}'}}",
        "2:28",
        "can contain references",
        id="a guard",
    ),
    pytest.param(
        f"{HOST}\nprotected: ${{env.PROTECTED}}",
        "2:12",
        "can contain references",
        id="a protection",
    ),
]


@pytest.mark.parametrize(("text", "place", "hint"), NOT_REPLACED)
def test_what_says_where_to_deploy_is_written_out(validated, text, place, hint):
    found = next(one for one in validated(prod=text) if one["code"] == "E224")
    start = found["range"]["start"]
    assert f"{start['line']}:{start['column']}" == place
    assert "is not allowed in" in found["summary"]
    assert hint in found["detail"]


def test_a_projects_name_is_written_out(run, repository):
    repository.write("provisioner.yaml", "project: ${env.PROJECT}\n")
    assert "error[E224]" in run("validate").err
