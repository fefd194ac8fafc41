"""Environments as a user meets them: variables, layers and what they are rendered to."""

from __future__ import annotations

import pytest

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
    assert "error[E813]" in done.err
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
    from provisioner.cli import main

    head = f"workspace: {{host: {workspace.server.url}}}\n"
    repository.write("environments/dev.yaml", f"{head}manifests: [a.yaml]\n")
    repository.write("environments/prod.yaml", f"{head}variables: {{catalog: x, version: '1'}}\n")
    repository.endpoint(ENDPOINT)
    manifest = (repository.root / "manifests/endpoint.yaml").read_text()
    fixed = manifest.replace("${var.catalog}", "main").replace("${var.version}", "'1'")
    repository.write("a.yaml", fixed)
    folder = str(repository.root)
    assert main(["validate", "-C", folder, "--var", "catalog=y"]) == 0, capsys.readouterr().err
    assert main(["validate", "-C", folder, "--var", "catalogue=y"]) == 1
