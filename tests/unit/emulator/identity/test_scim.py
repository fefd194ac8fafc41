"""Users, groups and service principals over SCIM, as Terraform and the Databricks CLI make them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config
from databricks.sdk.errors import NotFound, PermissionDenied, ResourceConflict
from databricks.sdk.service import iam

SCIM = "/api/2.0/preview/scim/v2"
USERS, GROUPS, MACHINES = (f"{SCIM}/{each}" for each in ("Users", "Groups", "ServicePrincipals"))
ADA = {"userName": "ada@example.com", "displayName": "Ada", "active": True}
LOCAL_USER = "local-user@example.com"


@pytest.fixture
def sdk(client: Any) -> WorkspaceClient:
    config = Config(host=client.server.url, token=client.server.token, retry_timeout_seconds=5)
    return WorkspaceClient(config=config)


def made(client: Any, path: str, body: Any) -> Any:
    reply = client.call("POST", path, body)
    assert reply.status == 201, reply.content
    return reply.json


def operation(op: str, path: str = "", value: Any = None) -> Any:
    schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
    given = {"op": op} | ({"path": path} if path else {}) | ({"value": value} if value else {})
    return {"schemas": schemas, "Operations": [given]}


def members(client: Any, group: Any) -> list[str]:
    shown = client.get(f"{GROUPS}/{group['id']}").get("members", [])
    return sorted(each["value"] for each in shown)


def found(client: Any, path: str, attribute: str, name: str) -> Any:
    wanted = quote(f'{attribute} eq "{name}"')
    return client.get(f"{path}?filter={wanted}")["Resources"]


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        pytest.param(USERS, ADA, "userName", id="a user"),
        pytest.param(GROUPS, {"displayName": "analysts"}, "displayName", id="a group"),
        pytest.param(MACHINES, {"displayName": "ci", "active": True}, "applicationId", id="an app"),
    ],
)
def test_a_principal_is_made_read_found_and_deleted(
    client: Any, path: str, body: Any, name: str
) -> None:
    created = made(client, path, body)
    assert created | body == created
    assert client.get(f"{path}/{created['id']}?attributes=displayName") == created
    assert found(client, path, name, created[name]) == [created]
    assert client.call("DELETE", f"{path}/{created['id']}").status == 204
    for method in ("GET", "DELETE"):
        gone = client.call(method, f"{path}/{created['id']}")
        assert (gone.status, gone.code) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert created["id"] not in [each["id"] for each in client.get(path)["Resources"]]


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        pytest.param(USERS, ADA, "User with username ada@example.com already exists.", id="user"),
        pytest.param(GROUPS, {"displayName": "a"}, "Group with name a already exists.", id="group"),
        pytest.param(
            MACHINES,
            {"applicationId": "7f0c"},
            "Service principal with application ID 7f0c already exists.",
            id="service principal",
        ),
    ],
)
def test_a_name_is_taken_once(client: Any, path: str, body: Any, message: str) -> None:
    made(client, path, body)
    again = client.call("POST", path, body)
    assert (again.status, again.code) == (409, "RESOURCE_ALREADY_EXISTS")
    assert again.json["message"] == message


def test_the_groups_that_every_workspace_has_are_taken(client: Any) -> None:
    for name in ("users", "admins"):
        assert client.call("POST", GROUPS, {"displayName": name}).status == 409
        (group,) = found(client, GROUPS, "displayName", name)
        assert client.call("DELETE", f"{GROUPS}/{group['id']}").status == 400


def test_users_are_shown_as_active(client: Any) -> None:
    made(client, USERS, {"userName": "bob@example.com"})
    shown = {user["userName"]: user["active"] for user in client.get(USERS)["Resources"]}
    assert shown == {LOCAL_USER: True, "bob@example.com": True}


def test_who_is_not_active_cannot_ask(client: Any) -> None:
    principal, ada = client.principal("ada@example.com")
    body = operation("replace", "active", "false")
    assert client.patch(f"{USERS}/{principal['id']}", body)["active"] is False
    assert ada.call("GET", f"{SCIM}/Me").status == 401
    client.patch(f"{USERS}/{principal['id']}", {"Operations": [{"op": "replace", "value": ADA}]})
    assert ada.get(f"{SCIM}/Me")["displayName"] == "Ada"


def test_members_are_added_and_removed_and_have_what_the_group_has(client: Any) -> None:
    group = made(client, GROUPS, {"displayName": "analysts"})
    principal, ada = client.principal("ada@example.com")
    client.post("/api/2.0/secrets/scopes/create", {"scope": "team"})
    acl = {"scope": "team", "principal": "analysts", "permission": "READ"}
    client.post("/api/2.0/secrets/acls/put", acl)
    assert ada.call("GET", "/api/2.0/secrets/list?scope=team").status == 403
    path = f"{GROUPS}/{group['id']}"
    client.patch(path, operation("add", "members", [{"value": principal["id"]}]))
    client.patch(path, operation("Add", "members", [{"value": principal["id"]}]))
    assert members(client, group) == [principal["id"]]
    assert ada.get("/api/2.0/secrets/list?scope=team") == {"secrets": []}
    (mine,) = [each for each in ada.get(f"{SCIM}/Me")["groups"] if each["display"] == "analysts"]
    assert mine["value"] == group["id"]
    client.patch(path, operation("remove", f'members[value eq "{principal["id"]}"]'))
    assert members(client, group) == []
    assert ada.call("GET", "/api/2.0/secrets/list?scope=team").status == 403


def test_a_group_is_renamed_with_its_members(client: Any) -> None:
    principal, ada = client.principal("ada@example.com")
    body = {"displayName": "analysts", "members": [{"value": principal["id"]}]}
    group = made(client, GROUPS, body)
    entitled = {"displayName": "risk", "entitlements": [{"value": "workspace-access"}]}
    reply = client.call("PUT", f"{GROUPS}/{group['id']}", entitled | {"members": group["members"]})
    assert (reply.json["id"], reply.json["displayName"]) == (group["id"], "risk")
    assert reply.json["entitlements"] == [{"value": "workspace-access"}]
    assert "risk" in [each["display"] for each in ada.get(f"{SCIM}/Me")["groups"]]
    assert found(client, GROUPS, "displayName", "analysts") == []
    client.call("DELETE", f"{GROUPS}/{group['id']}")
    assert [each["display"] for each in ada.get(f"{SCIM}/Me")["groups"]] == ["users"]


def test_the_local_user_may_be_in_a_group_and_stays_what_it_is(client: Any) -> None:
    me = client.get(f"{SCIM}/Me")
    group = made(client, GROUPS, {"displayName": "analysts", "members": [{"value": me["id"]}]})
    assert members(client, group) == [me["id"]]
    assert "analysts" in [each["display"] for each in client.get(f"{SCIM}/Me")["groups"]]
    assert client.call("DELETE", f"{USERS}/{me['id']}").status == 400
    off = client.call("PATCH", f"{USERS}/{me['id']}", operation("replace", "active", "false"))
    assert off.status == 400
    client.patch(f"{GROUPS}/{group['id']}", operation("remove", "members"))
    assert "analysts" not in [each["display"] for each in client.get(f"{SCIM}/Me")["groups"]]


def test_the_local_user_stays_an_administrator(client: Any) -> None:
    (admins,) = found(client, GROUPS, "displayName", "admins")
    path = f"{GROUPS}/{admins['id']}"
    assert client.call("PATCH", path, operation("remove", "members")).status == 400
    principal, ada = client.principal("ada@example.com")
    client.patch(path, operation("add", "members", [{"value": principal["id"]}]))
    assert made(ada, GROUPS, {"displayName": "mine"})["displayName"] == "mine"
    client.patch(path, operation("remove", f'members[value eq "{principal["id"]}"]'))
    assert ada.call("POST", GROUPS, {"displayName": "more"}).code == "PERMISSION_DENIED"


def test_entitlements_are_added_and_removed(client: Any) -> None:
    user = made(client, USERS, ADA | {"entitlements": [{"value": ""}]})
    assert "entitlements" not in user
    path = f"{USERS}/{user['id']}"
    value = [{"value": "allow-cluster-create"}, {"value": "workspace-access"}]
    assert client.patch(path, operation("add", "entitlements", value))["entitlements"] == value
    shown = client.patch(path, operation("remove", 'entitlements[value eq "workspace-access"]'))
    assert shown["entitlements"] == value[:1]
    assert "entitlements" not in client.patch(path, operation("remove", "entitlements"))


REFUSED = [
    pytest.param("POST", USERS, {}, 400, id="a user without a name"),
    pytest.param("POST", GROUPS, {"displayName": ""}, 400, id="a group without a name"),
    pytest.param(
        "POST",
        GROUPS,
        {"displayName": "a", "members": [{"value": "7"}]},
        404,
        id="a member that nobody knows",
    ),
    pytest.param("POST", USERS, ADA | {"active": "maybe"}, 400, id="neither active nor not"),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), REFUSED)
def test_it_is_refused(client: Any, method: str, path: str, body: Any, status: int) -> None:
    assert client.call(method, path, body).status == status
    assert client.get(f"{GROUPS}")["totalResults"] == 2


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="no operation"),
        pytest.param(operation("move", "members"), id="an operation that SCIM does not have"),
        pytest.param(operation("remove"), id="a removal of nothing"),
        pytest.param(operation("replace", "displayName", [1]), id="a name that is a list"),
        pytest.param(operation("add", "userName.first", "x"), id="a path that is not known"),
    ],
)
def test_a_patch_is_refused_and_changes_nothing(client: Any, body: Any) -> None:
    user = made(client, USERS, ADA)
    assert client.call("PATCH", f"{USERS}/{user['id']}", body).status == 400
    assert client.get(f"{USERS}/{user['id']}") == user


def test_only_administrators_change_principals(client: Any) -> None:
    _, ada = client.principal("ada@example.com")
    assert ada.call("POST", GROUPS, {"displayName": "mine"}).code == "PERMISSION_DENIED"
    (group,) = found(ada, GROUPS, "displayName", "admins")
    joined = operation("add", "members", [{"value": ada.get(f"{SCIM}/Me")["id"]}])
    assert ada.call("PATCH", f"{GROUPS}/{group['id']}", joined).code == "PERMISSION_DENIED"


def test_the_sdk_makes_changes_and_deletes_principals(sdk: WorkspaceClient) -> None:
    user = sdk.users.create(user_name="ada@example.com", display_name="Ada")
    machine = sdk.service_principals.create(display_name="ci")
    assert machine.application_id
    group = sdk.groups.create(display_name="analysts", members=[iam.ComplexValue(value=user.id)])
    add = iam.Patch(iam.PatchOp.ADD, "members", [{"value": machine.id}])
    sdk.groups.patch(
        group.id,
        operations=[add],
        schemas=[iam.PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP],
    )
    shown = sdk.groups.get(group.id)
    assert {member.value for member in shown.members} == {user.id, machine.id}
    assert {member.display for member in shown.members} == {"Ada", "ci"}
    with pytest.raises(ResourceConflict):
        sdk.groups.create(display_name="Analysts")
    sdk.users.delete(user.id)
    assert [member.value for member in sdk.groups.get(group.id).members] == [machine.id]
    with pytest.raises(NotFound):
        sdk.users.get(user.id)
    assert "ada@example.com" not in [each.user_name for each in sdk.users.list()]


def test_a_service_principal_may_not_change_others_without_being_an_administrator(
    client: Any,
) -> None:
    _, machine = client.principal(kind="service_principal")
    config = Config(host=machine.server.url, token=machine.server.token, retry_timeout_seconds=5)
    with pytest.raises(PermissionDenied):
        WorkspaceClient(config=config).groups.create(display_name="mine")
