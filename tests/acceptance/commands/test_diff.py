"""`diff A B`: what differs between two environments, and whether somebody wanted that."""

from __future__ import annotations

import json

import pytest

from provisioner.cli import main

ENDPOINT = """
name: chat
description: for everybody
config:
  served_entities:
    - name: champion
      entity_name: ${var.catalog}.models.chat
      entity_version: "3"
      workload_size: Small
      scale_to_zero_enabled: true
tags: [{key: team, value: chat}]
"""
ENTITY = "config.served_entities[champion]"


@pytest.fixture
def two(repository):
    """Environments ``dev`` and ``prod``, each with its own local workspace, from two texts."""

    def write(dev: str = "", prod: str = "") -> None:
        for name, text in (("dev", dev), ("prod", prod)):
            head = f"workspace: {{emulator: .provisioner/{name}.sqlite}}\n"
            variables = "" if "variables:" in text else f"variables: {{catalog: {name}}}\n"
            repository.write(f"environments/{name}.yaml", head + variables + text)

    return write


def differences(done):
    """Path to (purpose, left, right) with value and origin of each side."""
    assert done.code == 0, done.err
    return {
        field["path"]: (
            field["purpose"],
            *((side.get("value"), side["origin"]) for side in (field["left"], field["right"])),
        )
        for resource in done.json["resources"]
        for field in resource["differences"]
    }


@pytest.fixture
def compared(run, repository, two):
    """The differences between two texts of environments with the same endpoint."""

    def compare(dev, prod):
        two(dev, prod)
        repository.endpoint(ENDPOINT)
        return differences(run("diff", "dev", "prod", "-o", "json"))

    return compare


CATALOG = (
    "on_purpose",
    ("dev.models.chat", "environments/dev.yaml:2"),
    ("prod.models.chat", "environments/prod.yaml:2"),
)

# lines of dev, lines of prod, path, what is said of it
DECLARED = [
    pytest.param("", "", f"{ENTITY}.entity_name", CATALOG, id="a variable, where it is defined"),
    pytest.param(
        "",
        "overrides: {model_serving_endpoints: {chat: {config: {served_entities: "
        "[{name: champion, workload_size: Large}]}}}}\n",
        f"{ENTITY}.workload_size",
        (
            "on_purpose",
            ("Small", "manifests/endpoint.yaml:11"),
            ("Large", "environments/prod.yaml:3"),
        ),
        id="an override, beside the manifest's line",
    ),
    pytest.param(
        "defaults: {model_serving_endpoints: {tags: [{key: cost, value: ml}]}}\n",
        "",
        "tags[cost]",
        ("on_purpose", ({"key": "cost", "value": "ml"}, "environments/dev.yaml:3"), (None, "")),
        id="a default that only one has",
    ),
    pytest.param(
        "",
        "overrides: {model_serving_endpoints: {chat: {description: null}}}\n",
        "description",
        (
            "on_purpose",
            ("for everybody", "manifests/endpoint.yaml:5"),
            (None, "environments/prod.yaml:3"),
        ),
        id="a null that takes a field away",
    ),
    pytest.param(
        "",
        "overrides:\n  model_serving_endpoints:\n    chat:\n"
        "      tags: [{key: team, $delete: true}]\n",
        "tags[team]",
        (
            "on_purpose",
            ({"key": "team", "value": "chat"}, "manifests/endpoint.yaml:13"),
            (None, "environments/prod.yaml:6"),
        ),
        id="a $delete that takes an entry away",
    ),
    pytest.param(
        "",
        "overrides: {model_serving_endpoints: {chat: {lifecycle: {prevent_destroy: true}}}}\n",
        "lifecycle.prevent_destroy",
        ("on_purpose", (None, ""), (True, "environments/prod.yaml:3")),
        id="what is never sent",
    ),
]


@pytest.mark.parametrize(("dev", "prod", "path", "expected"), DECLARED)
def test_both_origins_of_what_is_on_purpose(compared, dev, prod, path, expected):
    found = compared(dev, prod)
    assert found.pop(path) == expected
    assert set(found) <= {f"{ENTITY}.entity_name"}


def test_a_prefix_is_no_difference(run, repository, two):
    two("name_prefix: dev-\nvariables: {catalog: x}\n", "variables: {catalog: x}\n")
    repository.endpoint(ENDPOINT)
    done = run("diff", "dev", "prod", "-o", "json", "--detailed-exitcode")
    assert (done.code, done.json["resources"]) == (0, [])
    assert done.json["summary"]["same"] == 1


def test_a_value_from_the_command_line_is_an_origin(run, repository, two):
    two("variables: {catalog: x}\n", "variables: {catalog: x}\noverrides: {}\n")
    repository.endpoint(ENDPOINT.replace("for everybody", "${environment.name}"))
    found = differences(run("diff", "dev", "prod", "--var", "catalog=y", "-o", "json"))
    here = "manifests/endpoint.yaml:5"
    assert found == {"description": ("on_purpose", ("dev", here), ("prod", here))}


def test_a_released_value_is_from_the_release_file(run, repository, two):
    two("variables: {catalog: x}\nreleased: [version]\n", "variables: {catalog: x, version: '3'}\n")
    repository.write("environments/releases/dev.yaml", '# by hand\nversion: {value: "2"}\n')
    repository.endpoint(ENDPOINT.replace('"3"', "${var.version}"))
    found = differences(run("diff", "dev", "prod", "-o", "json"))
    dev, prod = ("2", "environments/releases/dev.yaml:2"), ("3", "environments/prod.yaml:2")
    assert found == {f"{ENTITY}.entity_version": ("on_purpose", dev, prod)}


def test_what_one_environments_patterns_leave_out_is_an_accident(run, repository, two):
    two("", "manifests: [manifests/*.yaml]\n")
    repository.endpoint(ENDPOINT)
    lab = repository.endpoint(ENDPOINT).read_text().replace("chat:\n", "lab:\n", 1)
    repository.write("manifests/lab/all.yaml", lab.replace("name: chat", "name: lab"))
    done = run("diff", "dev", "prod", "--detailed-exitcode")
    assert done.code == 2
    assert "only in dev  model_serving_endpoints.lab  (lab)" in done.out
    assert "manifests/lab/all.yaml is not among the manifests of environments/prod.yaml:3" in (
        done.out
    )
    assert run("diff", "prod", "dev", "--select", "chat", "--detailed-exitcode").code == 0


def test_what_one_environment_removes_is_on_purpose(run, repository, two):
    two("manifests: [manifests/*.yaml]\n", "manifests: [gone.yaml]\n")
    repository.endpoint(ENDPOINT)
    entry = "{name: chat, delete: true}"
    repository.write("gone.yaml", f"removed:\n  model_serving_endpoints:\n    chat: {entry}\n")
    done = run("diff", "dev", "prod", "-o", "json")
    (only,) = done.json["only"]
    assert (only["purpose"], only["reason"]) == ("on_purpose", "removed at gone.yaml:3")
    assert run("diff", "dev", "prod", "--detailed-exitcode").code == 0


def test_two_manifests_for_one_address_differ_by_accident(run, repository, two):
    two("manifests: [a.yaml]\nvariables: {}\n", "manifests: [b.yaml]\nvariables: {}\n")
    text = repository.endpoint(ENDPOINT.replace("${var.catalog}", "main")).read_text()
    repository.write("a.yaml", text)
    repository.write("b.yaml", text.replace("Small", "Medium"))
    done = run("diff", "dev", "prod", "-o", "json", "--detailed-exitcode")
    assert done.code == 2
    ((field,),) = [resource["differences"] for resource in done.json["resources"]]
    assert (field["path"], field["purpose"]) == (f"{ENTITY}.workload_size", "by_accident")
    assert (field["left"]["origin"], field["right"]["origin"]) == ("a.yaml:11", "b.yaml:11")


def test_problems_of_both_environments_are_told_at_once(run, repository, two):
    two("name_prefix: a b\n", "variables: {catalog: x, unknown: '${var.nothing}'}\n")
    repository.endpoint(ENDPOINT)
    done = run("diff", "dev", "prod")
    assert done.code == 1
    assert "environments/dev.yaml:3" in done.err
    assert "environments/prod.yaml:2" in done.err


def test_an_environment_is_not_compared_with_itself(run, repository, two):
    two()
    repository.endpoint(ENDPOINT)
    assert "error[E780]" in run("diff", "dev", "dev").err


def test_a_selection_of_nothing_names_each_resource_once(run, repository, two):
    two()
    repository.endpoint(ENDPOINT)
    done = run("diff", "dev", "prod", "--select", "nothing")
    assert done.err.count("model_serving_endpoints.chat") == 1


def test_plaintext_is_shown_as_the_variable_it_comes_from(run, repository, two, monkeypatch):
    monkeypatch.setenv("KEY_DEV", "canary")
    monkeypatch.setenv("KEY_PROD", "canary")
    model = """
        name: gpt-4o
        provider: openai
        task: llm/v1/chat
        openai_config: {openai_api_key_plaintext: "${env.KEY_DEV}"}
"""
    entity = f"- name: gpt\n      external_model:{model}"
    over = (
        "variables: {}\noverrides: {model_serving_endpoints: {chat: {config: {served_entities: "
        "[{name: gpt, external_model: {openai_config: "
        '{openai_api_key_plaintext: "${env.KEY_PROD}"}}}]}}}}\n'
    )
    two("variables: {}\n", over)
    repository.endpoint(f"name: chat\nconfig:\n  served_entities:\n    {entity}")
    done = run("diff", "dev", "prod")
    assert "(secret from $KEY_DEV)" in done.out
    assert "(secret from $KEY_PROD)" in done.out
    assert "canary" not in done.out + done.err


@pytest.fixture
def applied(run, repository, two):
    """Both environments applied: ``chat``, and a scope with one key."""
    two("name_prefix: dev-\n", "")
    repository.endpoint(ENDPOINT)
    repository.write(
        "manifests/scope.yaml",
        "resources:\n  secret_scopes:\n    keys:\n      name: keys\n"
        "      secrets: {a: {from_file: a.txt}}\n",
    )
    repository.write("a.txt", "canary")
    for name in ("dev", "prod"):
        assert main(["apply", "-e", name, "-y", "-C", str(repository.root)]) == 0
    return repository


def test_live_what_is_as_declared_differs_on_purpose(run, applied):
    done = run("diff", "dev", "prod", "--live", "-o", "json", "--detailed-exitcode")
    assert differences(done) == {f"{ENTITY}.entity_name": CATALOG}
    assert done.json["right"] == {
        "environment": "prod",
        "host": "emulator:.provisioner/prod.sqlite",
    }


def test_live_a_hand_made_change_is_an_accident(run, applied):
    path = applied.root / "manifests/endpoint.yaml"
    as_it_was = path.read_text()
    path.write_text(as_it_was.replace("Small", "Large"))
    assert main(["apply", "-e", "prod", "-y", "-C", str(applied.root)]) == 0
    path.write_text(as_it_was)
    done = run("diff", "dev", "prod", "--live", "--detailed-exitcode")
    assert done.code == 2
    accident, purpose = done.out.index("by accident"), done.out.index("on purpose")
    assert accident < done.out.index(f"{ENTITY}.workload_size") < purpose
    assert "prod  Large  not as declared: Small  manifests/endpoint.yaml:11" in done.out
    assert "dev   Small  manifests/endpoint.yaml:11" in done.out
    assert run("diff", "dev", "prod", "--detailed-exitcode").code == 0


def test_live_what_is_not_applied_yet_is_in_one_only(run, applied):
    applied.write(
        "manifests/new.yaml",
        (applied.root / "manifests/endpoint.yaml")
        .read_text()
        .replace("chat:\n", "new:\n", 1)
        .replace("name: chat", "name: new"),
    )
    neither = run("diff", "dev", "prod", "--live")
    assert "only in" not in neither.out
    assert "1 resource in neither workspace" in neither.out
    assert main(["apply", "-e", "dev", "-y", "-C", str(applied.root)]) == 0
    (only,) = run("diff", "dev", "prod", "--live", "-o", "json").json["only"]
    assert (only["environment"], only["name"]) == ("dev", "dev-new")
    assert "also declared in prod, but missing in its workspace" in only["reason"]


def test_live_a_missing_key_is_an_accident_and_no_value_is_shown(run, applied):
    applied.write(
        "manifests/scope.yaml",
        (applied.root / "manifests/scope.yaml")
        .read_text()
        .replace("{a:", "{b: &x {from_file: a.txt}, a:"),
    )
    assert main(["apply", "-e", "dev", "-y", "-C", str(applied.root)]) == 0
    done = run("diff", "dev", "prod", "--live", "--select", "keys")
    assert "dev   as declared" in done.out
    assert "prod  does not exist yet" in done.out
    assert "canary" not in done.out + done.err


def test_the_answer_is_the_same_the_other_way_round(run, repository, two):
    two("", "overrides: {model_serving_endpoints: {chat: {description: null}}}\n")
    repository.endpoint(ENDPOINT)
    one = run("diff", "dev", "prod", "-o", "json").json
    other = run("diff", "prod", "dev", "-o", "json").json
    swapped = json.loads(json.dumps(other).replace('"left"', '"?"').replace('"right"', '"left"'))
    turned = json.loads(json.dumps(swapped).replace('"?"', '"right"'))
    assert turned == one
