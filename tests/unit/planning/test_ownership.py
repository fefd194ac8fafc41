"""What is not ours alone: resources of others, removed ones, and what a replacement would lose."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.errors import Position
from provisioner.model.field_rules import rules_in
from provisioner.model.kind import Intent, Kind, Planning, Runtime, Schema
from provisioner.model.live import Live, Ownership, Phase, Readiness
from provisioner.model.paths import path_text
from provisioner.model.plan import Action, Address, Operation
from provisioner.model.resource import Removal, Resource
from provisioner.planning.comparison import remaining
from provisioner.planning.planner import plan_step
from provisioner.planning.request import Pair, PlanContext

SCHEMA = json.loads(Path(__file__).with_name("toy.schema.json").read_text(encoding="utf-8"))
RULES = rules_in(SCHEMA)
ADDRESS = Address("toys", "chat")
REQUEST = PlanContext("shop", "prod")
NOBODYS = Ownership()
OURS, THEIRS = Ownership("shop/prod", True, "x"), Ownership("other/prod", True, "y")


def operations(intent: Intent) -> tuple[Operation, ...]:
    """One call that shows which marks are to be there afterwards."""
    ownership = intent.ownership
    payload = {"marks": [ownership.owner, ownership.protected, ownership.applied]}
    return (Operation(str(intent.action), "PUT", f"/{intent.name}", payload),)


def connect(connection: Any, secrets: Any) -> Any:
    raise AssertionError("planning connects to nothing")


KIND = Kind(
    name="toys",
    title="toy",
    schema=Schema(
        model=dict,
        rules=lambda: RULES,
        relations=lambda document, declared: iter(()),
    ),
    planning=Planning(
        operations=operations, at_stake_hint="add it to `permissions` in the manifest"
    ),
    runtime=Runtime(connect=connect),
)


def existing(**fields):
    return Resource(ADDRESS, "chat", {"name": "chat", **fields}, existing=True)


def live(ownership=NOBODYS, **fields):
    document = {"name": "chat", **fields}
    return Live("chat", "id-1", document, "sha256:1", ownership, Readiness(Phase.READY))


def step_of(desired, found, removal=None, request=REQUEST):
    return plan_step(Pair(ADDRESS, "chat", desired, found, removal), KIND, request)


def marks_after(step):
    return step.operations[0].payload["marks"] if step.operations else None


EXISTING = [
    pytest.param(live(capacity=1), Action.KEEP, None, id="nothing differs"),
    pytest.param(live(), Action.UPDATE, ["", False, ""], id="something differs, nobody's"),
    pytest.param(live(THEIRS), Action.UPDATE, ["other/prod", True, "y"], id="another project's"),
    pytest.param(live(THEIRS, capacity=1), Action.KEEP, None, id="another project's and equal"),
    pytest.param(live(OURS, capacity=1), Action.UPDATE, ["", False, ""], id="ours until now"),
]


@pytest.mark.parametrize(("found", "action", "ownership"), EXISTING)
def test_a_resource_of_others_is_updated_at_most_and_its_marks_stay(found, action, ownership):
    step = step_of(existing(capacity=1), found)
    assert (step.action, marks_after(step)) == (action, ownership)
    assert step.existing


def test_a_resource_of_others_that_is_not_there_is_not_created():
    step = step_of(existing(capacity=1), None)
    assert (step.action, step.changes, step.operations) == (Action.BLOCKED, (), ())
    assert "never creates it" in step.reason


def test_a_resource_of_others_is_never_replaced():
    step = step_of(existing(optimized=True), live(optimized=False))
    assert (step.action, step.operations) == (Action.BLOCKED, ())
    assert "optimized" in step.reason


def test_its_notes_tell_what_is_managed_and_whose_it_is():
    step = step_of(existing(capacity=1), live(THEIRS))
    assert step.notes == (
        "created elsewhere (`existing: true`); managed here: capacity",
        "managed by other/prod",
    )


def test_taking_over_does_not_concern_it():
    request = PlanContext("shop", "prod", take_over_from="other/prod")
    step = step_of(existing(capacity=1), live(THEIRS, capacity=1), request=request)
    assert step.action is Action.KEEP


def test_what_is_left_after_an_apply_is_asked_as_for_the_plan():
    step = step_of(existing(capacity=1), live(capacity=2))
    assert [path_text(one.path) for one in remaining(step, live(capacity=2), KIND)] == ["capacity"]
    assert remaining(step, live(capacity=1), KIND) == ()


PLACE = Position("manifests/x.yaml", 3, 5)
DELETE = Removal(ADDRESS, "chat", True, PLACE)
RELEASE = Removal(ADDRESS, "chat", False, PLACE)
UNPROTECTED = Ownership("shop/prod")
REMOVED = [
    pytest.param(DELETE, None, Action.KEEP, "no longer exists", id="gone already"),
    pytest.param(RELEASE, None, Action.KEEP, "no longer exists", id="gone, to be let go"),
    pytest.param(
        DELETE, live(UNPROTECTED), Action.DELETE, "removed at manifests/x.yaml:3:5", id="ours"
    ),
    pytest.param(
        DELETE,
        live(OURS),
        Action.BLOCKED,
        "lifecycle.prevent_destroy was applied to it and forbids its deletion",
        id="ours and protected",
    ),
    pytest.param(
        DELETE,
        live(THEIRS),
        Action.BLOCKED,
        "does not have the ownership tags of shop/prod, so this project may not delete it",
        id="another project's",
    ),
    pytest.param(
        DELETE,
        live(),
        Action.BLOCKED,
        "does not have the ownership tags of shop/prod, so this project may not delete it",
        id="nobody's",
    ),
    pytest.param(
        RELEASE,
        live(OURS),
        Action.UPDATE,
        "released with `delete: false`: only the ownership tags are removed",
        id="ours, to be let go",
    ),
    pytest.param(
        RELEASE,
        live(),
        Action.KEEP,
        "does not have the ownership tags of shop/prod",
        id="let go already",
    ),
    pytest.param(
        RELEASE,
        live(THEIRS),
        Action.KEEP,
        "does not have the ownership tags of shop/prod",
        id="another project's, to be let go",
    ),
]


@pytest.mark.parametrize(("removal", "found", "action", "reason"), REMOVED)
def test_what_becomes_of_a_removed_resource(removal, found, action, reason):
    step = step_of(None, found, removal)
    assert (step.action, step.reason) == (action, reason)
    assert step.consented is (action is Action.DELETE)
    assert bool(step.operations) is (action in (Action.DELETE, Action.UPDATE))


def test_letting_go_shows_whose_it_was_and_leaves_no_mark():
    step = step_of(None, live(OURS), RELEASE)
    assert [path_text(change.path) for change in step.changes] == [
        "provisioner_applied",
        "owner",
        "provisioner_protected",
    ]
    assert marks_after(step) == ["", False, ""]


def test_pruning_changes_nothing_about_an_entry():
    request = PlanContext("shop", "prod", prune=True)
    for found in (live(), live(THEIRS)):
        assert step_of(None, found, RELEASE, request).action is Action.KEEP


class TestAtStake:
    DESIRED = Resource(ADDRESS, "chat", {"name": "chat", "optimized": True})
    LOSING = replace(
        live(UNPROTECTED, optimized=False), at_stake=("CAN_QUERY of group a", "CAN_VIEW of user b")
    )

    def test_blocks_a_replacement(self):
        step = step_of(self.DESIRED, self.LOSING)
        assert (step.action, step.operations) == (Action.BLOCKED, ())
        assert step.reason == (
            "replacing it would lose settings that its manifest does not declare: "
            "CAN_QUERY of group a; "
            "CAN_VIEW of user b"
        )
        assert step.hint.startswith("add it to `permissions` in the manifest")

    def test_is_no_matter_without_a_replacement(self):
        found = replace(self.LOSING, document={"name": "chat", "optimized": True})
        assert step_of(self.DESIRED, found).action is Action.KEEP

    def test_nothing_lets_the_replacement_be(self):
        found = replace(self.LOSING, at_stake=())
        assert step_of(self.DESIRED, found).action is Action.REPLACE
