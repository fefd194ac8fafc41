"""Importing from a live workspace: what is written, what stays, and that a plan agrees."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from proofs import examples
from strategies import KEYS, VARIABLE, manifests, readable
from workbench import Workbench, left_to_do, workbench

from provisioner.cli import main
from provisioner.commands.importing.draft import write
from provisioner.commands.importing.from_workspace import ImportRequest, import_from_workspace
from provisioner.kinds import KINDS
from provisioner.manifests.load import Loaded, load
from provisioner.manifests.project import Environment
from provisioner.workflow.plan import make_plan
from provisioner.workflow.scope import PlanOptions
from provisioner.workflow.session import Session

EXAMPLES = Path(__file__).parents[3] / "examples"
PROJECTS = sorted(path.parent for path in EXAMPLES.glob("*/provisioner.yaml"))
ENDPOINTS = "/api/2.0/serving-endpoints"
ENTITY = {
    "name": "gpt",
    "external_model": {
        "name": "gpt-4o",
        "provider": "openai",
        "task": "llm/v1/chat",
        "openai_config": {"openai_api_key": "{{secrets/keys/one}}"},
    },
}


def make(workspace, name="chat", **fields):
    body = {"name": name, "config": {"served_entities": [ENTITY]}, **fields}
    workspace.call("POST", ENDPOINTS, body)


def differences(step):
    return [change["path"] for change in step["changes"] if change["action"] != "keep"]


@pytest.fixture
def live(workspace):
    """A workspace with a scope, and one endpoint that nobody declares."""
    workspace.call("POST", "/api/2.0/secrets/scopes/create", {"scope": "keys"})
    body = {"scope": "keys", "key": "one", "string_value": "canary-in-a-scope"}
    workspace.call("POST", "/api/2.0/secrets/put", body)
    make(workspace)
    return workspace


def test_a_live_endpoint_gets_a_manifest_without_what_the_service_chose(live, run, repository):
    done = run("import", "chat")
    assert done.code == 0, done.err
    assert (repository.root / "manifests/chat.yaml").read_text() == (
        "resources:\n"
        "  model_serving_endpoints:\n"
        "    chat:\n"
        "      name: chat\n"
        "      config:\n"
        "        served_entities:\n"
        "          - name: gpt\n"
        "            external_model:\n"
        "              name: gpt-4o\n"
        "              provider: openai\n"
        "              task: llm/v1/chat\n"
        "              openai_config:\n"
        '                openai_api_key: "{{secrets/keys/one}}"\n'
    )
    assert "next: provisioner apply -e dev --adopt" in done.err


def test_after_an_import_only_the_owner_is_missing(live, run):
    run("import", "--all")
    plan = run("plan", "-o", "json").json
    assert [(step["action"], differences(step)) for step in plan["steps"]] == [("adopt", [])]
    assert run("apply", "-y", "--adopt").code == 0
    assert run("plan", "--detailed-exitcode").code == 0


def test_an_import_changes_nothing_in_the_workspace(live, run):
    live.forget()
    run("import", "--all", "--with-scopes")
    assert live.writes() == []


def test_what_databricks_provides_is_imported_by_its_name_alone(live, run, repository):
    assert run("import", "*").code == 0
    assert [path.name for path in repository.root.glob("manifests/*")] == ["chat.yaml"]
    assert run("import", "databricks-dbrx-instruct").code == 0
    text = (repository.root / "manifests/databricks_dbrx_instruct.yaml").read_text()
    assert "existing: true" in text
    assert "config:" not in text


def test_an_editor_finds_the_schema(live, run, repository):
    repository.write("schemas/manifest.schema.json", "{}")
    run("import", "chat", "--to", "manifests/team/a/{name}.yaml")
    first = (repository.root / "manifests/team/a/chat.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=../../../schemas/manifest.schema.json"


def test_a_plaintext_key_becomes_a_variable_with_a_comment(live, run, repository):
    key = {"openai_api_key_plaintext": "canary-in-a-key"}
    model = {**ENTITY["external_model"], "openai_config": key}
    make(live, "plain", config={"served_entities": [{"name": "a", "external_model": model}]})
    done = run("import", "plain")
    text = (repository.root / "manifests/plain.yaml").read_text()
    assert "openai_api_key_plaintext: ${env.PLAIN_OPENAI_API_KEY}" in text
    assert "# Databricks never returns this key" in text
    assert "canary" not in text + done.out + done.err


def test_names_that_make_the_same_key_get_different_ones(live, run, repository):
    make(live, "team-chat")
    make(live, "team_chat")
    assert run("import", "team*").code == 0
    found = sorted(path.name for path in repository.root.glob("manifests/*"))
    assert found == ["team_chat.yaml", "team_chat_2.yaml"]
    assert run("validate").code == 0


def test_a_file_that_is_there_stays(live, run, repository):
    path = repository.write("manifests/chat.yaml", "x-note: mine\nresources: {}\n")
    done = run("import", "chat")
    assert (done.code, path.read_text()) == (1, "x-note: mine\nresources: {}\n")
    assert "error[E834]" in done.err


def test_the_second_import_writes_nothing(live, run, repository):
    run("import", "--all", "--with-scopes")
    before = {path: path.read_bytes() for path in repository.root.glob("manifests/*")}
    assert "0 new, 0 changed" in run("import", "--all", "--with-scopes").out
    assert {path: path.read_bytes() for path in repository.root.glob("manifests/*")} == before


@pytest.mark.parametrize("option", ["--dry-run", "--stdout"])
def test_what_is_only_shown_is_not_written(live, run, repository, option):
    done = run("import", "chat", option)
    assert "provider: openai" in done.out
    assert not list(repository.root.glob("manifests/*"))


def test_direct_grants_are_imported_but_not_the_creators(live, run, repository):
    identity = live.endpoint("chat")["id"]
    rows = [{"group_name": "analysts", "permission_level": "CAN_QUERY"}]
    body = {"access_control_list": rows}
    live.call("PATCH", f"/api/2.0/permissions/serving-endpoints/{identity}", body)
    run("import", "chat")
    text = (repository.root / "manifests/chat.yaml").read_text()
    after = text.split("permissions:\n")[1]
    assert after == "        - {level: CAN_QUERY, group_name: analysts}\n"


def test_scopes_come_with_their_keys_but_no_value(live, run, repository):
    done = run("import", "chat", "--with-scopes")
    text = (repository.root / "manifests/keys.yaml").read_text()
    assert "one: {from_env: KEYS_ONE}" in text
    assert "canary" not in text + done.out + done.err
    plan = run("plan", "-o", "json").json
    assert {step["address"]: step["action"] for step in plan["steps"]} == {
        "model_serving_endpoints.chat": "adopt",
        "secret_scopes.keys": "keep",
    }


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param([], "E831", id="nothing says what"),
        pytest.param(["nope"], "E832", id="a name that does not exist"),
        pytest.param(["chat", "--to", "../x.yaml"], "E830", id="a place outside of the project"),
    ],
)
def test_what_cannot_be_imported_is_said(live, run, words, code):
    done = run("import", *words)
    assert done.code == 1
    assert f"error[{code}]" in done.err


def test_what_breaks_our_rules_is_left_out_and_the_others_go_on(live, run, repository, monkeypatch):
    from provisioner.kinds.model_serving_endpoints.live import driver

    known = driver.translate.live

    def newer(raw, rules):
        if raw["name"] == "newer":
            raw["config"]["served_entities"][0]["external_model"]["provider"] = "mind-reader"
        return known(raw, rules)

    monkeypatch.setattr(driver.translate, "live", newer)
    make(live, "newer")
    done = run("import", "--all")
    assert done.code == 1
    assert "`newer` is skipped" in done.err
    assert [path.name for path in repository.root.glob("manifests/*")] == ["chat.yaml"]


def test_a_field_that_this_version_does_not_know_is_named(live, run, repository, monkeypatch):
    from provisioner.kinds.model_serving_endpoints.live import driver

    known = driver.translate.live

    def newer(raw, rules):
        raw["config"]["served_entities"][0]["x_new"] = 5
        raw["x_secret"] = "canary\n\x1b[31m"
        return known(raw, rules)

    monkeypatch.setattr(driver.translate, "live", newer)
    assert run("import", "chat").code == 0
    text = (repository.root / "manifests/chat.yaml").read_text()
    assert "# If it is a setting that you need, keep it here: raw: {x_new: 5}" in text
    assert "`x_secret`" in text
    assert "canary" not in text
    assert [step["action"] for step in run("plan", "-o", "json").json["steps"]] == ["adopt"]


def test_hostile_text_stays_text(live, run, repository):
    said = "a: b #\x1b[31m \u202e ${var.x} {{secrets/a/b}}\n- c\x85"
    make(live, "odd", description=said)
    done = run("import", "odd", "--dry-run")
    assert "\x1b" not in done.out
    assert run("import", "odd").code == 0
    assert run("render", "-o", "json").code == 0
    plan = run("plan", "-o", "json").json
    assert [(step["action"], differences(step)) for step in plan["steps"]] == [("adopt", [])]


def test_what_may_not_be_read_is_a_problem_and_the_others_go_on(live, run, repository):
    make(live, "closed")
    body = {"error_code": "PERMISSION_DENIED", "message": "no"}
    rule = {"path": f"{ENDPOINTS}/closed", "action": {"status": 403, "body": body}}
    live.call("POST", "/__emulator__/faults", {"rules": [rule]})
    done = run("import", "--all")
    assert done.code == 1
    assert "PERMISSION_DENIED" in done.err
    assert [path.name for path in repository.root.glob("manifests/*")] == ["chat.yaml"]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--update", "--all"], id="an update of all"),
        pytest.param(["x", "--from-bundle", "FILE"], id="a name and a bundle"),
        pytest.param(["--update", "--from-bundle", "FILE"], id="two ways"),
    ],
)
def test_ways_are_not_mixed(run, repository, words):
    file = repository.write("databricks.yml", "resources: {}\n")
    done = run("import", *(str(file) if word == "FILE" else word for word in words))
    assert (done.code, done.out) == (1, "")


def test_a_manifest_with_errors_stops_an_import(live, run, repository):
    repository.write("manifests/broken.yaml", "resources: {model_serving_endpoint: {}}\n")
    done = run("import", "--all")
    assert (done.code, done.out) == (1, "")
    assert "error[E205]" in done.err


def test_names_lose_the_prefix_of_the_environment(live, run, repository):
    path = repository.root / "environments/dev.yaml"
    path.write_text(f"{path.read_text()}name_prefix: dev-\n")
    make(live, "dev-fraud")
    done = run("import", "chat", "dev-fraud")
    assert "`chat` is skipped" in done.err
    assert "name: fraud\n" in (repository.root / "manifests/dev_fraud.yaml").read_text()
    assert [step["action"] for step in run("plan", "-o", "json").json["steps"]] == ["adopt"]


# -- round trips -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, workbench(tmp_path_factory.mktemp("x")) as made:
        patch.setenv(VARIABLE, "not-a-key")
        yield made


def imported_anew(bench: Workbench, session: Session, folder: Path) -> tuple[Session, dict]:
    """What the tool knows after an import of everything into ``folder``, and the files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    nothing = Loaded((), (), digest="", files=())
    project = replace(session.project, root=folder)
    empty = replace(session, project=project, loaded=nothing)
    empty = replace(empty, drivers=empty.new_drivers())
    imported = import_from_workspace(empty, ImportRequest(all=True, with_scopes=True))
    assert imported.problems == ()
    write(folder, imported.outcomes)
    environment = Environment("dev", session.environment.workspace)
    loaded = load(folder, environment, KINDS)
    return replace(empty, loaded=loaded), {one.file: one.text for one in imported.outcomes}


@pytest.mark.proof("import")
@given(manifests())
@examples(quick=15, full=2000)
def test_what_was_applied_and_imported_needs_nothing(bench, tmp_path, manifest):
    manifest = readable(manifest)
    bench.empty(KEYS)
    bench.apply(manifest)
    session, files = imported_anew(bench, bench.session(manifest), tmp_path / "one")
    assert left_to_do(make_plan(session, PlanOptions())) == {}
    _, again = imported_anew(bench, session, tmp_path / "two")
    assert again == files


@pytest.mark.parametrize("source", PROJECTS, ids=lambda path: path.name)
def test_every_example_can_be_imported_into_an_empty_folder(source, tmp_path, monkeypatch, capsys):
    one, two = tmp_path / "one", tmp_path / "two"
    shutil.copytree(source, one)
    for text in source.rglob("*.yaml"):
        for name in re.findall(r"(?:env\.|from_env: )([A-Z_0-9]+)", text.read_text()):
            monkeypatch.setenv(name, "value")
    assert main(["apply", "-C", str(one), "-y"]) == 0, capsys.readouterr().err
    two.mkdir()
    shutil.copy(one / "provisioner.yaml", two)
    for folder in (".provisioner", "environments"):
        if (one / folder).exists():
            shutil.copytree(one / folder, two / folder)
    # What is imported is one resource each, which overrides of a block with `for_each` do not name.
    for path in two.glob("environments/*.yaml"):
        path.write_text(re.sub(r"(?ms)^overrides:\n(?:[ #].*\n)*", "", path.read_text()))
    names = ["databricks-meta-llama-3-1-70b-instruct"] if source.name == "pay-per-token" else []
    assert main(["import", "-C", str(two), "--all", *names, "--with-scopes"]) == 0
    said = capsys.readouterr().out
    if not list(two.glob("manifests/*")):
        return  # Scopes that no endpoint refers to.
    main(["plan", "-C", str(two), "-o", "json"])
    steps = json.loads(capsys.readouterr().out)["steps"]
    found = {step["address"]: differences(step) for step in steps if step["action"] != "keep"}
    # What cannot be read back is named instead: telemetry's tables, and burst scaling.
    lost = {"custom-model": ["telemetry_config"], "provisioned-throughput": ["config"]}
    assert [path for paths in found.values() for path in paths] == lost.get(source.name, [])
    assert ("cannot be read back" in said) == bool(found)
