"""promote --status: three local workspaces side by side."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from provisioner.cli import main

ROOT = Path(__file__).parents[3]
ENVIRONMENTS = ("dev", "staging", "prod")
MODELS = ("risk.card_payments", "support.ticket_router")


def clone(folder):
    for name in ("provisioner.yaml", "environments", "examples"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)


@pytest.fixture
def command_line(tmp_path, monkeypatch, capsys):
    """The command line in the current folder, which is empty."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FEATURE_STORE_TOKEN", "value")

    def call(*words, code=0):
        capsys.readouterr()
        got = main([*words])
        said = capsys.readouterr()
        assert got == code, said.out + said.err
        return said.out

    return call


@pytest.fixture
def say(command_line, tmp_path):
    """The command line in a fresh clone of this repository."""
    clone(tmp_path)
    return command_line


def register(say, environment, model):
    say("emulator", "register", f"{environment}.{model}", "--alias", "champion", "-e", environment)


@pytest.fixture
def level(command_line, scenes, tmp_path, monkeypatch):
    """The command line where everything is at version 1 and applied in all three."""

    def build(folder):
        clone(folder)
        monkeypatch.chdir(folder)
        for environment in ENVIRONMENTS:
            for model in MODELS:
                register(command_line, environment, model)
        command_line("pin", "-e", "dev")
        command_line("apply", "-y", "-e", "dev")
        for source, target in pairwise(ENVIRONMENTS):
            command_line("promote", "--from", source, "--to", target, "--write")
            command_line("apply", "-y", "-e", target)

    scenes.copy("three environments at version 1", build, tmp_path)
    monkeypatch.chdir(tmp_path)
    return command_line


def status(say, *words, code=0):
    return json.loads(say("promote", "--status", "-o", "json", *words, code=code))


def cells(found, variable="fraud_version"):
    (row,) = [one for one in found["variables"] if one["name"] == variable]
    return row["environments"]


def test_one_version_in_three_columns_then_an_alias_is_ahead(level):
    found = status(level)
    assert [one["name"] for one in found["environments"]] == [*ENVIRONMENTS]
    assert {at: one["value"] for at, one in cells(found).items()} == dict.fromkeys(
        ENVIRONMENTS, "1"
    )
    assert {one["state"] for one in cells(found).values()} == {"live"}
    assert not [one for one in cells(found).values() if one["ahead"]]
    assert "all level" in level("promote", "--status")
    register(level, "dev", MODELS[0])
    assert cells(status(level))["dev"]["ahead"] == [
        {
            "of": f"dev.{MODELS[0]}@champion",
            "is_alias": True,
            "value": "2",
            "by": 1,
            "rejected": False,
        }
    ]
    text = level("promote", "--status")
    assert "@champion 1 ahead: 2" in " ".join(text.split())
    assert "next: provisioner pin -e dev fraud_version\n" in text
    level("pin", "-e", "dev")
    found = cells(status(level))
    assert found["dev"]["state"] == "differs"
    assert found["dev"]["ahead"][0] == {
        "of": "staging",
        "is_alias": False,
        "value": "2",
        "by": 1,
        "rejected": False,
    }
    text = level("promote", "--status")
    assert "1 ahead of staging" in text
    assert "provisioner promote --from dev --to staging fraud_version\n" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text


def test_what_is_rejected_is_not_ahead(level):
    register(level, "dev", MODELS[0])
    level("pin", "-e", "dev")
    level("apply", "-y", "-e", "dev")
    register(level, "staging", MODELS[0])
    level("promote", "--from", "dev", "--to", "staging", "--write")
    level("rollback", "-e", "staging", "fraud", "--apply", "-y")
    found = cells(status(level))
    assert (found["staging"]["value"], found["staging"]["rejected"]) == ("1", ["2"])
    assert found["dev"]["ahead"][0]["rejected"] is True
    text = level("promote", "--status")
    assert "staging rejects it" in text
    assert "rejects 2" in text
    assert "rolled back from 2" in text
    assert "promote --from dev" not in text


def test_offline_nothing_is_opened_and_no_manifest_is_read(level, tmp_path):
    shutil.rmtree(tmp_path / ".provisioner")
    shutil.rmtree(tmp_path / "examples")
    found = status(level, "--offline")
    assert {one["state"] for one in cells(found).values()} == {"not asked"}
    assert {one["reached"] for one in found["environments"]} == {None}
    assert "from files alone" in level("promote", "--status", "--offline")
    assert not (tmp_path / ".provisioner").exists()


def test_one_workspace_that_cannot_be_reached_hides_no_other(level, tmp_path):
    (tmp_path / ".provisioner" / "staging.sqlite").write_bytes(b"no database" * 100)
    found = status(level)
    assert {at: one["state"] for at, one in cells(found).items()} == {
        "dev": "live",
        "staging": "unreachable",
        "prod": "live",
    }
    (staging,) = [one for one in found["environments"] if one["name"] == "staging"]
    assert staging["reached"] is False
    assert staging["problems"][0]["code"] == "E815"
    text = level("promote", "--status")
    assert "? unreachable" in text
    assert "staging is unreachable: the local workspace cannot use" in text
    for environment in ("dev", "prod"):
        (tmp_path / ".provisioner" / f"{environment}.sqlite").write_bytes(b"no database" * 100)
    status(level, code=1)


def test_a_token_of_one_workspace_reaches_no_other(level, tmp_path, monkeypatch):
    for name in ("dev", "prod"):
        file = tmp_path / "environments" / f"{name}.yaml"
        emulator, host = f"emulator: .provisioner/{name}.sqlite", f"host: https://{name}.invalid"
        file.write_text(file.read_text().replace(emulator, host))
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-of-dev")
    found = status(level)
    assert cells(found)["staging"]["state"] == "live"
    dev, _, prod = found["environments"]
    for one in (dev, prod):
        assert (one["reached"], one["problems"][0]["code"]) == (False, "E403")


def test_a_manifest_with_a_mistake_leaves_the_values_in_sight(level, tmp_path):
    (tmp_path / "examples/promotion/manifests/fraud.yaml").write_text("resources: [no]\n")
    found = status(level, code=1)
    assert cells(found)["prod"]["value"] == "1"
    assert cells(found)["prod"]["state"] == "unreachable"


def test_names_are_variables_or_endpoints(level):
    for word in ("router_version", "router", "dev-ticket-router"):
        assert [one["name"] for one in status(level, word)["variables"]] == ["router_version"]
    level("promote", "--status", "nothing", code=1)


def test_as_markdown_it_is_a_table(level):
    lines = level("promote", "--status", "-o", "markdown").splitlines()
    assert lines[2] == "| variable | dev | staging | prod |"
    assert lines[3] == "| --- | --- | --- | --- |"
    assert lines[4].startswith("| fraud_version | **1** ✓ live<br>just now, ")


def test_on_a_narrow_terminal_columns_go_below_each_other(level, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    text = level("promote", "--status")
    lines = [line for line in text.splitlines() if not line.startswith(("next", "Status", " pro"))]
    assert max(map(len, lines)) <= 40
    assert [text.index(f" {name}\n") > 0 for name in ENVIRONMENTS]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["promote", "--status"], id="the matrix"),
        pytest.param(["validate"], id="validate, which a pipeline runs first"),
    ],
)
def test_a_circle_is_an_error_with_all_of_its_places(say, tmp_path, capsys, words):
    dev = tmp_path / "environments/dev.yaml"
    dev.write_text(f"{dev.read_text()}promotes_from: prod\n")
    assert main(words) == 1
    said = capsys.readouterr().err
    assert said.count("error[E726]") == 3
    assert "`dev` → `staging` → `prod` → `dev`" in said
    assert "environments/dev.yaml" in said
    assert "environments/prod.yaml" in said


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--status", "--write"], id="status and write"),
        pytest.param(["--status", "--to", "prod"], id="status and an environment"),
        pytest.param(["--offline", "--to", "prod"], id="offline alone"),
        pytest.param(["-o", "markdown", "--to", "prod"], id="markdown alone"),
    ],
)
def test_options_that_do_not_go_together_are_refused(say, capsys, words):
    assert main(["promote", *words]) == 1
    assert "error[E727]" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["promote", "--status", "--offline"], ["validate"]])
def test_a_value_from_outside_is_refused_for_every_environment_at_once(
    say, capsys, monkeypatch, words
):
    monkeypatch.setenv("PROVISIONER_VAR_fraud_version", "7")
    assert main(words) == 1
    errors = capsys.readouterr().err
    assert [
        f"only the release file of {name} may set `fraud_version`" in errors
        for name in ENVIRONMENTS
    ] == [True] * 3


def test_a_refused_login_concerns_the_whole_environment_and_not_one_alias(
    repository, monkeypatch, capsys
):
    (environment,) = repository.root.glob("environments/dev.yaml")
    released = "released: [v]\nvariables:\n  v: {alias: main.models.m@champion}\n"
    environment.write_text(environment.read_text() + released)
    # Nothing is made from the variable: its alias is all that the workspace is asked about.
    repository.endpoint("name: chat")
    monkeypatch.setenv("DATABRICKS_TOKEN", "of-somebody-else")
    monkeypatch.chdir(repository.root)
    assert main(["promote", "--status"]) == 1
    assert "dev is unreachable: " in capsys.readouterr().out
