"""A plan as JSON, and back."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from provisioner.errors import FileError
from provisioner.model.paths import Key, parse_path
from provisioner.model.plan import (
    ABSENT,
    Action,
    Address,
    Cause,
    FieldChange,
    Operation,
    Plan,
    Source,
    Step,
)
from provisioner.model.schemas import schema
from provisioner.model.serving import CapacityChange, CapacityUnit, Prices, Provision
from provisioner.planning.plan_json import digest, from_json, to_json

SECRET = {"$secret": {"from_env": "OPENAI_API_KEY"}}
PLAN = Plan(
    project="shop",
    environment="prod",
    host="https://x.net",
    steps=(
        Step(
            Address("toys", "chat"),
            "chat",
            Action.UPDATE,
            changes=(
                FieldChange(parse_path("config.entities[champion].version"), "11", "12"),
                FieldChange(("gone",), 1, ABSENT),
                FieldChange(("null",), None, ABSENT, Action.KEEP, Cause.CHOSEN_BY_SERVICE),
            ),
            operations=(
                Operation("update_config", "PUT", "/config", {"key_plaintext": SECRET}, wait=True),
                Operation("delete", "DELETE", "/x", after_idle=True),
            ),
            live_fingerprint="sha256:1",
        ),
    ),
    source=Source("sha256:2", "abc123"),
    protected=True,
    owned=7,
)


def written(plan=PLAN):
    return json.loads(json.dumps(to_json(plan, "1.2.3")))


def test_the_names_that_other_programs_rely_on():
    assert written() == {
        "format_version": 1,
        "tool_version": "1.2.3",
        "project": "shop",
        "environment": "prod",
        "workspace": {"host": "https://x.net"},
        "protected": True,
        "owned": 7,
        "source": {"git_commit": "abc123", "digest": "sha256:2"},
        "summary": {
            "create": 0,
            "adopt": 0,
            "update": 1,
            "replace": 0,
            "delete": 0,
            "keep": 0,
            "blocked": 0,
            "orphan": 0,
        },
        "required_env": ["OPENAI_API_KEY"],
        "digest": digest(PLAN),
        "steps": [
            {
                "address": "toys.chat",
                "name": "chat",
                "action": "update",
                "live_fingerprint": "sha256:1",
                "changes": [
                    {
                        "path": "config.entities[champion].version",
                        "before": "11",
                        "after": "12",
                        "action": "update",
                        "cause": "differs",
                        "reason": "",
                    },
                    {
                        "path": "gone",
                        "before": 1,
                        "action": "update",
                        "cause": "differs",
                        "reason": "",
                    },
                    {
                        "path": "null",
                        "before": None,
                        "action": "keep",
                        "cause": "chosen_by_service",
                        "reason": "chosen by the service",
                    },
                ],
                "operations": [
                    {
                        "call": "update_config",
                        "method": "PUT",
                        "path": "/config",
                        "payload": {"key_plaintext": SECRET},
                        "wait": True,
                    },
                    {
                        "call": "delete",
                        "method": "DELETE",
                        "path": "/x",
                        "wait": False,
                        "after_idle": True,
                    },
                ],
            }
        ],
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
DOCUMENTS = st.dictionaries(st.text(max_size=5), VALUES, max_size=3)
NAMES = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)
ADDRESSES = st.builds(Address, NAMES, st.text(min_size=1, max_size=8))
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=3).map(tuple), max_size=2).map(tuple)
TEXTS = st.lists(st.text(), max_size=2).map(tuple)
SIDES = VALUES | st.just(ABSENT)
CHANGES = st.builds(
    FieldChange,
    st.lists(NAMES | st.text().map(Key), max_size=4).map(tuple),
    SIDES,
    SIDES,
    st.sampled_from(Action),
    st.sampled_from(Cause),
    st.text(),
)
OPERATIONS = st.builds(
    Operation,
    NAMES,
    st.sampled_from(["DELETE", "PATCH", "POST", "PUT"]),
    st.text(),
    st.none() | DOCUMENTS,
    st.booleans(),
    st.booleans(),
)
STEPS = st.builds(
    Step,
    ADDRESSES,
    st.text(),
    st.sampled_from(Action),
    changes=st.lists(CHANGES, max_size=3).map(tuple),
    operations=st.lists(OPERATIONS, max_size=3).map(tuple),
    live_fingerprint=st.text(),
    reason=st.text(),
    hint=st.text(),
    notes=TEXTS,
    desired=st.none() | DOCUMENTS,
    needs=st.lists(ADDRESSES, max_size=2).map(tuple),
    unknown=TEXTS,
    ignore_changes=PATHS,
    consented=st.booleans(),
    existing=st.booleans(),
    updating=st.booleans(),
)
PLANS = st.builds(
    Plan,
    st.text(),
    st.text(),
    st.text(),
    st.lists(STEPS, max_size=3).map(tuple),
    st.builds(Source, st.text(), st.text()),
    st.booleans(),
    st.integers(0, 1000),
)


@given(PLANS)
def test_every_plan_reads_back_as_itself(plan):
    data = written(plan)
    assert from_json(data) == plan
    Draft7Validator(schema("plan")).validate(data)


def test_capacity_and_prices_read_back_as_they_were() -> None:
    cpu = Provision(CapacityUnit.CONCURRENCY, "CPU", least=4, most=4)
    change = CapacityChange((cpu,), (replace(cpu, most=16),), (replace(cpu, least=8, most=20),))
    steps = (replace(PLAN.steps[0], capacity=change),)
    plan = replace(PLAN, steps=steps, prices=Prices("2026-11-30", 0.07, concurrency={"CPU": 1}))
    data = written(plan)
    assert from_json(data) == plan
    assert (
        data["capacity"]["difference"][0] | {"least": 0, "most": 12}
        == (data["capacity"]["difference"][0])
    )
    assert data["capacity"]["cost"] == {
        "before": [0.28, 0.28],
        "after": [0.28, 1.12],
        "during": [0.56, 1.4],
    }


def test_a_plan_that_was_saved_before_there_were_causes_reads_as_it_was():
    changes = (
        FieldChange(("a",), 1, 2, Action.KEEP, Cause.UNSTATED, "chosen by the service"),
        FieldChange(("b",), 1, 2, Action.UPDATE, Cause.UNSTATED),
    )
    plan = replace(PLAN, steps=(replace(PLAN.steps[0], changes=changes),))
    data = written(plan)
    assert not any("cause" in change for change in data["steps"][0]["changes"])
    Draft7Validator(schema("plan")).validate(data)
    assert from_json(data) == plan
    assert [change.reason for change in changes] == ["chosen by the service", ""]


def test_a_cause_in_more_precise_words_keeps_both():
    change = FieldChange(("a",), 1, 2, Action.BLOCKED, Cause.NOT_UPDATABLE, "write it instead")
    plan = replace(PLAN, steps=(replace(PLAN.steps[0], changes=(change,)),))
    (entry,) = written(plan)["steps"][0]["changes"]
    assert (entry["cause"], entry["reason"]) == ("not_updatable", "write it instead")


def test_values_keep_their_types():
    values = (1, 1.0, True, "1", None, ABSENT)
    changes = tuple(FieldChange(("a",), value, value) for value in values)
    plan = replace(PLAN, steps=(replace(PLAN.steps[0], changes=changes),))
    back = [change.before for change in from_json(written(plan)).steps[0].changes]
    assert [(type(value), value) for value in back] == [(type(value), value) for value in values]


def test_the_digest_is_of_what_is_done_and_where():
    step = PLAN.steps[0]
    same = [
        replace(PLAN, source=Source("sha256:9", "other")),
        replace(PLAN, protected=False, owned=9),
    ]
    different = [
        replace(PLAN, project="other"),
        replace(PLAN, environment="other"),
        replace(PLAN, host="other"),
        replace(PLAN, steps=()),
        replace(PLAN, steps=(replace(step, live_fingerprint="sha256:9"),)),
        replace(PLAN, steps=(replace(step, changes=step.changes[1:]),)),
        replace(PLAN, steps=(replace(step, operations=step.operations[1:]),)),
    ]
    assert {digest(plan) for plan in same} == {digest(PLAN)}
    assert len({digest(plan) for plan in [PLAN, *different]}) == len(different) + 1


def changed(change):
    data = written()
    change(data)
    return data


def without(*path):
    def change(data):
        for name in path[:-1]:
            data = data[name]
        del data[path[-1]]

    return changed(change)


def with_(value, *path):
    def change(data):
        for name in path[:-1]:
            data = data[name]
        data[path[-1]] = value

    return changed(change)


WRONG = [
    pytest.param([], "E510", "this is not a plan", id="a list"),
    pytest.param({"resources": {}}, "E510", "this is not a plan", id="some other file"),
    pytest.param(
        with_(2, "format_version"),
        "E511",
        "the plan has format 2, but this version reads 1",
        id="a later format",
    ),
    pytest.param(
        with_(True, "format_version"),
        "E511",
        "the plan has format True, but this version reads 1",
        id="a format that only Python takes for 1",
    ),
    pytest.param(
        without("workspace"),
        "E510",
        "this is not a plan: `workspace` of the plan is missing or of the wrong type",
        id="no workspace",
    ),
    pytest.param(
        with_("7", "owned"),
        "E510",
        "this is not a plan: `owned` of the plan is missing or of the wrong type",
        id="text for a number",
    ),
    pytest.param(
        with_([1], "steps"),
        "E510",
        "this is not a plan: `steps` of the plan contains a value that is not an object",
        id="a step that is a number",
    ),
    pytest.param(
        with_("explode", "steps", 0, "action"),
        "E510",
        "this is not a plan: `action` of a step cannot be read",
        id="an action that does not exist",
    ),
    pytest.param(
        with_("chat", "steps", 0, "address"),
        "E510",
        "this is not a plan: `address` of a step cannot be read",
        id="an address without a kind",
    ),
    pytest.param(
        with_("a[", "steps", 0, "changes", 0, "path"),
        "E510",
        "this is not a plan: `path` of a change of toys.chat cannot be read",
        id="a path that is none",
    ),
    pytest.param(
        with_(1, "steps", 0, "operations", 0, "wait"),
        "E510",
        "this is not a plan: `wait` of an operation of toys.chat is missing or of the wrong type",
        id="a number for a boolean",
    ),
    pytest.param(
        with_(["x"], "steps", 0, "needs"),
        "E510",
        "this is not a plan: `needs` of a step cannot be read",
        id="a needed address without a kind",
    ),
    pytest.param(
        with_([1], "steps", 0, "notes"),
        "E510",
        "this is not a plan: `notes` of a step contains a value that is not text",
        id="a note that is a number",
    ),
    pytest.param(
        with_("https://y.net", "workspace", "host"),
        "E512",
        "the plan was changed after it was made",
        id="another workspace",
    ),
    pytest.param(
        with_("mood", "steps", 0, "changes", 0, "cause"),
        "E510",
        "this is not a plan: `cause` of a change of toys.chat cannot be read",
        id="a cause of a later version",
    ),
    pytest.param(
        with_("differs", "steps", 0, "changes", 2, "cause"),
        "E512",
        "the plan was changed after it was made",
        id="another cause",
    ),
    pytest.param(
        with_("13", "steps", 0, "changes", 0, "after"),
        "E512",
        "the plan was changed after it was made",
        id="another value",
    ),
    pytest.param(
        with_({}, "steps", 0, "operations", 0, "payload"),
        "E512",
        "the plan was changed after it was made",
        id="another payload",
    ),
    pytest.param(
        without("digest"), "E512", "the plan was changed after it was made", id="no digest"
    ),
]


@pytest.mark.parametrize(("data", "code", "message"), WRONG)
def test_what_is_no_plan_of_ours_is_refused(data, code, message):
    with pytest.raises(FileError) as raised:
        from_json(data)
    (problem,) = raised.value.problems
    assert (problem.code, problem.message) == (code, message)
    assert "provisioner plan --out" in problem.hint


@given(st.data())
def test_no_damage_is_a_crash(data):
    damaged = copy.deepcopy(written())
    place = damaged
    while isinstance(place, dict | list) and place:
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else [0]))
        if data.draw(st.booleans()) or not isinstance(place[key], dict | list):
            place[key] = data.draw(VALUES)
            break
        place = place[key]
    try:
        from_json(damaged)
    except FileError:
        return
    # What is neither read nor covered may be anything.
    assert written(from_json(damaged))["steps"] == damaged["steps"]
