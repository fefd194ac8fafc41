"""Grants: what is believed of an answer, who stays, and the list that is sent."""

from __future__ import annotations

import json

import pytest

from provisioner.errors import ServiceError, UnreachableError
from provisioner.kinds import KINDS
from provisioner.kinds.model_serving_endpoints.planning import permissions
from provisioner.kinds.model_serving_endpoints.planning.permissions import Access, Grant
from provisioner.model.live import Live
from provisioner.model.paths import Key, path_text
from provisioner.model.plan import ABSENT, Action, Address, Cause, FieldChange, Operation
from provisioner.model.resource import Resource
from provisioner.model.secret import SecretReader
from provisioner.planning.planner import plan_step
from provisioner.planning.request import Pair, PlanContext

KIND = KINDS["model_serving_endpoints"]
ENDPOINT = "/api/2.0/serving-endpoints/chat"
GRANTS = "/api/2.0/permissions/serving-endpoints/id-1"
ME = "/api/2.0/preview/scim/v2/Me"
STATE = {"ready": "READY", "config_update": "NOT_UPDATING"}
RAW = {"id": "id-1", "name": "chat", "state": STATE, "creator": "Ann@example.com"}


class Script:
    """A workspace that gives prepared answers and remembers what it was asked."""

    host = "https://workspace.example.com"
    clock_skew_s = 0.0

    def __init__(self, answers):
        self.answers = {ENDPOINT: RAW, ME: {"userName": "me@example.com"}} | answers
        self.asked = []

    def get(self, path, query=None, absent=frozenset()):
        self.asked.append(path)
        answer = self.answers.get(path)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def send(self, method, path, body, *, repeatable, once=False):
        self.asked.append((method, path, body))
        return {}


def row(kind, name, level, inherited=False):
    return {kind: name, "all_permissions": [{"permission_level": level, "inherited": inherited}]}


def answer(*rows):
    return {"object_id": "/serving-endpoints/id-1", "access_control_list": list(rows)}


def resource(*entries, existing=False):
    document = {"name": "chat", "permissions": list(entries)}
    return Resource(Address(KIND.name, "chat"), "chat", document, existing=existing)


def driver_of(answers, tmp_path):
    script = Script(answers)
    return KIND.runtime.connect(script, SecretReader(tmp_path)), script


def planned(wanted, rows, tmp_path):
    driver, _ = driver_of({GRANTS: answer(*rows)}, tmp_path)
    pair = Pair(wanted.address, "chat", wanted, driver.read(wanted))
    return plan_step(pair, KIND, PlanContext("shop", "dev"))


def sent(step):
    (call,) = [one for one in step.operations if one.call == "set_permissions"]
    rows = call.payload["access_control_list"]
    return {json.dumps(one, sort_keys=True) for one in rows}


UNREADABLE = [
    pytest.param(None, id="no such object"),
    pytest.param({}, id="an empty answer"),
    pytest.param(answer() | {"object_id": "/serving-endpoints/other"}, id="another endpoint's"),
    pytest.param({"object_id": "/serving-endpoints/id-1"}, id="no list"),
    pytest.param(answer() | {"access_control_list": {}}, id="something else than a list"),
]


@pytest.mark.parametrize("given", UNREADABLE)
def test_an_answer_that_cannot_be_believed_is_not_an_empty_list(given, tmp_path):
    driver, _ = driver_of({GRANTS: given}, tmp_path)
    with pytest.raises(UnreachableError) as caught:
        driver.read(resource())
    assert caught.value.problems[0].code == "E435"


@pytest.mark.parametrize("given", [None, {}, {"userName": ""}, {"userName": 7}])
def test_a_caller_who_is_not_told_is_an_error(given, tmp_path):
    driver, _ = driver_of({GRANTS: answer(), ME: given}, tmp_path)
    with pytest.raises(UnreachableError) as caught:
        driver.read(resource())
    assert caught.value.problems[0].code == "E436"


def test_what_may_not_be_read_is_an_error(tmp_path):
    refused = ServiceError(403, "PERMISSION_DENIED", "no", f"GET {GRANTS}")
    driver, _ = driver_of({GRANTS: refused}, tmp_path)
    with pytest.raises(ServiceError):
        driver.read(resource())


def test_odd_rows_are_passed_over(tmp_path):
    rows = [
        None,
        "x",
        {},
        {"group_name": 7, "all_permissions": []},
        {"group_name": "a"},
        {"group_name": "b", "all_permissions": ["x", None, {}]},
        row("group_name", "c", "CAN_VIEW"),
    ]
    driver, _ = driver_of({GRANTS: answer(*rows)}, tmp_path)
    found = driver.read(resource()).document["permissions"]
    assert found == [{"level": "None", "group_name": "b"}, {"level": "CAN_VIEW", "group_name": "c"}]


def test_who_we_are_is_asked_once_and_only_where_permissions_are_declared(tmp_path):
    driver, script = driver_of({GRANTS: answer()}, tmp_path)
    driver.read(Resource(Address(KIND.name, "chat"), "chat", {"name": "chat"}))
    assert script.asked == [ENDPOINT]
    driver.read(resource())
    driver.read(resource())
    assert script.asked.count(ME) == 1


def test_the_whole_list_is_sent_with_what_is_not_ours_to_take(tmp_path):
    wanted = resource({"level": "CAN_MANAGE", "group_name": "new"})
    rows = [
        row("group_name", "old", "CAN_VIEW"),
        row("group_name", "admins", "CAN_MANAGE", inherited=True),
        row("user_name", "ann@example.com", "CAN_MANAGE"),
        row("user_name", "ME@example.com", "CAN_QUERY"),
    ]
    step = planned(wanted, rows, tmp_path)
    changed = [path_text(one.path) for one in step.changes if one.path[0] == "permissions"]
    assert changed == ["permissions[new]", "permissions[old]"]
    assert sent(step) == {
        '{"group_name": "new", "permission_level": "CAN_MANAGE"}',
        '{"permission_level": "CAN_MANAGE", "user_name": "ann@example.com"}',
        '{"permission_level": "CAN_QUERY", "user_name": "ME@example.com"}',
    }


def test_a_group_with_the_name_of_the_caller_is_not_the_caller(tmp_path):
    rows = [row("group_name", "me@example.com", "CAN_VIEW")]
    step = planned(resource(), rows, tmp_path)
    changed = [path_text(one.path) for one in step.changes if one.action is not Action.KEEP]
    assert changed == ["permissions[me@example.com]"]


def test_what_others_granted_on_their_endpoint_is_sent_as_it_is(tmp_path):
    wanted = resource({"level": "CAN_QUERY", "group_name": "new"}, existing=True)
    rows = [row("group_name", "theirs", "CAN_SOMETHING_NEW")]
    step = planned(wanted, rows, tmp_path)
    assert [path_text(one.path) for one in step.changes] == ["permissions[new]"]
    assert sent(step) == {
        '{"group_name": "new", "permission_level": "CAN_QUERY"}',
        '{"group_name": "theirs", "permission_level": "CAN_SOMETHING_NEW"}',
    }


FINGERPRINTS = [
    pytest.param([row("group_name", "a", "CAN_VIEW")], id="another level"),
    pytest.param([], id="one taken away"),
    pytest.param(
        [row("group_name", "a", "CAN_QUERY"), row("user_name", "ann@example.com", "CAN_MANAGE")],
        id="one of the creator's",
    ),
]


@pytest.mark.parametrize("rows", FINGERPRINTS)
def test_the_fingerprint_covers_the_grants(rows, tmp_path):
    before = [row("group_name", "a", "CAN_QUERY"), row("group_name", "b", "CAN_VIEW", True)]
    driver, script = driver_of({GRANTS: answer(*before)}, tmp_path)
    wanted = resource({"level": "CAN_QUERY", "group_name": "a"})
    first = driver.read(wanted).fingerprint
    script.answers[GRANTS] = answer(*reversed(before))
    assert driver.read(wanted).fingerprint == first
    script.answers[GRANTS] = answer(*rows)
    assert driver.read(wanted).fingerprint != first


CALLERS = [
    pytest.param("me@example.com", {"user_name": "me@example.com"}, id="a user"),
    pytest.param(
        "0B1C2D3E-0000-4000-8000-00000000000a",
        {"service_principal_name": "0B1C2D3E-0000-4000-8000-00000000000a"},
        id="a service principal",
    ),
]


@pytest.mark.parametrize(("name", "principal"), CALLERS)
def test_after_a_create_the_caller_goes_on_managing(name, principal, tmp_path):
    wanted = resource(
        {"level": "CAN_VIEW", "group_name": "a"},
        {"level": "CAN_VIEW", **{kind: who.upper() for kind, who in principal.items()}},
    )
    step = plan_step(Pair(wanted.address, "chat", wanted, None), KIND, PlanContext("shop", "dev"))
    create, grant = step.operations
    assert (create.call, create.wait, grant.call, grant.wait) == (
        "create",
        False,
        "set_permissions",
        True,
    )
    assert grant.path.endswith("/{id}")
    driver, script = driver_of({ME: {"userName": name}}, tmp_path)
    driver.perform(grant, "id-7")
    method, path, body = script.asked[-1]
    assert (method, path) == ("PUT", "/api/2.0/permissions/serving-endpoints/id-7")
    assert body["access_control_list"] == [
        {"group_name": "a", "permission_level": "CAN_VIEW"},
        {**principal, "permission_level": "CAN_MANAGE"},
    ]


def test_nothing_is_asked_of_who_we_are_for_other_calls(tmp_path):
    driver, script = driver_of({}, tmp_path)
    driver.perform(Operation("patch_tags", "PATCH", f"{ENDPOINT}/tags", {"add_tags": []}), "id-1")
    assert ME not in script.asked


def test_the_keys_in_paths_are_those_of_the_comparison(tmp_path):
    """The payload is put together by these keys, so both sides have to agree on them."""
    entries = [
        {"level": "CAN_VIEW", "group_name": "user_name:x"},
        {"level": "CAN_VIEW", "user_name": "ann b]@example.com"},
        {"level": "CAN_VIEW", "service_principal_name": "0b1c2d3e"},
    ]
    wanted = resource(*entries)
    step = planned(wanted, [], tmp_path)
    found = [one.path[1].value for one in step.changes if one.path[0] == "permissions"]
    assert sorted(found) == sorted(grant.label for grant in permissions.declared(wanted.document))


VERDICTS = [
    pytest.param("ann", ABSENT, (Action.KEEP, Cause.OWN_ACCESS, ""), id="the creator's"),
    pytest.param("in", ABSENT, (Action.KEEP, Cause.INHERITED, ""), id="one that is inherited"),
    pytest.param("in", "CAN_VIEW", None, id="a direct one that is inherited as well"),
    pytest.param("x", ABSENT, None, id="any other"),
]


@pytest.mark.parametrize(("name", "before", "expected"), VERDICTS)
def test_what_becomes_of_a_difference(name, before, expected):
    found = Access(
        direct=(Grant("user_name", "ann", "CAN_MANAGE"),),
        inherited=(Grant("user_name", "in", "CAN_QUERY"),),
        own=frozenset({"ann"}),
    )
    wanted = resource(*({"level": "CAN_VIEW", "user_name": who} for who in ("ann", "in", "x")))
    live = permissions.with_access(Live("chat", "id-1", {}, ""), wanted, found)
    key = Key(f"user_name:{name}")
    change = FieldChange(("permissions", key), before, "CAN_VIEW")
    assert permissions.verdict(change, live) == expected


MISTAKES = [
    pytest.param([{"level": "CAN_VIEW"}], [("E360", ("permissions", 0))], id="nobody"),
    pytest.param(
        [{"level": "CAN_VIEW", "group_name": "a", "user_name": "b"}],
        [("E360", ("permissions", 0, "user_name"))],
        id="two at once",
    ),
    pytest.param(
        [{"level": "CAN_VIEW", "group_name": "a"}, {"level": "CAN_QUERY", "group_name": "A"}],
        [("E361", ("permissions", 1, "group_name"))],
        id="the same twice",
    ),
    pytest.param(
        [{"level": "CAN_VIEW", "group_name": "a"}, {"level": "CAN_VIEW", "user_name": "a"}],
        [],
        id="a group and a user of one name",
    ),
    pytest.param([7, {"group_name": 7}], [], id="wrong shapes are not its business"),
]


@pytest.mark.parametrize(("entries", "expected"), MISTAKES)
def test_what_must_hold_between_entries(entries, expected):
    found = KIND.schema.relations({"name": "chat", "permissions": entries}, {})
    assert [(one.code, one.at) for one in found] == expected
