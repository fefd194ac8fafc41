"""Users and service principals: who they are, how they log in, when they are gone."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

PRINCIPALS = "/__emulator__/principals"
ME = "/api/2.0/preview/scim/v2/Me"
SCIM = "/api/2.0/preview/scim/v2"
BASE = "/api/2.0/serving-endpoints"
TOKEN = "/oidc/v1/token"
HOUR_S = 3600


def log_in(client: Any, authorization: str = "", **form: str) -> Any:
    return client.call("POST", TOKEN, urlencode(form).encode(), authorization=authorization)


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def test_each_token_is_somebody(client: Any) -> None:
    made, ada = client.principal("ada@example.com", display_name="Ada", groups=["analysts"])
    me = ada.get(ME)
    assert (me["userName"], me["displayName"]) == ("ada@example.com", "Ada")
    assert me["id"] == made["id"] != client.get(ME)["id"]
    assert {group["display"] for group in me["groups"]} == {"analysts", "users"}
    assert client.get(ME)["userName"] == "local-user@example.com"


def test_a_service_principal_is_known_by_its_application_id(client: Any) -> None:
    made, machine = client.principal(kind="service_principal", display_name="ci")
    assert made["client_id"] == made["name"] == machine.get(ME)["userName"]
    assert machine.get(ME)["displayName"] == "ci"


def test_administrators_are_in_their_group(client: Any) -> None:
    made, root = client.principal("root@example.com", workspace_admin=True)
    assert made["workspace_admin"] is True
    assert "admins" in [group["display"] for group in root.get(ME)["groups"]]


def test_the_list_shows_no_credentials(client: Any) -> None:
    client.principal("ada@example.com", groups=["analysts"], token="ada-token")
    client.principal("app", kind="service_principal", client_secret="app-secret")
    text = json.dumps(client.get(PRINCIPALS))
    assert "ada-token" not in text
    assert "app-secret" not in text
    found = {each["name"]: each["groups"] for each in client.get(PRINCIPALS)["principals"]}
    assert found == {"ada@example.com": ["analysts"], "app": []}


def test_one_that_exists_is_replaced_with_its_credentials(client: Any) -> None:
    _, before = client.principal("ada@example.com")
    _, after = client.principal("ADA@example.com", groups=["analysts"])
    assert before.call("GET", ME).status == 401
    assert "analysts" in str(after.get(ME)["groups"])
    assert len(client.get(PRINCIPALS)["principals"]) == 1


def test_one_that_left_is_nobody(client: Any) -> None:
    made, machine = client.principal("app", kind="service_principal")
    login = log_in(client, basic("app", made["client_secret"]), grant_type="client_credentials")
    assert client.call("DELETE", f"{PRINCIPALS}/app").status == 200
    for gone in (machine, client.asking_with(login.json["access_token"])):
        assert gone.call("GET", ME).code == "UNAUTHENTICATED"
    assert client.call("DELETE", f"{PRINCIPALS}/app").status == 404


@pytest.mark.parametrize("leaves", [True, False], ids=["after it left", "while it is there"])
def test_one_that_is_made_again_has_to_log_in_again(client: Any, leaves: bool) -> None:
    made, _ = client.principal("app", kind="service_principal")
    login = log_in(client, basic("app", made["client_secret"]), grant_type="client_credentials")
    client.call("DELETE", f"{PRINCIPALS}/{'app' if leaves else 'nobody'}")
    client.principal("app", kind="service_principal")
    assert client.asking_with(login.json["access_token"]).call("GET", ME).status == 401


def test_reset_forgets_them(client: Any) -> None:
    _, ada = client.principal("ada@example.com")
    client.post("/__emulator__/reset")
    assert ada.call("GET", ME).status == 401


REFUSED = [
    pytest.param({"name": ""}, id="a user without a name"),
    pytest.param({"name": "LOCAL-user@example.com"}, id="the local user"),
    pytest.param({"name": "a", "kind": "group"}, id="a group"),
    pytest.param({"name": "a", "groups": "g"}, id="groups as text"),
    pytest.param({"name": "a", "token": "taken"}, id="the token of another"),
]


@pytest.mark.parametrize("body", REFUSED)
def test_it_is_refused(client: Any, body: Any) -> None:
    client.principal("ada@example.com", token="taken")
    reply = client.call("POST", PRINCIPALS, body)
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert len(client.get(PRINCIPALS)["principals"]) == 1


def test_the_workspaces_own_token_stays_the_local_users(client: Any) -> None:
    body = {"name": "ada@example.com", "token": client.server.token}
    assert client.call("POST", PRINCIPALS, body).status == 400


@pytest.mark.parametrize("in_form", [True, False], ids=["in the form", "as basic authentication"])
def test_a_service_principal_logs_in(client: Any, in_form: bool) -> None:
    made, _ = client.principal("app", kind="service_principal")
    pair = {"client_id": "app", "client_secret": made["client_secret"]}
    sent = pair if in_form else {}
    header = "" if in_form else basic(*pair.values())
    answer = log_in(client, header, grant_type="client_credentials", scope="all-apis", **sent).json
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", HOUR_S)
    assert client.asking_with(answer["access_token"]).get(ME)["userName"] == "app"


def test_any_client_id_with_the_workspaces_token_is_the_local_user(client: Any) -> None:
    header = basic("any", client.server.token)
    answer = log_in(client, header, grant_type="client_credentials").json
    mine = client.asking_with(answer["access_token"])
    assert mine.get(ME)["userName"] == "local-user@example.com"


def test_a_login_lasts_an_hour(client: Any) -> None:
    made, _ = client.principal("app", kind="service_principal")
    header = basic("app", made["client_secret"])
    token = log_in(client, header, grant_type="client_credentials").json["access_token"]
    machine = client.asking_with(token)
    client.pass_time(HOUR_S - 60)
    assert machine.call("GET", ME).status == 200
    client.pass_time(61)
    assert machine.call("GET", ME).status == 401
    assert log_in(client, header, grant_type="client_credentials").status == 200


STRANGERS = [
    pytest.param("app", "wrong", id="a wrong secret"),
    pytest.param("ada@example.com", "ada-token", id="a user with a token"),
    pytest.param("other", "app-secret", id="the secret of another"),
    pytest.param("app", "", id="no secret"),
]


@pytest.mark.parametrize(("name", "secret"), STRANGERS)
def test_a_stranger_gets_no_login(client: Any, name: str, secret: str) -> None:
    client.principal("app", kind="service_principal", client_secret="app-secret")
    client.principal("ada@example.com", token="ada-token")
    reply = log_in(client, basic(name, secret), grant_type="client_credentials")
    assert (reply.status, reply.json["error"]) == (401, "invalid_client")


def test_other_grants_are_refused(client: Any) -> None:
    exchange = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert log_in(client, grant_type="password").json["error"] == "unsupported_grant_type"
    reply = log_in(client, grant_type=exchange, assertion=client.server.token)
    assert (reply.status, reply.json["error"]) == (401, "invalid_client")


def test_an_endpoint_names_the_one_who_made_it(client: Any) -> None:
    _, machine = client.principal("app", kind="service_principal", display_name="ci")
    machine.create()
    for asking in (machine, client):
        endpoint = asking.endpoint()
        assert endpoint["creator"] == "app"
        assert (endpoint["creator_kind"], endpoint["creator_display_name"]) == (
            "ServicePrincipal",
            "ci",
        )
    path = f"/api/2.0/permissions/serving-endpoints/{endpoint['id']}"
    entries = client.get(path)["access_control_list"]
    (own,) = [each for each in entries if "service_principal_name" in each]
    assert (own["service_principal_name"], own["display_name"]) == ("app", "ci")
    assert own["all_permissions"] == [{"permission_level": "CAN_MANAGE", "inherited": False}]


def test_without_its_creator_an_endpoint_is_not_updated(client: Any, config: Any) -> None:
    _, ada = client.principal("ada@example.com")
    ada.create(config=config())
    client.endpoint()
    assert client.call("PUT", f"{BASE}/chat/config", config("b")).status == 200
    client.endpoint()
    client.call("DELETE", f"{PRINCIPALS}/ada@example.com")
    reply = client.call("PUT", f"{BASE}/chat/config", config("c"))
    assert (reply.status, reply.code) == (403, "PERMISSION_DENIED")
    # It still serves, its tags can be changed, and it can be deleted.
    assert client.endpoint()["state"]["ready"] == "READY"
    assert client.call("PATCH", f"{BASE}/chat/tags", {}).status == 200
    assert client.call("DELETE", f"{BASE}/chat").status == 200


def test_a_display_name_of_a_service_principal_is_no_principal(client) -> None:
    shown = {"displayName": "backend-sp"}
    machine = client.call("POST", f"{SCIM}/ServicePrincipals", shown).json
    path = f"/api/2.0/permissions/serving-endpoints/{client.create()['id']}"
    client.post("/api/2.0/secrets/scopes/create", {"scope": "s"})
    client.post("/__emulator__/models", {"full_name": "ml.a.b"})

    def granted(name: str) -> list[int]:
        entry = {"service_principal_name": name, "permission_level": "CAN_QUERY"}
        change = {"principal": name, "add": ["EXECUTE"]}
        acl = {"scope": "s", "principal": name, "permission": "READ"}
        model = "/api/2.1/unity-catalog/permissions/function/ml.a.b"
        replies = (
            client.call("PATCH", path, {"access_control_list": [entry]}),
            client.call("POST", "/api/2.0/secrets/acls/put", acl),
            client.call("PATCH", model, {"changes": [change]}),
        )
        return [reply.status for reply in replies]

    assert granted("backend-sp") == [404, 404, 404]
    assert granted(machine["applicationId"]) == [200, 200, 200]
    # A group may have the name that a service principal is displayed by.
    client.call("POST", f"{SCIM}/Groups", shown)
    assert granted("backend-sp")[1:] == [200, 200]
