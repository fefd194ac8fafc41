"""Whatever valid objects of Unity Catalog become what: masks, grants and aliases, and then nothing.

Create, empty plan, change, one PATCH with exactly the masks of what differs, empty plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from catalog_strategies import (
    FREE_VERSION,
    MASKS,
    catalog_changes,
    expected_aliases,
    expected_masks,
    held,
)
from hypothesis import given
from live_edits import Document
from proofs import examples
from strategies import Manifest
from workbench import Workbench, left_to_do, workbench

from provisioner.model.outcome import Status
from provisioner.model.plan import Action

pytestmark = pytest.mark.proof("convergence")

UC = "/api/2.1/unity-catalog"
PATHS = {
    "schemas": f"{UC}/schemas/main.team",
    "secrets": f"{UC}/secrets/main.gw.thing",
    "registered_models": f"{UC}/models/main.gw.thing",
    "model_provider_services": f"{UC}/model-provider-services/main.gw.account",
    "model_services": f"{UC}/model-services/main.gw.thing",
}
GRANTS = {
    "schemas": f"{UC}/permissions/schema/main.team",
    "secrets": f"{UC}/permissions/secret/main.gw.thing",
    "registered_models": f"{UC}/permissions/function/main.gw.thing",
    "model_provider_services": f"{UC}/permissions/model_provider_service/main.gw.account",
    "model_services": f"{UC}/permissions/model_service/main.gw.thing",
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with pytest.MonkeyPatch.context() as patch, workbench(tmp_path_factory.mktemp("x")) as made:
        patch.setenv("KEY", "sk-value")
        yield made


def applied(bench: Workbench, manifest: Manifest) -> None:
    bench.forget()
    plan, outcomes = bench.apply(manifest)
    went = {str(each.step.address): (each.status, each.message) for each in outcomes}
    assert went == dict.fromkeys(went, (Status.DONE, ""))
    assert not {step.action for step in plan.steps} & {Action.REPLACE, Action.DELETE}


def sent(bench: Workbench) -> dict[tuple[str, str], list[Document]]:
    """The writes by method and path."""
    writes: dict[tuple[str, str], list[Document]] = {}
    for entry in bench.writes():
        writes.setdefault((entry["method"], entry["path"]), []).append(entry)
    return writes


def mask_of(entry: Document) -> set[str]:
    mask = parse_qs(entry["query"]).get("update_mask", [""])[0]
    return set(mask.split(",")) if mask else set(entry["body"])


def beyond(body: Any, masks: set[str], place: str = "") -> Iterator[str]:
    """The fields of a body that no mask names."""
    if place in masks or (place == "config" and "config.provider" in masks):
        return
    if not isinstance(body, dict) or not any(mask.startswith(place) for mask in masks):
        yield place
        return
    for name, inner in body.items():
        yield from beyond(inner, masks, f"{place}.{name}" if place else name)


@examples(quick=10, full=3000)
@given(catalog_changes())
def test_every_object_can_become_every_other_by_the_calls_for_what_differs(
    bench: Workbench, pair: tuple[Manifest, Manifest]
) -> None:
    before, after = pair
    bench.catalog()
    applied(bench, before)
    assert left_to_do(bench.plan(before)) == {}
    applied(bench, after)
    writes = sent(bench)
    for kind in before:
        old, new = before[kind]["thing"], after[kind]["thing"]
        masks = expected_masks(kind, old, new)
        updates = writes.pop(("PATCH", PATHS[kind]), [])
        assert [mask_of(update) for update in updates] == ([masks] if masks else [])
        assert [field for update in updates for field in beyond(update["body"], masks)] == []
        differs = "grants" in new and held(old) != held(new)
        assert len(writes.pop(("PATCH", GRANTS[kind]), [])) == differs
    if "registered_models" in before:
        old, new = before["registered_models"]["thing"], after["registered_models"]["thing"]
        versions = old.get("aliases", {})
        live = {name: each for name, each in versions.items() if each not in (None, FREE_VERSION)}
        for method, name in expected_aliases(live, new):
            path = f"{PATHS['registered_models']}/aliases/{name}"
            assert len(writes.pop((method, path))) == 1
    assert writes == {}
    assert left_to_do(bench.plan(after)) == {}


def test_the_masks_are_those_of_every_kind() -> None:
    assert MASKS.keys() == PATHS.keys() == GRANTS.keys()
