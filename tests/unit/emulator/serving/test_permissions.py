"""Permissions of serving endpoints."""

from __future__ import annotations

from typing import Any

import pytest

BASE = "/api/2.0/serving-endpoints"
PERMISSIONS = "/api/2.0/permissions/serving-endpoints"
CREATOR = "local-user@example.com"


@pytest.fixture
def path(client: Any) -> str:
    return f"{PERMISSIONS}/{client.create()['id']}"


def item(level: str, **principal: str) -> Any:
    return {"permission_level": level, **principal}


def granted(answer: Any) -> dict[str, list[tuple[str, bool]]]:
    found = {}
    for entry in answer["access_control_list"]:
        (key,) = {"user_name", "group_name", "service_principal_name"} & set(entry)
        levels = [(one["permission_level"], one["inherited"]) for one in entry["all_permissions"]]
        found[entry[key]] = levels
    return found


ADMINS = {"admins": [("CAN_MANAGE", True)]}
MINE = {CREATOR: [("CAN_MANAGE", False)]}


def test_the_creator_manages_and_admins_inherit(client: Any, path: str) -> None:
    answer = client.get(path)
    assert answer["object_id"] == path.replace("/api/2.0/permissions", "")
    assert answer["object_type"] == "serving-endpoint"
    assert granted(answer) == ADMINS | MINE
    (mine,) = [each for each in answer["access_control_list"] if "user_name" in each]
    assert (mine["user_name"], mine["display_name"]) == (CREATOR, "Local User")


def test_put_replaces_the_direct_grants(client: Any, path: str) -> None:
    items = [
        item("CAN_QUERY", group_name="analysts"),
        item("CAN_VIEW", service_principal_name="application"),
        item("CAN_VIEW", group_name="admins"),
    ]
    answer = client.put(path, {"access_control_list": items})
    assert granted(answer) == {
        "analysts": [("CAN_QUERY", False)],
        "application": [("CAN_VIEW", False)],
        "admins": [("CAN_MANAGE", True), ("CAN_VIEW", False)],
    }
    assert client.get(path) == answer


@pytest.mark.parametrize("body", [{}, {"access_control_list": []}], ids=["nothing", "empty"])
def test_put_of_nothing_takes_all_direct_grants_away(client: Any, path: str, body: Any) -> None:
    assert granted(client.put(path, body)) == ADMINS
    assert granted(client.get(path)) == ADMINS


def test_patch_merges_per_principal(client: Any, path: str) -> None:
    client.patch(path, {"access_control_list": [item("CAN_VIEW", user_name="A@example.com")]})
    items = [item("CAN_QUERY", user_name="a@EXAMPLE.com"), item("CAN_QUERY", group_name="g")]
    answer = granted(client.patch(path, {"access_control_list": items}))
    assert len(answer) == 4
    assert answer["g"] == [("CAN_QUERY", False)]
    assert answer["a@EXAMPLE.com"] == [("CAN_QUERY", False)]


def test_entries_come_in_another_order(client: Any, path: str) -> None:
    names = [f"group-{number}" for number in range(8)]
    items = [item("CAN_VIEW", group_name=name) for name in names]
    answer = client.put(path, {"access_control_list": items})
    shown = [each["group_name"] for each in answer["access_control_list"]]
    assert [name for name in shown if name != "admins"] != names
    assert sorted(shown) == ["admins", *names]


REFUSED = [
    pytest.param([item("CAN_RUN", user_name="a")], id="an unknown level"),
    pytest.param([{"user_name": "a"}], id="no level"),
    pytest.param([item("CAN_VIEW")], id="nobody"),
    pytest.param([item("CAN_VIEW", user_name="a", group_name="b")], id="two at once"),
    pytest.param(["a"], id="text"),
    pytest.param({"user_name": "a"}, id="no list"),
]


@pytest.mark.parametrize("items", REFUSED)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_list_is_refused_and_nothing_changed(
    client: Any, path: str, method: str, items: Any
) -> None:
    reply = client.call(method, path, {"access_control_list": items})
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert granted(client.get(path)) == ADMINS | MINE


def test_the_levels_are_listed(client: Any, path: str) -> None:
    found = client.get(f"{path}/permissionLevels")["permission_levels"]
    assert {each["permission_level"] for each in found} == {"CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"}
    assert all(each["description"] for each in found)


@pytest.mark.parametrize(
    ("method", "more"), [("GET", ""), ("PUT", ""), ("PATCH", ""), ("GET", "/permissionLevels")]
)
def test_an_unknown_id_is_404(client: Any, method: str, more: str) -> None:
    client.create()
    for unknown in ("0" * 32, "chat"):
        reply = client.call(method, f"{PERMISSIONS}/{unknown}{more}", {})
        assert (reply.status, reply.code) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_grants_outlive_an_endpoint_and_are_not_inherited_by_its_name(
    client: Any, path: str
) -> None:
    client.put(path, {"access_control_list": [item("CAN_QUERY", group_name="g")]})
    client.call("DELETE", f"{BASE}/chat")
    assert "g" in granted(client.get(path))
    again = client.create()
    assert granted(client.get(f"{PERMISSIONS}/{again['id']}")) == ADMINS | MINE
