"""What must hold for every manifest that is accepted, whatever is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from live_edits import Document, Edit, edited, on_the_wire
from proofs import examples
from strategies import ENDPOINTS, KEYS, VARIABLE, Manifest, changes
from workbench import Workbench, left_to_do, workbench

from provisioner.commands.drift.detect import drift
from provisioner.model.drift import EITHER
from provisioner.model.outcome import Status
from provisioner.model.paths import path_text
from provisioner.model.plan import Plan

pytestmark = pytest.mark.proof("convergence")
many = examples(quick=12, full=5000)
some = examples(quick=8, full=2000)

# What we add of our own: marks among the tags, and the route of a single entity.
OURS = "provisioner_"
TABLES = (("config", "auto_capture_config"), ("ai_gateway", "inference_table_config"))
SHARE = "traffic_percentage"
PERMISSIONS = "/api/2.0/permissions/"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with pytest.MonkeyPatch.context() as patch, workbench(tmp_path_factory.mktemp("x")) as made:
        patch.setenv(VARIABLE, "not-a-key")
        yield made


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    """A workspace that keeps the traffic split which a config update leaves out."""
    folder = tmp_path_factory.mktemp("keeping")
    with (
        pytest.MonkeyPatch.context() as patch,
        workbench(folder, keeps_omitted_traffic=True) as made,
    ):
        patch.setenv(VARIABLE, "not-a-key")
        yield made


def applied(bench: Workbench, manifest: Manifest) -> Plan:
    """Apply with consent to everything, and expect that all of it went well."""
    plan, outcomes = bench.apply(manifest, prune=True)
    went = {str(one.step.address): (one.status, one.message) for one in outcomes}
    assert went == dict.fromkeys(went, (Status.DONE, ""))
    return plan


def fields(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The place of every field in ``value``, without positions in lists."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*place, name)
            yield from fields(inner, (*place, name))
    if isinstance(value, list):
        for inner in value:
            yield from fields(inner, place)


def sent_for(path: str, body: Any) -> Any:
    """The part of a document that a request body stands for."""
    if path.endswith("/config") and "/pt/" not in path:
        return {"config": body}
    if path.endswith("/ai-gateway"):
        return {"ai_gateway": body}
    if path.endswith("/tags"):
        tags = [*body.get("add_tags", []), *({"key": key} for key in body.get("delete_tags", []))]
        return {"tags": tags}
    if path.startswith(PERMISSIONS):
        rows = body["access_control_list"]
        return {"permissions": [{**row, "level": row["permission_level"]} for row in rows]}
    return body


def nobody_wrote(bench: Workbench, *manifests: Manifest) -> set[tuple[str, ...]]:
    """The fields in the requests since the last look that stand in none of ``manifests``."""
    documents = [one for each in manifests for one in each.get(ENDPOINTS, {}).values()]
    allowed = {place for one in documents for place in fields(on_the_wire(one))}
    # Our own marks; and whoever creates an endpoint keeps his grant.
    allowed |= {("tags",), ("tags", "key"), ("tags", "value"), ("permissions",)}
    allowed |= {("permissions", name) for name in ("user_name", "permission_level", "level")}
    # Where it replaces others, the only entity gets its route, and a name for it.
    config = ("traffic_config", "traffic_config.routes", "served_entities.name")
    route = [f"traffic_config.routes.{name}" for name in ("served_entity_name", SHARE)]
    allowed |= {("config", *place.split(".")) for place in (*config, *route)}
    # A table that is switched off is named as it is: the service may have chosen its prefix.
    allowed |= {(*place, name) for place in TABLES for name in ("enabled", "table_name_prefix")}
    bodies = [
        sent_for(entry["path"], entry["body"])
        for entry in bench.writes()
        if entry["body"] and "/secrets/" not in entry["path"]
    ]
    return {place for body in bodies for place in fields(body)} - allowed


@many
@given(changes())
def test_any_manifest_can_become_any_other_and_then_nothing_is_left_to_do(
    bench: Workbench, manifests: tuple[Manifest, Manifest]
) -> None:
    bench.empty(KEYS)
    for number, manifest in enumerate(manifests):
        bench.forget()
        applied(bench, manifest)
        assert nobody_wrote(bench, *manifests[: number + 1]) == set()
        bench.forget()
        assert left_to_do(applied(bench, manifest)) == {}
        assert bench.writes() == []


@some
@given(changes())
def test_it_can_also_where_the_service_keeps_the_traffic_that_is_left_out(
    keeping: Workbench, manifests: tuple[Manifest, Manifest]
) -> None:
    keeping.empty(KEYS)
    for manifest in manifests:
        applied(keeping, manifest)
        assert left_to_do(applied(keeping, manifest)) == {}


@some
@given(changes())
def test_it_can_also_where_the_first_deployment_failed(
    bench: Workbench, manifests: tuple[Manifest, Manifest]
) -> None:
    before, after = manifests
    bench.empty(KEYS)
    failing = {"endpoint": "*", "state": "DEPLOYMENT_FAILED", "entity": "*"}
    rules = [{"deployment": failing, "times": 9}]
    bench.call("POST", "/__emulator__/faults", {"rules": rules})
    _, outcomes = bench.apply(before, prune=True)
    serving = {key for key, one in before[ENDPOINTS].items() if "config" in one}
    failed = {one.step.address.key for one in outcomes if one.status is Status.FAILED}
    assert failed == serving
    bench.call("DELETE", "/__emulator__/faults")
    bench.forget()
    applied(bench, after)
    assert left_to_do(applied(bench, after)) == {}


@some
@given(edited())
def test_a_change_by_hand_is_shown_at_its_path_and_taken_back(
    bench: Workbench, situation: tuple[Document, Edit]
) -> None:
    document, edit = situation
    bench.empty(KEYS)
    applied(bench, manifest_of(document))
    by_hand(bench, edit)
    shown = left_to_do(bench.plan(manifest_of(document)))
    assert list(shown) == [ADDRESS]
    assert {within(edit.path, path) for path in shown[ADDRESS]} == {True}, shown
    drifted = [one for one in drift(bench.session(manifest_of(document))) if one.counts]
    assert {path_text(one.path) for one in drifted} == set(shown[ADDRESS])
    assert {one.category for one in drifted} <= EITHER
    applied(bench, manifest_of(document))
    assert left_to_do(bench.plan(manifest_of(document))) == {}


@some
@given(edited())
def test_a_change_by_hand_to_what_is_ignored_is_shown_nowhere_and_survives(
    bench: Workbench, situation: tuple[Document, Edit]
) -> None:
    document, edit = situation
    bench.empty(KEYS)
    ignoring = document | {"lifecycle": {"ignore_changes": [edit.path]}}
    applied(bench, manifest_of(document))
    by_hand(bench, edit)
    bench.forget()
    assert left_to_do(bench.plan(manifest_of(ignoring))) == {}
    assert drift(bench.session(manifest_of(ignoring))) == ()
    applied(bench, manifest_of(ignoring))
    assert bench.writes() == []


ADDRESS = f"{ENDPOINTS}.chat"


def manifest_of(document: Document) -> Manifest:
    return {ENDPOINTS: {"chat": document}}


def by_hand(bench: Workbench, edit: Edit) -> None:
    identity = bench.endpoint("chat")["id"]
    bench.call(edit.method, edit.url.replace("{id}", identity), edit.body)


def within(place: str, path: str) -> bool:
    """Whether ``path`` is ``place`` or an entry of the list that is there."""
    return path == place or path.startswith(f"{place}[")
