"""Who may do what: levels on endpoints, and permissions on secret scopes."""

from __future__ import annotations

from typing import Any

import pytest

BASE = "/api/2.0/serving-endpoints"
PERMISSIONS = "/api/2.0/permissions/serving-endpoints"
SECRETS = "/api/2.0/secrets"
ASKED = {"messages": [{"role": "user", "content": "hello"}]}
LEVELS = ["CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"]
LLAMA = "databricks-meta-llama-3-1-70b-instruct"


@pytest.fixture
def ada(client: Any, config: Any) -> Any:
    """Somebody without any right on the endpoint that the local user made."""
    client.create(config=config())
    client.endpoint()
    _, ada = client.principal("ada@example.com", groups=["analysts"])
    return ada


def grant(client: Any, level: str, **to: str) -> None:
    path = f"{PERMISSIONS}/{client.endpoint()['id']}"
    to = to or {"user_name": "ADA@example.com"}
    client.patch(path, {"access_control_list": [{"permission_level": level, **to}]})


CALLS = [
    pytest.param(("GET", f"{BASE}/chat", None), "CAN_VIEW", id="get"),
    pytest.param(("GET", f"{BASE}/chat/served-models/a/build-logs", None), "CAN_VIEW", id="build"),
    pytest.param(("GET", f"{BASE}/chat/served-models/a/logs", None), "CAN_VIEW", id="logs"),
    pytest.param(("GET", f"{BASE}/chat/metrics", None), "CAN_VIEW", id="metrics"),
    pytest.param(("GET", f"{BASE}/chat/openapi", None), "CAN_VIEW", id="openapi"),
    pytest.param(
        ("POST", "/serving-endpoints/chat/invocations", ASKED), "CAN_QUERY", id="invocations"
    ),
    pytest.param(
        ("POST", "/serving-endpoints/chat/completions", ASKED | {"model": "chat"}),
        "CAN_QUERY",
        id="completions",
    ),
    pytest.param(("PATCH", f"{BASE}/chat/tags", {}), "CAN_MANAGE", id="tags"),
    pytest.param(("PATCH", f"{BASE}/chat/notifications", {}), "CAN_MANAGE", id="notifications"),
    pytest.param(("PUT", f"{BASE}/chat/ai-gateway", {}), "CAN_MANAGE", id="gateway"),
    pytest.param(("PUT", f"{BASE}/chat/rate-limits", {}), "CAN_MANAGE", id="older rate limits"),
    pytest.param(("PUT", f"{BASE}/chat/config", "CONFIG"), "CAN_MANAGE", id="config"),
    pytest.param(("GET", f"{PERMISSIONS}/ID", None), "CAN_MANAGE", id="read permissions"),
    pytest.param(("PATCH", f"{PERMISSIONS}/ID", {}), "CAN_MANAGE", id="merge permissions"),
    pytest.param(("PUT", f"{PERMISSIONS}/ID", {}), "CAN_MANAGE", id="set permissions"),
    pytest.param(("GET", f"{PERMISSIONS}/ID/permissionLevels", None), "CAN_VIEW", id="levels"),
    pytest.param(("DELETE", f"{BASE}/chat", None), "CAN_MANAGE", id="delete"),
]


@pytest.mark.parametrize(("call", "needed"), CALLS)
def test_a_call_takes_its_level(
    client: Any, ada: Any, config: Any, call: tuple[str, str, Any], needed: str
) -> None:
    method, path, sent = call
    body = config() if sent == "CONFIG" else sent
    path = path.replace("ID", client.endpoint()["id"])
    for held in ["", *LEVELS[: LEVELS.index(needed)]]:
        if held:
            grant(client, held)
        reply = ada.call(method, path, body)
        assert (reply.status, reply.code) == (403, "PERMISSION_DENIED"), held
    grant(client, needed)
    assert ada.call(method, path, body).status == 200


NEWER_WRITES = [
    ("PATCH", f"{BASE}/chat/telemetry-config"),
    ("POST", f"{BASE}/chat/config:stop"),
    ("POST", f"{BASE}/chat/config:start"),
    ("PUT", f"{BASE}/pt/chat/config"),
]


@pytest.mark.parametrize(("method", "path"), NEWER_WRITES)
def test_newer_writes_take_the_highest_level(client: Any, ada: Any, method: str, path: str) -> None:
    grant(client, "CAN_QUERY")
    assert ada.call(method, path, {"config": {}}).code == "PERMISSION_DENIED"
    grant(client, "CAN_MANAGE")
    # The endpoint serves external models, so these calls are not for it.
    assert ada.call(method, path, {"config": {}}).code == "INVALID_PARAMETER_VALUE"


def test_the_list_hides_what_one_cannot_see(client: Any, ada: Any) -> None:
    def seen() -> bool:
        return "chat" in [each["name"] for each in ada.get(BASE)["endpoints"]]

    assert not seen()
    grant(client, "CAN_VIEW")
    assert seen()


def test_everybody_is_told_the_own_level(client: Any, ada: Any) -> None:
    for level in LEVELS:
        grant(client, level)
        assert ada.endpoint()["permission_level"] == level
    assert client.endpoint()["permission_level"] == "CAN_MANAGE"


def test_the_highest_of_the_own_and_the_groups_levels_counts(client: Any, ada: Any) -> None:
    grant(client, "CAN_QUERY", group_name="Analysts")
    grant(client, "CAN_VIEW")
    assert ada.endpoint()["permission_level"] == "CAN_QUERY"
    grant(client, "CAN_MANAGE", group_name="users")
    assert ada.endpoint()["permission_level"] == "CAN_MANAGE"


def test_a_grant_is_for_one_kind_of_principal(client: Any, ada: Any) -> None:
    grant(client, "CAN_MANAGE", service_principal_name="ada@example.com")
    grant(client, "CAN_MANAGE", group_name="ada@example.com")
    assert ada.call("GET", f"{BASE}/chat").status == 403


def test_administrators_manage_everything_whatever_they_were_granted(client: Any, ada: Any) -> None:
    _, root = client.principal("root@example.com", workspace_admin=True)
    grant(client, "CAN_VIEW", user_name="root@example.com")
    assert root.endpoint()["permission_level"] == "CAN_MANAGE"
    assert root.call("DELETE", f"{BASE}/chat").status == 200


def test_who_takes_the_own_grant_away_has_none(client: Any) -> None:
    _, ada = client.principal("ada@example.com")
    path = f"{PERMISSIONS}/{ada.create()['id']}"
    ada.put(path, {"access_control_list": []})
    assert ada.call("GET", f"{BASE}/chat").code == "PERMISSION_DENIED"
    assert ada.call("GET", path).code == "PERMISSION_DENIED"


def test_a_missing_endpoint_is_missing_for_everybody(ada: Any) -> None:
    assert ada.call("GET", f"{BASE}/none").code == "RESOURCE_DOES_NOT_EXIST"


def test_what_lingers_belongs_to_the_old_id(client: Any, ada: Any) -> None:
    grant(client, "CAN_MANAGE")
    old = f"{PERMISSIONS}/{client.endpoint()['id']}"
    client.call("DELETE", f"{BASE}/chat")
    client.create()
    assert "ada" in str(ada.get(old)).lower()
    assert ada.call("GET", f"{BASE}/chat").status == 403


def test_databricks_own_endpoints_are_for_everybody_to_query(client: Any, ada: Any) -> None:
    endpoint = ada.endpoint(LLAMA)
    assert endpoint["permission_level"] == "CAN_QUERY"
    assert ada.post(f"/serving-endpoints/{LLAMA}/invocations", ASKED)["choices"]
    assert ada.call("PUT", f"{BASE}/{LLAMA}/ai-gateway", {}).code == "PERMISSION_DENIED"
    path = f"{PERMISSIONS}/{endpoint['id']}"
    items = [{"group_name": "analysts", "permission_level": "CAN_MANAGE"}]
    client.put(path, {"access_control_list": items})
    assert ada.put(f"{BASE}/{LLAMA}/ai-gateway", {}) == {}


def test_limits_of_a_user_are_those_of_the_caller(client: Any, ada: Any) -> None:
    grant(client, "CAN_QUERY")
    limit = {"key": "user", "renewal_period": "minute", "calls": 1}
    client.put(f"{BASE}/chat/ai-gateway", {"rate_limits": [limit]})
    path = "/serving-endpoints/chat/invocations"
    statuses = [each.call("POST", path, ASKED).status for each in (client, ada, client, ada)]
    assert statuses == [200, 200, 429, 429]


@pytest.mark.parametrize("counted", ["calls", "tokens"])
def test_limits_of_a_service_principal_are_for_it_alone(
    client: Any, config: Any, counted: str
) -> None:
    _, machine = client.principal("app", kind="service_principal")
    client.create(config=config())
    grant(client, "CAN_QUERY", service_principal_name="app")
    limit = {"key": "service_principal", "principal": "app", "renewal_period": "minute"}
    client.put(f"{BASE}/chat/ai-gateway", {"rate_limits": [{**limit, counted: 1}]})
    path = "/serving-endpoints/chat/invocations"
    callers = (machine, client, machine, client)
    statuses = [each.call("POST", path, ASKED).status for each in callers]
    assert statuses == [200, 200, 429, 200]
    client.pass_time(60)
    assert machine.call("POST", path, ASKED).status == 200


PUT = {"scope": "team", "key": "k", "string_value": "v"}
SCOPE_CALLS = [
    pytest.param(("GET", "/list?scope=team", None), "READ", id="list secrets"),
    pytest.param(("GET", "/get?scope=team&key=k", None), "READ", id="get a secret"),
    pytest.param(("POST", "/put", PUT), "WRITE", id="put a secret"),
    pytest.param(("POST", "/delete", {"scope": "team", "key": "k"}), "WRITE", id="delete a secret"),
    pytest.param(("GET", "/acls/list?scope=team", None), "MANAGE", id="list permissions"),
    pytest.param(
        ("GET", "/acls/get?scope=team&principal=x", None), "MANAGE", id="get a permission"
    ),
    pytest.param(
        ("POST", "/acls/put", {"scope": "team", "principal": "y", "permission": "READ"}),
        "MANAGE",
        id="put a permission",
    ),
    pytest.param(
        ("POST", "/acls/delete", {"scope": "team", "principal": "x"}), "MANAGE", id="delete one"
    ),
    pytest.param(("POST", "/scopes/delete", {"scope": "team"}), "MANAGE", id="delete the scope"),
]


def allow(client: Any, principal: str, permission: str) -> None:
    body = {"scope": "team", "principal": principal, "permission": permission}
    client.post(f"{SECRETS}/acls/put", body)


@pytest.fixture
def reader(client: Any) -> Any:
    client.post(f"{SECRETS}/scopes/create", {"scope": "team"})
    client.post(f"{SECRETS}/put", PUT)
    allow(client, "x", "READ")
    return client.principal("ada@example.com", groups=["analysts"])[1]


@pytest.mark.parametrize("principal", ["ada@example.com", "analysts", "users"])
@pytest.mark.parametrize(("call", "needed"), SCOPE_CALLS)
def test_a_call_takes_its_permission(
    client: Any, reader: Any, call: tuple[str, str, Any], needed: str, principal: str
) -> None:
    method, path, body = call
    order = ["READ", "WRITE", "MANAGE"]
    for held in ["", *order[: order.index(needed)]]:
        if held:
            allow(client, principal, held)
        reply = reader.call(method, f"{SECRETS}{path}", body)
        assert (reply.status, reply.code) == (403, "PERMISSION_DENIED"), held
    allow(client, principal, needed)
    assert reader.call(method, f"{SECRETS}{path}", body).status == 200


def test_everybody_may_make_scopes_and_see_their_names(client: Any, reader: Any) -> None:
    reader.post(f"{SECRETS}/scopes/create", {"scope": "mine"})
    assert reader.get(f"{SECRETS}/acls/list?scope=mine") == {
        "items": [{"principal": "ada@example.com", "permission": "MANAGE"}]
    }
    listed = {each["name"] for each in reader.get(f"{SECRETS}/scopes/list")["scopes"]}
    assert listed == {"mine", "team"}
    assert client.get(f"{SECRETS}/list?scope=mine") == {"secrets": []}


def test_an_endpoint_cannot_use_what_its_creator_cannot_read(
    client: Any, reader: Any, entity: Any
) -> None:
    referring = entity("a", openai_config={"openai_api_key": "{{secrets/team/k}}"})
    reader.create(config={"served_entities": [referring]})
    failed = reader.endpoint()
    assert failed["state"]["config_update"] == "UPDATE_FAILED"
    assert "does not have READ" in str(failed["pending_config"])
    allow(client, "analysts", "READ")
    reader.put(f"{BASE}/chat/config", {"served_entities": [referring]})
    assert reader.endpoint()["state"]["ready"] == "READY"
