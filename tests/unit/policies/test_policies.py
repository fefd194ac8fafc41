"""What policies require, forbid and except, on documents of a real kind."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from provisioner.model.paths import parse_path
from provisioner.model.plan import ABSENT, Action, Address, FieldChange, Plan, Step
from provisioner.model.serving import CapacityChange, CapacityUnit, Provision
from provisioner.policies.definition import PolicyReader
from provisioner.policies.judgement import Judge, expired
from provisioner.policies.time_window import time_window
from provisioner.workflow.policies import vocabularies

KIND = "model_serving_endpoints"
CHAT = Address(KIND, "chat")
TODAY = datetime(2026, 11, 27, 13, tzinfo=UTC)


def read(**policy):
    reader = PolicyReader("policies/a.yaml", vocabularies())
    data = {"name": "a policy", "applies_to": {"kind": KIND}, **policy}
    return reader.policies({"policies": [data]}), reader.findings


def places(document, **policy):
    policies, findings = read(**policy)
    assert findings == []
    judge = Judge(policies, "prod", TODAY, TODAY)
    return [verdict.finding.at for verdict in judge.document(CHAT, document)]


def served(**entity):
    return {"config": {"served_entities": [{"name": "champion", **entity}]}}


LIMIT = "ai_gateway.rate_limits[*]"
SIZE = "config.served_entities[*].workload_size"
COST = "tags[cost_center].value"
PUBLIC = {"path": "permissions[*]", "where": {"group_name": "users", "level": "CAN_MANAGE"}}
MANAGED = {
    "permissions": [
        {"group_name": "users", "level": "CAN_QUERY"},
        {"group_name": "users", "level": "CAN_MANAGE"},
    ]
}


@pytest.mark.parametrize(
    ("document", "policy", "expected"),
    [
        pytest.param({}, {"require": [LIMIT]}, [()], id="a list that is missing has no entry"),
        pytest.param(
            {"ai_gateway": {"rate_limits": []}},
            {"require": [LIMIT]},
            [("ai_gateway", "rate_limits")],
            id="an empty list has no entry",
        ),
        pytest.param(
            {"ai_gateway": {"rate_limits": [{"key": "user"}]}},
            {"require": [LIMIT]},
            [],
            id="a list with an entry has one",
        ),
        pytest.param(
            {"ai_gateway": {}},
            {"require": [f"{LIMIT}.calls"]},
            [],
            id="no entry means that no entry lacks anything",
        ),
        pytest.param(
            {"ai_gateway": {"rate_limits": [{"calls": 1}, {"tokens": 1}]}},
            {"require": [f"{LIMIT}.calls"]},
            [("ai_gateway", "rate_limits", 1)],
            id="each entry needs the field",
        ),
        pytest.param(
            {"tags": [{"key": "team", "value": "x"}]},
            {"require": [COST]},
            [("tags",)],
            id="an entry that is missing is missing in its list",
        ),
        pytest.param(
            {"tags": [{"key": "cost_center", "value": "CC-1\n"}]},
            {"require": [{"path": COST, "pattern": "^CC-[0-9]$"}]},
            [("tags", 0, "value")],
            id="the end of a pattern is the end of the text",
        ),
        pytest.param(
            served(workload_size="Large"),
            {"forbid": [{"path": SIZE, "in": ["Large"]}]},
            [("config", "served_entities", 0, "workload_size")],
            id="a value of the list is forbidden",
        ),
        pytest.param(
            served(),
            {"forbid": [{"path": SIZE, "in": ["Large"]}]},
            [],
            id="absent is not forbidden",
        ),
        pytest.param(
            served(scale_to_zero_enabled=True),
            {"forbid": ["config.served_entities[*].scale_to_zero_enabled"]},
            [("config", "served_entities", 0, "scale_to_zero_enabled")],
            id="a path alone forbids any value",
        ),
        pytest.param(MANAGED, {"forbid": [PUBLIC]}, [("permissions", 1)], id="where picks entries"),
        pytest.param(
            MANAGED,
            {"require": [{"path": "permissions[*]", "at_most": 1}]},
            [("permissions", 1)],
            id="the first entry too many is blamed",
        ),
        pytest.param(
            {"ai_gateway": {"rate_limits": [{"calls": 5}]}},
            {"require": [{"path": f"{LIMIT}.calls", "min": 1, "max": 4}]},
            [("ai_gateway", "rate_limits", 0, "calls")],
            id="all comparisons have to hold",
        ),
        pytest.param(
            {"lifecycle": {"prevent_destroy": 1}},
            {"require": [{"path": "lifecycle.prevent_destroy", "equals": True}]},
            [("lifecycle", "prevent_destroy")],
            id="one is not true",
        ),
        pytest.param(
            {"tags": [{"key": "tier", "value": "internal"}]},
            {
                "applies_to": {"kind": KIND, "unless": {"tags": {"tier": "internal"}}},
                "require": [LIMIT],
            },
            [],
            id="unless takes a tag's value",
        ),
        pytest.param(
            {"tags": [{"key": "tier", "value": "public"}]},
            {
                "applies_to": {"kind": KIND, "unless": {"tags": {"tier": "internal"}}},
                "require": [LIMIT],
            },
            [()],
            id="unless another value",
        ),
        pytest.param(
            {},
            {"applies_to": {"kind": KIND, "environments": ["dev"]}, "require": [LIMIT]},
            [],
            id="another environment",
        ),
        pytest.param(
            {},
            {"applies_to": {"kind": KIND, "resources": ["ch*"]}, "require": [LIMIT]},
            [()],
            id="a pattern of keys",
        ),
    ],
)
def test_a_policy_judges_a_document(document, policy, expected):
    assert places(document, **policy) == expected


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"require": ["ai_gateway.rate_limit[*]"]}, "there is no `rate_limit`"),
        ({"require": ["ai_gateway.rate_limits.calls"]}, "there is no `calls`"),
        ({"require": ["name[*]"]}, "nothing before `[*]` has entries"),
        ({"require": ["a..b"]}, "is not a path"),
        ({"forbid": [{"path": SIZE, "min": 3}]}, "`min` cannot be used for"),
        ({"forbid": [{"path": SIZE, "pattern": "("}]}, "not a regular expression"),
        ({"forbid": [{"path": "name", "where": {"name": "x"}}]}, "must contain `[*]`"),
        ({"forbid": [{"path": "permissions[*]", "where": {"grp": "x"}}]}, "there is no `grp`"),
        ({"applies_to": {"kind": "jobs"}, "require": ["name"]}, "there is no kind `jobs`"),
        ({"applies_to": {}, "require": ["name"]}, "needs a kind"),
        ({}, "has no rule"),
        ({"plan": {"forbid": [{"change": "config.x"}]}}, "there is no `x`"),
        (
            {"require": ["name"], "when": {"time_zone": "Mars/Base"}},
            "not know the time zone `Mars/Base`",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_policy_that_would_check_nothing_is_an_error(policy, words):
    policies, findings = read(**policy)
    assert policies == ()
    assert [words in finding.message for finding in findings] == [True]


def test_an_exception_holds_until_its_last_day_and_is_an_error_after_it():
    entry = {"address": f"{KIND}.ch*", "until": "2026-11-27", "because": "CHG-1"}
    policies, _ = read(require=[LIMIT], exceptions=[entry])
    on_the_day, after = TODAY, TODAY.replace(day=28)
    assert list(Judge(policies, "prod", on_the_day).document(CHAT, {})) == []
    assert list(expired(policies, on_the_day)) == []
    assert len(list(Judge(policies, "prod", after).document(CHAT, {}))) == 1
    assert [finding.code for _, finding in expired(policies, after)] == ["E231"]


def test_a_secret_value_is_in_no_message():
    path = "config.served_entities[*].external_model.openai_config.openai_api_key"
    model = {"openai_config": {"openai_api_key": "{{secrets/scope/key}}"}}
    policies, _ = read(forbid=[{"path": path, "pattern": "scope"}])
    judge = Judge(policies, "prod", TODAY)
    (verdict,) = judge.document(CHAT, served(external_model=model))
    assert "scope" not in verdict.finding.message


WINDOW = {"weekdays": ["fri"], "from": "12:00", "time_zone": "Europe/Berlin"}
NIGHT = {"weekdays": ["fri"], "from": "22:00", "to": "06:00"}


@pytest.mark.parametrize(
    ("data", "moment", "inside"),
    [
        pytest.param(WINDOW, "2026-11-27T11:00:00Z", True, id="noon in Berlin is eleven in UTC"),
        pytest.param(WINDOW, "2026-11-27T10:59:59Z", False, id="before noon"),
        pytest.param(WINDOW, "2026-11-27T23:00:00Z", False, id="Saturday in Berlin"),
        pytest.param(WINDOW, "2026-07-03T10:00:00Z", True, id="summer time"),
        pytest.param(NIGHT, "2026-11-28T05:59:00Z", True, id="the night from Friday to Saturday"),
        pytest.param(NIGHT, "2026-11-27T05:59:00Z", False, id="the night from Thursday"),
        pytest.param({"to": "06:00"}, "2026-11-28T06:00:00Z", False, id="the end is outside"),
    ],
)
def test_a_window_of_time_is_in_its_time_zone(data, moment, inside):
    assert time_window(data).covers(datetime.fromisoformat(moment)) is inside


def test_a_window_is_not_judged_where_the_time_is_not_known():
    policies, _ = read(require=[LIMIT], when=WINDOW)
    judge = Judge(policies, "prod", TODAY)
    assert list(judge.document(CHAT, {})) == []
    assert judge.undecided == policies


def plan_of(*steps):
    made = [
        Step(
            Address(KIND, key),
            key,
            action,
            tuple(FieldChange(parse_path(text), ABSENT, "x") for text in changes),
        )
        for key, action, *changes in steps
    ]
    return Plan("shop", "prod", "", tuple(made))


ENTITY_VERSION = "config.served_entities[*].entity_version"


@pytest.mark.parametrize(
    ("rules", "steps", "addresses"),
    [
        ({"forbid": [{"action": "delete"}]}, [("a", Action.DELETE), ("b", Action.UPDATE)], ["a"]),
        ({"forbid": [{"action": "delete"}]}, [("a", Action.REPLACE)], []),
        (
            {"forbid": [{"change": ENTITY_VERSION}]},
            [
                ("a", Action.UPDATE, "config.served_entities[x].entity_version"),
                ("b", Action.UPDATE, "config.served_entities[x].workload_size"),
                ("c", Action.UPDATE, "config"),
            ],
            ["a", "c"],
        ),
        ({"limits": [{"action": ["create", "update"], "at_most": 1}]},
         [("a", Action.CREATE), ("b", Action.UPDATE)], [None]),
        ({"limits": [{"action": "create", "at_most": 1}]},
         [("a", Action.CREATE), ("b", Action.UPDATE)], []),
    ],
)  # fmt: skip
def test_a_policy_judges_a_plan(rules, steps, addresses):
    policies, findings = read(plan=rules)
    assert findings == []
    verdicts = Judge(policies, "prod", TODAY, TODAY).plan(plan_of(*steps))
    assert [v.address.key if v.address else None for v in verdicts] == addresses


CPU = Provision(CapacityUnit.CONCURRENCY, "CPU", least=4, most=4)
GPU = Provision(CapacityUnit.CONCURRENCY, "GPU_SMALL", least=4, most=8)
PROVISIONED = (
    Step(Address(KIND, "a"), "a", Action.UPDATE,
         capacity=CapacityChange((CPU,), (GPU,), (CPU, GPU)),
         traffic={"old": (100, 60), "new": (0, 40)}),
    Step(Address(KIND, "b"), "b", Action.CREATE, capacity=CapacityChange((), (GPU,))),
    Step(Address(KIND, "c"), "c", Action.KEEP, capacity=CapacityChange((CPU,), (CPU,))),
    Step(Address(KIND, "d"), "d", Action.CREATE),
)  # fmt: skip


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"capacity": "concurrency", "at_most": 20}, ""),
        ({"capacity": "concurrency", "at_most": 19}, "the plan there would be 20 concurrency"),
        ({"capacity": "concurrency", "machines": "GPU_*", "at_most": 15},
         "after the plan there would be 16 concurrency on GPU_*"),
        ({"capacity": "concurrency", "machines": ["CPU"], "at_most": 4}, ""),
        ({"capacity": "concurrency", "of": "added", "at_most": 11}, "the plan adds 12 concurrency"),
        ({"capacity": "concurrency", "of": "during", "at_most": 23},
         "while the plan is applied there would be 24 concurrency"),
        ({"capacity": "resources", "machines": "GPU_*", "of": "added", "at_most": 1},
         "the plan adds 2 resources with capacity on GPU_*"),
        ({"capacity": "model_units", "at_most": 0}, ""),
        ({"traffic": "moved", "at_most": 39}, "the step moves 40 % of the traffic, but the "
                                              "maximum is 39 %"),
        ({"traffic": "moved", "at_most": 40}, ""),
    ],
)  # fmt: skip
def test_a_policy_limits_capacity_and_traffic(limit, words):
    policies, findings = read(plan={"limits": [limit]})
    assert findings == []
    verdicts = list(
        Judge(policies, "prod", TODAY, TODAY).plan(Plan("shop", "prod", "", PROVISIONED))
    )
    assert [words in verdict.finding.message for verdict in verdicts] == ([True] if words else [])
