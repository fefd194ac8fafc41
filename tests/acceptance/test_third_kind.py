"""A kind is one folder and one line of the registry: a third one goes through the whole tool."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import lamps
import pytest
from lamps.driver import SHOP

from provisioner.commands.schema import generate
from provisioner.kinds import KINDS
from provisioner.model import schemas

MANIFEST = """
resources:
  secret_scopes:
    keys: {name: keys, secrets: {lamp: {from_env: LAMP_KEY}}}
  lamps:
    desk: {name: desk, color: green, watts: 5, comment: for reading, scope: keys}
"""


@pytest.fixture(scope="module")
def schema_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schemas as they are generated with a third kind in the registry."""
    folder = tmp_path_factory.mktemp("schemas")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, lamps.NAME, lamps.KIND)
        generate.write(folder)
    return folder


@pytest.fixture(autouse=True)
def third_kind(schema_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One line: the kind is registered, and its schema is where schemas are looked for."""
    monkeypatch.setitem(KINDS, lamps.NAME, lamps.KIND)
    monkeypatch.setattr(schemas, "FOLDERS", (schema_folder, *schemas.FOLDERS))
    monkeypatch.setenv("LAMP_KEY", "not-a-key")
    SHOP.reset()
    _forget_schemas()
    yield
    _forget_schemas()


def _forget_schemas() -> None:
    schemas.schema.cache_clear()
    schemas.rules.cache_clear()


@pytest.fixture
def written(repository):
    repository.write("manifests/lamps.yaml", MANIFEST)
    return repository


@pytest.fixture
def applied(written, run):
    assert run("apply", "-y").code == 0
    SHOP.calls.clear()
    return written


def test_its_manifests_are_validated_by_its_schema_and_its_relations(written, run):
    assert run("validate").code == 0
    written.write("manifests/lamps.yaml", MANIFEST.replace("watts: 5", "wats: 5"))
    assert "did you mean `watts`?" in run("validate").err
    written.write("manifests/lamps.yaml", MANIFEST.replace("green", "dark"))
    assert "a dark lamp takes no power" in run("validate").err


def test_it_is_planned_after_the_scope_that_it_depends_on(written, run):
    steps = {step["address"]: step for step in run("plan", "-o", "json").json["steps"]}
    assert steps["lamps.desk"]["action"] == "create"
    assert steps["lamps.desk"]["needs"] == ["secret_scopes.keys"]


def test_it_is_applied_with_its_owner_in_its_comment_and_the_second_plan_is_empty(applied, run):
    assert SHOP.lamps["desk"]["comment"] == "for reading\nmanaged by provisioner: shop/dev"
    assert run("plan", "--detailed-exitcode").code == 0


def test_a_field_is_updated_and_one_that_is_fixed_replaces_it(applied, run):
    applied.write("manifests/lamps.yaml", MANIFEST.replace("watts: 5", "watts: 7"))
    assert run("apply", "-y").code == 0
    assert SHOP.calls == ["update_lamp"]
    applied.write("manifests/lamps.yaml", MANIFEST.replace("watts: 5", "socket: E27"))
    assert run("apply", "-y").code == 1
    assert run("apply", "-y", "--allow-replace", "lamps.desk").code == 0
    assert SHOP.calls == ["update_lamp", "delete_lamp", "create_lamp"]


def test_a_change_by_hand_is_drift(applied, run):
    SHOP.lamps["desk"]["watts"] = 100
    (finding,) = run("drift", "-o", "json").json["drift"]
    assert (finding["address"], finding["path"], finding["sort"]) == (
        "lamps.desk",
        "watts",
        "edited",
    )


def test_one_without_a_manifest_is_an_orphan_and_is_pruned(applied, run):
    applied.write("manifests/lamps.yaml", MANIFEST.partition("  lamps:")[0])
    (step,) = [
        each for each in run("plan", "-o", "json").json["steps"] if each["action"] == "orphan"
    ]
    assert step["address"] == "lamps.desk"
    assert run("apply", "-y", "--prune", "--allow-delete", "lamps.desk").code == 0
    assert SHOP.lamps == {}


def test_one_that_somebody_else_owns_is_blocked(applied, run):
    SHOP.lamps["desk"]["comment"] = "managed by provisioner: other/prod"
    result = run("plan")
    assert result.code == 1
    assert "belongs to other/prod" in result.out


def test_a_live_one_is_imported_and_its_plan_is_empty_after_adoption(written, run):
    SHOP.lamps["hall"] = {"id": "lamp-9", "color": "red", "watts": 40, "comment": "by the door"}
    assert run("import", "hall").code == 0
    text = "".join(path.read_text() for path in (written.root / "manifests").rglob("*.y*ml"))
    assert "by the door" in text
    assert run("apply", "-y", "--adopt").code == 0
    assert run("plan", "--detailed-exitcode").code == 0


def test_the_graph_shows_it_with_the_secrets_that_it_takes(written, run):
    nodes = run("graph", "-o", "json").json["nodes"]
    assert {"desk", "green", "keys"} <= {node["label"] for node in nodes}


def test_a_kind_that_takes_no_requests_is_no_source_of_secrets_because_of_that(
    written, run, monkeypatch
):
    without = replace(lamps.KIND, runtime=replace(lamps.KIND.runtime, topology=None))
    monkeypatch.setitem(KINDS, lamps.NAME, without)
    reference = "{{secrets/desk/key}}"
    written.endpoint(
        "name: chat\nconfig: {served_entities: [{name: a, external_model: {name: gpt-4, "
        f"provider: openai, task: llm/v1/chat, openai_config: {{openai_api_key: '{reference}'}}"
        "}}]}"
    )
    nodes = run("graph", "-o", "json").json["nodes"]
    (scope,) = [node for node in nodes if node["sort"] == "secrets"]
    assert (scope["label"], scope["elsewhere"]) == ("desk", True)


def test_reports_and_status_show_it(applied, run, tmp_path):
    applied.write("manifests/lamps.yaml", MANIFEST.replace("watts: 5", "watts: 7"))
    report = tmp_path / "report.json"
    assert run("plan", "--report", f"json={report}").code == 0
    assert "lamps.desk" in json.dumps(json.loads(report.read_text()))
    assert "lamps.desk" in run("status").out
