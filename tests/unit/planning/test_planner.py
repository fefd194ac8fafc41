"""What happens to a resource, field by field and as a whole."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provisioner.model.field_rules import rules_in
from provisioner.model.kind import (
    ComparisonInput,
    Dependencies,
    Intent,
    Kind,
    OwnershipCarrier,
    Planning,
    Runtime,
    Schema,
)
from provisioner.model.live import Listed, Live, Ownership, Phase, Readiness
from provisioner.model.paths import Key, parse_paths, path_text
from provisioner.model.plan import (
    ABSENT,
    Action,
    Address,
    Cause,
    FieldAction,
    FieldChange,
    Operation,
)
from provisioner.model.resource import Resource
from provisioner.planning.comparison import remaining
from provisioner.planning.planner import listed_pair, plan_step
from provisioner.planning.request import Pair, PlanContext

SCHEMA = json.loads(Path(__file__).with_name("toy.schema.json").read_text(encoding="utf-8"))
RULES = rules_in(SCHEMA)
ADDRESS = Address("toys", "chat")
REQUEST = PlanContext("shop", "prod")
OURS = Ownership(owner="shop/prod")
SECRET = {"$secret": {"from_env": "KEY"}}
KEEP, UPDATE, CREATE = Action.KEEP, Action.UPDATE, Action.CREATE
REPLACE, BLOCKED, ADOPT = Action.REPLACE, Action.BLOCKED, Action.ADOPT


def operations(intent: Intent) -> tuple[Operation, ...]:
    """One call that shows all that the kind was told."""
    touched = sorted({str(c.path[0]) for c in intent.changes if c.action is not Action.KEEP})
    ownership = intent.ownership
    payload = {
        "touched": touched,
        "marks": [ownership.owner, ownership.protected, ownership.applied],
    }
    return (Operation(str(intent.action), "PUT", f"/{intent.name}", payload),)


def applied(document: Any) -> str:
    names = ",".join(sorted(document.get("raw", {})))
    return f"raw:{names}" if names else ""


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
    planning=Planning(operations=operations, applied_digests=applied, resent_field="config"),
    runtime=Runtime(connect=connect),
)


def entity(name="a", **fields):
    return {"name": name, "version": "1"} | fields


def document(*entities, **fields):
    return {"name": "chat", "config": {"entities": list(entities) or [entity()]}} | fields


def wanted(*entities, prevent_destroy=False, ignore_changes=(), **fields):
    ignored = parse_paths(ignore_changes)
    return Resource(ADDRESS, "chat", document(*entities, **fields), prevent_destroy, ignored)


def live(*entities, ownership=OURS, phase=Phase.READY, **fields):
    found = document(*entities, **fields)
    return Live("chat", "id-1", found, "sha256:1", ownership, Readiness(phase))


def step_of(desired, found, request=REQUEST, kind=KIND):
    return plan_step(Pair(ADDRESS, "chat", desired, found), kind, request)


def told(step):
    return [(path_text(each.path), each.action, each.reason) for each in step.changes]


VERDICTS = [
    pytest.param(wanted(), live(), [], id="no difference"),
    pytest.param(
        wanted(capacity=2), live(capacity=1), [("capacity", UPDATE, "")], id="a plain field"
    ),
    pytest.param(
        wanted(), live(capacity=1), [("capacity", UPDATE, "")], id="a field that was taken out"
    ),
    pytest.param(
        wanted(),
        live(entity(size="Small")),
        [("config.entities[a].size", KEEP, "chosen by the service")],
        id="a size that the service chose",
    ),
    pytest.param(
        wanted(entity(size="Large")),
        live(entity(size="Small")),
        [("config.entities[a].size", UPDATE, "")],
        id="a size that the manifest chooses",
    ),
    pytest.param(
        wanted(),
        live(description="made up"),
        [("description", KEEP, "chosen by the service")],
        id="a description that is not in the manifest",
    ),
    pytest.param(
        wanted(description="new"),
        live(description="old"),
        [("description", BLOCKED, "no call changes it")],
        id="a description that no call changes",
    ),
    pytest.param(
        wanted(description=""),
        live(description="old"),
        [("description", BLOCKED, "no call changes it")],
        id="empty text is something the manifest says",
    ),
    pytest.param(
        wanted(),
        live(config=document()["config"] | {"traffic": {"routes": [{"entity": "a"}]}}),
        [("config.traffic.routes[a]", KEEP, "chosen by the service")],
        id="a block that the service made up",
    ),
    pytest.param(
        wanted(config=document()["config"] | {"traffic": {"routes": []}}),
        live(config=document()["config"] | {"traffic": {"routes": [{"entity": "a"}]}}),
        [("config.traffic.routes[a]", UPDATE, "")],
        id="a block that the manifest empties",
    ),
    pytest.param(
        wanted(entity(model={"key": "x"})),
        live(entity(model={"key": "x", "kind": "plain"})),
        [("config.entities[a].model.kind", KEEP, "chosen by the service")],
        id="the one value that counts as the service's choice",
    ),
    pytest.param(
        wanted(entity(model={"key": "x"})),
        live(entity(model={"key": "x", "kind": "special"})),
        [("config.entities[a].model.kind", UPDATE, "")],
        id="a value that somebody set",
    ),
    pytest.param(
        wanted(optimized=True),
        live(optimized=False),
        [("optimized", REPLACE, "fixed at creation")],
        id="a field that is fixed at creation",
    ),
    pytest.param(
        wanted(),
        live(optimized=False),
        [("optimized", KEEP, "chosen by the service")],
        id="a fixed field that only the service wrote",
    ),
    pytest.param(
        wanted(),
        live(optimized=0),
        [("optimized", REPLACE, "fixed at creation")],
        id="0 is not the false that the service may choose",
    ),
    pytest.param(
        wanted(storage={"catalog": "new"}),
        live(storage={"catalog": "old"}),
        [("storage.catalog", REPLACE, "fixed at creation")],
        id="a leaf of a block that is fixed at creation",
    ),
    pytest.param(
        wanted(entity(model={"key_plaintext": SECRET})),
        live(entity(model={"key": "{{secrets/made/up}}"})),
        [
            (
                "config.entities[a].model.key",
                KEEP,
                "a plaintext secret, which cannot be read back",
            )
        ],
        id="a reference that the service made of a plaintext",
    ),
    pytest.param(
        wanted(entity(model={"key": "{{secrets/new/one}}"})),
        live(entity(model={"key": "{{secrets/made/up}}"})),
        [("config.entities[a].model.key", UPDATE, "")],
        id="another reference",
    ),
    pytest.param(
        wanted(ignore_changes=("tags[cost center]", "", 'tags["a b"]')),
        live(tags=[{"key": "cost center"}, {"key": "a b"}]),
        [
            ('tags["a b"]', KEEP, "ignored by lifecycle.ignore_changes"),
            ('tags["cost center"]', UPDATE, ""),
        ],
        id="a key with a blank is ignored only where it is written as a path",
    ),
    pytest.param(
        wanted(ignore_changes=("tags[cost_center]",)),
        live(tags=[{"key": "team", "value": "x"}, {"key": "cost_center", "value": "7"}]),
        [
            ("tags[cost_center]", KEEP, "ignored by lifecycle.ignore_changes"),
            ("tags[team]", UPDATE, ""),
        ],
        id="one tag that is ignored",
    ),
    pytest.param(
        wanted(capacity=1, storage={"catalog": "a"}, ignore_changes=("storage", "cap")),
        live(capacity=2, storage={"catalog": "b"}),
        [
            ("capacity", UPDATE, ""),
            ("storage.catalog", KEEP, "ignored by lifecycle.ignore_changes"),
        ],
        id="what is inside of an ignored place, but not what begins like it",
    ),
]


@pytest.mark.parametrize(("desired", "found", "expected"), VERDICTS)
def test_each_difference_has_an_action_and_a_reason(desired, found, expected):
    assert told(step_of(desired, found)) == expected


def judge(change: FieldChange, desired: Any, found: Live) -> FieldAction | None:
    kept = FieldAction(Action.KEEP, Cause.IMPLIED, f"{found.identity} says so")
    return kept if change.path == ("capacity",) else None


def test_the_kind_has_the_first_word_on_what_the_manifest_does_not_ignore():
    kind = replace(KIND, planning=replace(KIND.planning, field_action=judge))
    found = live(capacity=2, ratio=2)
    step = step_of(wanted(capacity=1, ratio=1), found, kind=kind)
    assert told(step) == [("capacity", KEEP, "id-1 says so"), ("ratio", UPDATE, "")]
    ignoring = wanted(capacity=1, ratio=1, ignore_changes=("capacity",))
    reasons = [reason for _, _, reason in told(step_of(ignoring, found, kind=kind))]
    assert reasons == ["ignored by lifecycle.ignore_changes", ""]


STEPS = [
    pytest.param(wanted(), None, {}, (CREATE, "", ""), id="nothing is live"),
    pytest.param(wanted(), live(), {}, (KEEP, "", ""), id="no difference"),
    pytest.param(
        wanted(),
        live(entity(size="S")),
        {},
        (KEEP, "", ""),
        id="nothing but what the service chose",
    ),
    pytest.param(
        wanted(capacity=1, description="new"),
        live(capacity=2, description="old"),
        {},
        (BLOCKED, "description: no call changes it", "put the old text back"),
        id="a blocked field is worse than one that is updated",
    ),
    pytest.param(
        wanted(description="new", optimized=True),
        live(description="old", optimized=False),
        {},
        (REPLACE, "", ""),
        id="a replacement also brings what no call changes",
    ),
    pytest.param(
        wanted(capacity=1, optimized=True),
        live(capacity=2, optimized=False),
        {},
        (REPLACE, "", ""),
        id="a replacement is worse than an update",
    ),
    pytest.param(
        wanted(optimized=True, prevent_destroy=True),
        live(optimized=False),
        {},
        (
            BLOCKED,
            "optimized needs a replacement, which lifecycle.prevent_destroy forbids",
            "restore optimized, or set `lifecycle: {prevent_destroy: false}` in its manifest "
            "and apply that first",
        ),
        id="what is protected is not replaced",
    ),
    pytest.param(
        wanted(),
        live(ownership=Ownership()),
        {},
        (ADOPT, "exists without ownership tags", ""),
        id="nobody's and equal",
    ),
    pytest.param(
        wanted(capacity=1),
        live(capacity=2, ownership=Ownership()),
        {},
        (ADOPT, "exists without ownership tags", ""),
        id="nobody's and different",
    ),
    pytest.param(
        wanted(optimized=True),
        live(optimized=False, ownership=Ownership()),
        {},
        (
            BLOCKED,
            "optimized needs a replacement, but it has no ownership tags, "
            "so this project may not delete it",
            "apply it first with the live value of optimized: then this project manages it",
        ),
        id="nobody's, and could not be updated",
    ),
    pytest.param(
        wanted(description="new"),
        live(description="old", ownership=Ownership()),
        {},
        (BLOCKED, "description: no call changes it", "put the old text back"),
        id="nobody's and blocked",
    ),
    pytest.param(
        wanted(),
        live(ownership=Ownership("other/prod")),
        {},
        (
            BLOCKED,
            "belongs to other/prod",
            "to manage it with shop/prod: --take-over-from other/prod",
        ),
        id="another owner's",
    ),
    pytest.param(
        wanted(description="new"),
        live(description="old", ownership=Ownership("other/prod")),
        {},
        (
            BLOCKED,
            "belongs to other/prod",
            "to manage it with shop/prod: --take-over-from other/prod",
        ),
        id="another owner's, and blocked anyway",
    ),
    pytest.param(
        wanted(),
        live(ownership=Ownership("other/prod")),
        {"take_over_from": "other/dev"},
        (
            BLOCKED,
            "belongs to other/prod",
            "to manage it with shop/prod: --take-over-from other/prod",
        ),
        id="taken over from somebody else than the owner",
    ),
    pytest.param(
        wanted(),
        live(ownership=Ownership("other/prod")),
        {"take_over_from": "other/prod"},
        (UPDATE, "taken over from other/prod", ""),
        id="taken over",
    ),
    pytest.param(
        wanted(optimized=True),
        live(optimized=False, ownership=Ownership("other/prod")),
        {"take_over_from": "other/prod"},
        (
            BLOCKED,
            "optimized needs a replacement, but it has the ownership tags of other/prod, "
            "so this project may not delete it",
            "apply it first with the live value of optimized: then this project manages it",
        ),
        id="taken over and replaced",
    ),
    pytest.param(
        None,
        live(),
        {},
        (
            Action.ORPHAN,
            "has the ownership tags of shop/prod, but no manifest",
            "write a manifest for it, or delete it with --prune",
        ),
        id="ours without a manifest",
    ),
    pytest.param(
        None,
        live(ownership=Ownership("shop/prod", protected=True)),
        {},
        (
            Action.ORPHAN,
            "has the ownership tags of shop/prod, but no manifest",
            "write a manifest for it, or delete it with --prune",
        ),
        id="ours without a manifest, and protected",
    ),
    pytest.param(None, live(), {"prune": True}, (Action.DELETE, "", ""), id="ours, and pruned"),
    pytest.param(
        None,
        live(ownership=Ownership("shop/prod", protected=True)),
        {"prune": True},
        (
            BLOCKED,
            "lifecycle.prevent_destroy was applied to it and forbids its deletion",
            "restore its manifest with `lifecycle: {prevent_destroy: false}` and apply that "
            "first; then remove it again",
        ),
        id="protected although its manifest is gone",
    ),
    pytest.param(
        None,
        live(ownership=Ownership("shop/prod", protected=True)),
        {"prune": True, "addresses": {("toys", "chat"): ADDRESS}},
        (
            BLOCKED,
            "lifecycle.prevent_destroy was applied to it and forbids its deletion",
            "set `lifecycle: {prevent_destroy: false}` in its manifest and apply that first",
        ),
        id="protected, declared, and to be destroyed",
    ),
    pytest.param(
        None,
        live(ownership=Ownership("other/prod")),
        {"prune": True},
        (BLOCKED, "does not have the ownership tags of shop/prod", ""),
        id="another's is not deleted",
    ),
    pytest.param(
        None,
        live(ownership=Ownership()),
        {"prune": True},
        (BLOCKED, "does not have the ownership tags of shop/prod", ""),
        id="nobody's is not deleted",
    ),
    pytest.param(
        None,
        live(ownership=Ownership()),
        {},
        (KEEP, "does not have the ownership tags of shop/prod", ""),
        id="nobody's without a manifest is no orphan",
    ),
    pytest.param(None, None, {"prune": True}, (KEEP, "no longer exists", ""), id="gone already"),
]


@pytest.mark.parametrize(("desired", "found", "asked", "expected"), STEPS)
def test_a_resource_as_a_whole(desired, found, asked, expected):
    step = step_of(desired, found, replace(REQUEST, **asked))
    assert (step.action, step.reason, step.hint) == expected
    quiet = step.action in (KEEP, BLOCKED, Action.ORPHAN)
    assert [each.call for each in step.operations] == ([] if quiet else [str(step.action)])
    assert step.live_fingerprint == ("sha256:1" if found else "")
    assert step.desired == (desired.document if desired else None)


def test_a_create_lists_every_entry_and_every_field_with_the_secrets_as_references():
    new = wanted(
        entity("a", model={"key_plaintext": SECRET}, burst=True),
        tags=[{"key": "team", "value": "x"}],
        raw={"new": 1},
        gateway={"words": ["x"]},
    )
    step = step_of(new, None)
    assert {change.action for change in step.changes} == {CREATE}
    assert {change.before for change in step.changes} == {ABSENT}
    assert [(path_text(c.path), c.after) for c in step.changes] == [
        ("config.entities[a]", entity("a", model={"key_plaintext": SECRET}, burst=True)),
        ("gateway.words", ["x"]),
        ("name", "chat"),
        ("raw", {"new": 1}),
        ("tags[team]", {"key": "team", "value": "x"}),
    ]


def test_the_kind_is_told_which_marks_to_leave():
    step = step_of(wanted(prevent_destroy=True, raw={"b": 1, "a": 2}), None)
    assert step.operations[0].payload["marks"] == ["shop/prod", True, "raw:a,b"]


RAW, PLAINTEXT = ("raw",), ("config", "entities", Key("a"), "model", "key_plaintext")
SENT = {"raw": {"a": 1}}
UNSEEN = [
    pytest.param(
        wanted(**SENT),
        live(ownership=replace(OURS, applied="raw:a")),
        {},
        [],
        id="applied as it is",
    ),
    pytest.param(
        wanted(**SENT),
        live(ownership=replace(OURS, applied="raw:b")),
        {},
        [
            FieldChange(
                RAW,
                ABSENT,
                {"a": 1},
                cause=Cause.WRITE_ONLY_DIFFERS,
            )
        ],
        id="applied otherwise",
    ),
    pytest.param(
        wanted(**SENT),
        live(ownership=OURS),
        {},
        [
            FieldChange(
                RAW,
                ABSENT,
                {"a": 1},
                cause=Cause.NEVER_APPLIED,
            )
        ],
        id="not known to be applied",
    ),
    pytest.param(
        wanted(ignore_changes=("raw",), **SENT),
        live(ownership=replace(OURS, applied="raw:b")),
        {},
        [],
        id="applied otherwise, and ignored",
    ),
    pytest.param(
        wanted(),
        live(ownership=replace(OURS, applied="raw:a")),
        {},
        [FieldChange(("raw",), "digest a", ABSENT, cause=Cause.WRITE_ONLY_REMOVED)],
        id="removed from the manifest",
    ),
    pytest.param(
        wanted(),
        live(ownership=replace(OURS, applied="config:a")),
        {},
        [FieldChange(("config",), *[document()["config"]] * 2, cause=Cause.WRITE_ONLY_REMOVED)],
        id="taken out of a field that is still there, which is sent again",
    ),
    pytest.param(
        wanted(ignore_changes=("config",)),
        live(ownership=replace(OURS, applied="config:a")),
        {},
        [],
        id="taken out of a field that is ignored",
    ),
    pytest.param(
        wanted(),
        live(ownership=replace(OURS, applied="something else")),
        {},
        [
            FieldChange(
                ("provisioner_applied",), "something else", ABSENT, cause=Cause.WRITE_ONLY_REMOVED
            )
        ],
        id="a mark that nobody understands",
    ),
    pytest.param(
        wanted(prevent_destroy=True),
        live(),
        {},
        [FieldChange(("lifecycle", "prevent_destroy"), False, True, cause=Cause.OWNERSHIP)],
        id="to be protected",
    ),
    pytest.param(
        wanted(),
        live(ownership=replace(OURS, protected=True)),
        {},
        [FieldChange(("lifecycle", "prevent_destroy"), True, False, cause=Cause.OWNERSHIP)],
        id="protected no more",
    ),
    pytest.param(
        wanted(entity(model={"key_plaintext": SECRET}, burst=True)),
        live(),
        {"rotate": frozenset({"toys.chat"})},
        [FieldChange(PLAINTEXT, ABSENT, SECRET, cause=Cause.ROTATED)],
        id="to be rotated: the secrets, and nothing else that cannot be read back",
    ),
    pytest.param(
        wanted(entity(model={"key_plaintext": SECRET})),
        live(),
        {"rotate": frozenset({"toys.chat2", "toys.cha", "chat"})},
        [],
        id="others are to be rotated",
    ),
    pytest.param(
        wanted(),
        live(phase=Phase.FAILED),
        {},
        [
            FieldChange(
                ("config",),
                document()["config"],
                document()["config"],
                cause=Cause.RESENT,
            )
        ],
        id="equal, but its last update failed",
    ),
    pytest.param(
        wanted(entity(version="2")),
        live(phase=Phase.FAILED),
        {},
        [FieldChange(("config", "entities", Key("a"), "version"), "1", "2")],
        id="different, and its last update failed",
    ),
    pytest.param(wanted(), live(phase=Phase.UPDATING), {}, [], id="equal to what is coming"),
]


@pytest.mark.parametrize(("desired", "found", "asked", "expected"), UNSEEN)
def test_what_no_comparison_shows(desired, found, asked, expected):
    step = step_of(desired, found, replace(REQUEST, **asked))
    assert list(step.changes) == expected
    assert step.action is (UPDATE if expected else KEEP)


WITH_PLAINTEXT = entity(model={"key_plaintext": SECRET})
REFERENCE = (*PLAINTEXT[:-1], "key")
STORED = [
    pytest.param(live(ownership=Ownership()), WITH_PLAINTEXT, {PLAINTEXT: KEEP}, id="unknown"),
    pytest.param(
        live(ownership=Ownership()),
        entity(version="2", model={"key_plaintext": SECRET}),
        {PLAINTEXT: UPDATE, (*PLAINTEXT[:3], "version"): UPDATE},
        id="the call for another field sends it too",
    ),
    pytest.param(
        live(entity(model={"key": "{{secrets/a/b}}"}), ownership=Ownership()),
        WITH_PLAINTEXT,
        {PLAINTEXT: UPDATE, REFERENCE: KEEP},
        id="a reference in its place",
    ),
    pytest.param(live(), WITH_PLAINTEXT, {PLAINTEXT: UPDATE}, id="a resource of the project"),
]


@pytest.mark.parametrize(("found", "declared", "expected"), STORED)
def test_a_stored_secret_stays_when_its_resource_is_adopted(found, declared, expected):
    planning = replace(KIND.planning, applied_digests=lambda _: "config:x")
    step = step_of(wanted(declared), found, kind=replace(KIND, planning=planning))
    assert {change.path: change.action for change in step.changes} == expected
    keeps = expected[PLAINTEXT] is KEEP
    assert any("--rotate toys.chat" in note for note in step.notes) is keeps
    assert not keeps or step.action is ADOPT
    rotated = replace(REQUEST, rotate=frozenset({"toys.chat"}))
    step = step_of(wanted(declared), found, rotated, replace(KIND, planning=planning))
    assert {change.path: change.action for change in step.changes}[PLAINTEXT] is UPDATE


def test_a_new_entry_is_told_once_with_all_that_is_in_it():
    new = entity("b", model={"key_plaintext": SECRET})
    step = step_of(
        wanted(entity("a"), new), live(entity("a"), ownership=replace(OURS, applied="config:x"))
    )
    assert [(path_text(c.path), c.after) for c in step.changes] == [("config.entities[b]", new)]


def test_a_config_that_failed_is_sent_again_although_the_service_filled_something_in():
    step = step_of(wanted(), live(entity(size="S"), phase=Phase.FAILED))
    assert told(step) == [
        ("config", UPDATE, "the last update failed"),
        ("config.entities[a].size", KEEP, "chosen by the service"),
    ]


def test_without_a_config_there_is_nothing_to_send_again():
    empty = Resource(ADDRESS, "chat", {"name": "chat"})
    failed = Live("chat", "id-1", {"name": "chat"}, "", OURS, Readiness(Phase.FAILED))
    assert step_of(empty, failed).action is KEEP


NOTES = [
    pytest.param(wanted(), live(), {}, (), id="nothing to say"),
    pytest.param(
        wanted(entity("a", burst=True), raw={"x": 1}, gateway={"steps": ["x", {"seen": "y"}]}),
        live(gateway={"steps": ["x", {}]}),
        {},
        ("cannot be read back: config.entities[a].burst, gateway.steps[1].seen, raw",),
        id="what cannot be read back",
    ),
    pytest.param(wanted(raw={"a": 1}), None, {}, (), id="a create knows all that it sends"),
    pytest.param(
        wanted(entity(version="2", model={"key": "x"}), capacity=1),
        live(entity(size="S", model={"key": "x", "kind": "plain"}), description="x", capacity=2),
        {},
        ("the service may pick a new value: config.entities[a].size",),
        id="what a call leaves out, where there is a call and more than one possible value",
    ),
    pytest.param(
        wanted(capacity=1),
        live(capacity=2, phase=Phase.UPDATING),
        {},
        (
            "an update is in progress: compared with the config of the update, "
            "and applied after the update",
        ),
        id="an update in progress",
    ),
    pytest.param(
        wanted(), live(phase=Phase.STOPPED), {}, ("stopped",), id="a resource that is stopped"
    ),
    pytest.param(
        wanted(),
        live(),
        {"rotate": frozenset({"toys.chat"})},
        ("--rotate has no effect: the resource has no plaintext secret",),
        id="nothing to rotate",
    ),
]


@pytest.mark.parametrize(("desired", "found", "asked", "expected"), NOTES)
def test_what_a_reader_should_know(desired, found, asked, expected):
    assert step_of(desired, found, replace(REQUEST, **asked)).notes == expected


def test_the_service_tells_why_an_update_failed():
    failed = replace(live(), readiness=Readiness(Phase.FAILED, "the update failed: no quota"))
    assert step_of(wanted(), failed).notes == ("the update failed: no quota",)


def compare(comparison: ComparisonInput) -> tuple[FieldChange, ...]:
    """A kind whose values cannot be compared: a key is written when missing or rotated."""
    stored = comparison.live.document["keys"] if comparison.live else {}
    rotate = comparison.rotate
    return tuple(
        FieldChange(
            ("keys", Key(key)),
            ABSENT,
            SECRET,
            CREATE,
            Cause.MISSING if key not in stored else Cause.ROTATED,
        )
        for key in comparison.desired["keys"]
        if key not in stored or rotate & {"*", key}
    )


SAFES = replace(
    KIND,
    name="safes",
    planning=Planning(operations=operations, compare=compare, hides_values=True),
    ownership=OwnershipCarrier.NOTHING,
)
SAFE = Address("safes", "box")


def safe_step(keys, stored, rotate=frozenset(), ignore=()):
    desired = Resource(SAFE, "box", {"keys": keys}, ignore_changes=parse_paths(ignore))
    there = None if stored is None else Live("box", "", {"keys": stored}, "sha256:2")
    return plan_step(Pair(SAFE, "box", desired, there), SAFES, replace(REQUEST, rotate=rotate))


COMPARED = [
    pytest.param((["a"], None), (CREATE, ["does not exist yet"]), id="nothing is there"),
    pytest.param(([], None), (CREATE, []), id="nothing is there and nothing in it"),
    pytest.param((["a"], ["a"]), (KEEP, []), id="all is there"),
    pytest.param(
        (["a", "b"], ["a"]), (UPDATE, ["does not exist yet"]), id="something in it is missing"
    ),
    pytest.param(
        (["a", "b"], ["a", "b"], frozenset({"safes.box"})),
        (UPDATE, ["--rotate", "--rotate"]),
        id="all of it is to be rotated",
    ),
    pytest.param(
        (["a.b", "c"], ["a.b", "c"], frozenset({"safes.box[a.b]", "safes.bo[c]"})),
        (UPDATE, ["--rotate"]),
        id="one key is to be rotated",
    ),
    pytest.param(
        (["a"], [], frozenset(), ("keys[a]",)),
        (KEEP, ["ignored by lifecycle.ignore_changes"]),
        id="a key that is ignored",
    ),
]


@pytest.mark.parametrize(("given", "expected"), COMPARED)
def test_a_kind_with_a_comparison_of_its_own(given, expected):
    step = safe_step(*given)
    assert (step.action, [change.reason for change in step.changes]) == expected


def test_a_kind_without_marks_is_neither_adopted_nor_marked():
    step = safe_step(["a"], [])
    assert step.operations[0].payload["marks"] == ["", False, ""]


def test_a_blocked_key_blocks_and_says_why():
    def refuse(comparison: ComparisonInput) -> tuple[FieldChange, ...]:
        cause, detail = Cause.STORED_ELSEWHERE, "read-only from here"
        return (FieldChange(("keys", Key("a")), ABSENT, SECRET, BLOCKED, cause, detail),)

    desired = Resource(SAFE, "box", {"keys": ["a"]})
    there = Live("box", "", {"keys": []}, "")
    safes = replace(SAFES, planning=replace(SAFES.planning, compare=refuse))
    step = plan_step(Pair(SAFE, "box", desired, there), safes, REQUEST)
    assert (step.action, step.reason) == (BLOCKED, "keys[a]: read-only from here")


def test_a_step_needs_what_its_document_names_and_somebody_declares():
    def needs(found):
        yield from [("safes", "box"), ("safes", "not declared"), ("safes", "other")]

    addresses = {("safes", "other"): Address("safes", "z"), ("safes", "box"): SAFE}
    request = replace(REQUEST, addresses=addresses)
    kind = replace(KIND, dependencies=Dependencies(depends_on=needs))
    step = step_of(wanted(), None, request, kind)
    assert step.needs == (SAFE, Address("safes", "z"))
    assert step_of(None, live(), request, kind).needs == ()


def test_an_entry_of_the_list_that_is_ours_is_an_orphan():
    pair = listed_pair(Address("toys", "old chat"), Listed("old chat", "id-9", OURS))
    step = plan_step(pair, KIND, REQUEST)
    assert (step.address, step.name) == (Address("toys", "old chat"), "old chat")
    assert (step.action, step.operations, step.desired) == (Action.ORPHAN, (), None)


REMAINING = [
    pytest.param(wanted(), None, live(), [], id="created as wanted"),
    pytest.param(
        wanted(raw={"a": 1}),
        None,
        live(entity(size="S")),
        [],
        id="what cannot be seen or is chosen",
    ),
    pytest.param(
        wanted(capacity=1), None, live(capacity=2), [("capacity", 2, 1)], id="not as wanted"
    ),
    pytest.param(wanted(), None, None, [("name", ABSENT, "chat")], id="not there"),
    pytest.param(
        wanted(ignore_changes=("tags",)),
        None,
        live(tags=[{"key": "by policy"}]),
        [],
        id="ignored, and there only after the create",
    ),
    pytest.param(None, live(), None, [], id="deleted"),
    pytest.param(None, live(), live(), [("name", "chat", ABSENT)], id="not deleted"),
]


@pytest.mark.parametrize(("desired", "before", "after", "expected"), REMAINING)
def test_what_remains_after_an_apply(desired, before, after, expected):
    step = step_of(desired, before, replace(REQUEST, prune=True))
    left = remaining(step, after, KIND)
    assert [(path_text(c.path), c.before, c.after) for c in left] == expected


def test_what_remains_of_a_kind_with_a_comparison_of_its_own_is_not_rotated_for_ever():
    step = safe_step(["a"], ["a"], frozenset({"safes.box"}))
    assert remaining(step, Live("box", "", {"keys": ["a"]}, ""), SAFES) == ()
    assert len(remaining(step, Live("box", "", {"keys": []}, ""), SAFES)) == 1


def test_unknown_fields_and_ignored_paths_travel_with_the_step():
    step = step_of(wanted(ignore_changes=("tags",)), replace(live(), unknown=("new_field",)))
    assert (step.unknown, step.ignore_changes) == (("new_field",), (("tags",),))


@pytest.mark.parametrize("phase", Phase)
def test_a_step_tells_whether_an_update_was_in_progress(phase):
    assert step_of(wanted(), live(phase=phase)).updating is (phase is Phase.UPDATING)
    assert not step_of(wanted(), None).updating
