"""What the local workspace refuses of services and catalog secrets, and how it lists them."""

from __future__ import annotations

from typing import Any

import pytest

UC = "/api/2.1/unity-catalog"
SECRETS = f"{UC}/secrets"
SECRET = {"catalog_name": "ml", "schema_name": "gw", "name": "key", "value": "sk-1"}
PROVIDERS = f"{UC}/model-provider-services"
NEW_PROVIDER = f"{PROVIDERS}?parent=schemas/ml.gw&model_provider_service_id="
SERVICES = f"{UC}/model-services"
NEW_SERVICE = f"{SERVICES}?parent=schemas/ml.gw&model_service_id="
OPENAI: dict[str, Any] = {
    "provider_type": "EXTERNAL_MODEL_PROVIDER_TYPE_OPENAI",
    "openai": {"direct": {"api_key": {"plaintext": "sk-1"}, "organization": "acme"}},
    "targets": [{"model": "gpt-5"}],
}
ROUTED: dict[str, Any] = {
    "name": "gpt",
    "destination_type": "DESTINATION_TYPE_PAY_PER_TOKEN_FOUNDATION_MODEL",
    "pay_per_token_config": {"model": "models/system.ai.gpt-oss"},
}


def routing(*destinations: Any) -> Any:
    return {"config": {"routing": {"destinations": [*destinations]}}}


@pytest.fixture
def provider(client: Any) -> Any:
    return client.post(f"{NEW_PROVIDER}openai", {"config": OPENAI})


def test_plaintext_never_comes_back(client: Any, provider: Any) -> None:
    assert provider["config"]["openai"]["direct"] == {"api_key": {}, "organization": "acme"}
    assert "sk-1" not in str(client.get(f"{PROVIDERS}/ml.gw.openai"))


def test_credentials_that_an_update_leaves_out_are_kept(client: Any, provider: Any) -> None:
    path = f"{PROVIDERS}/ml.gw.openai?update_mask=config.provider"
    changed = client.patch(path, {"config": {"openai": {"direct": {"organization": "b"}}}})
    assert changed["config"]["openai"]["direct"] == {"api_key": {}, "organization": "b"}


def test_field_names_may_be_in_camel_case(client: Any) -> None:
    config = {
        "providerType": OPENAI["provider_type"],
        "openai": {"direct": {"apiKey": {"plaintext": "sk-1"}}},
        "allowAllTargets": True,
    }
    made = client.post(f"{NEW_PROVIDER}camel", {"config": config})
    assert made["config"]["allow_all_targets"] is True


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param({"targets": []}, "targets must be given", id="no target"),
        pytest.param(
            {"provider_type": "EXTERNAL_MODEL_PROVIDER_TYPE_CUSTOM"}, "must match", id="other type"
        ),
        pytest.param({"openai": {"direct": {}}}, "exactly one", id="no login"),
        pytest.param(
            {"openai": {"direct": {"api_key": {"secret_reference": {"name": "secrets/a.b.c"}}}}},
            "Secret 'a.b.c' does not exist",
            id="a secret that is not there",
        ),
        pytest.param(
            {
                "rate_limits": [
                    {
                        "key": "RATE_LIMIT_KEY_USER",
                        "renewal_period": "RATE_LIMIT_RENEWAL_PERIOD_MINUTE",
                    }
                ]
            },
            "principal does not fit",
            id="a limit for a user without its name",
        ),
    ],
)
def test_a_provider_that_the_service_would_not_take(
    client: Any, changed: Any, message: str
) -> None:
    reply = client.call("POST", f"{NEW_PROVIDER}bad", {"config": OPENAI | changed})
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert message in reply.json["message"]


@pytest.mark.parametrize(
    ("destinations", "message"),
    [
        pytest.param([], "1 to 10", id="none"),
        pytest.param(
            [ROUTED, ROUTED | {"name": "b", "traffic_percentage": 50}], "100", id="no share"
        ),
        pytest.param(
            [ROUTED | {"pay_per_token_config": {"model": "models/a.b.c"}}],
            "system.ai",
            id="a model that is not Databricks' own",
        ),
        pytest.param(
            [ROUTED | {"destination_type": "DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL"}],
            "exactly external_model_config",
            id="the config of another type",
        ),
    ],
)
def test_destinations_that_the_service_would_not_take(
    client: Any, destinations: Any, message: str
) -> None:
    reply = client.call("POST", f"{NEW_SERVICE}bad", routing(*destinations))
    assert reply.status == 400
    assert message in reply.json["message"]


def test_services_share_their_names(client: Any, provider: Any) -> None:
    reply = client.call("POST", f"{NEW_SERVICE}openai", routing(ROUTED))
    assert (reply.status, reply.code) == (409, "ALREADY_EXISTS")


def test_a_list_comes_in_small_pages_and_without_configs(client: Any) -> None:
    for number in range(51):
        client.post(f"{NEW_SERVICE}s{number:02}", routing(ROUTED))
    path = f"{SERVICES}?parent=schemas/ml.gw&page_size=1000"
    first = client.get(path)
    assert len(first["model_services"]) == 50
    assert "config" not in first["model_services"][0]
    last = client.get(f"{path}&view=FULL&page_token={first['next_page_token']}")
    assert [each["name"] for each in last["model_services"]] == ["model-services/ml.gw.s50"]
    assert last["model_services"][0]["config"]["routing"]["destinations"] == [ROUTED]


@pytest.mark.parametrize("mask", ["config.routing", "config", "name", ""])
def test_a_mask_names_single_fields(client: Any, mask: str) -> None:
    client.post(f"{NEW_SERVICE}chat", routing(ROUTED))
    reply = client.call("PATCH", f"{SERVICES}/ml.gw.chat?update_mask={mask}", routing(ROUTED))
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")


def test_the_mask_of_everything_changes_what_is_sent(client: Any) -> None:
    client.post(f"{NEW_SERVICE}chat", routing(ROUTED) | {"comment": "a"})
    path = f"{SERVICES}/ml.gw.chat?update_mask=*"
    changed = client.patch(path, routing(ROUTED | {"name": "b"}))
    assert changed["comment"] == "a"
    assert changed["config"]["routing"]["destinations"][0]["name"] == "b"


def test_a_wrong_etag_is_refused(client: Any) -> None:
    made = client.post(f"{NEW_SERVICE}chat", routing(ROUTED))
    path = f"{SERVICES}/ml.gw.chat"
    assert client.call("DELETE", f"{path}?etag=x").code == "ABORTED"
    assert client.call("DELETE", f"{path}?etag={made['etag']}").status == 200
    assert client.call("GET", path).code == "RESOURCE_DOES_NOT_EXIST"


def test_an_expiry_that_an_update_leaves_out_stays(client: Any) -> None:
    moment = "2027-01-01T00:00:00Z"
    client.post(SECRETS, SECRET | {"expire_time": moment, "comment": "a"})
    path = f"{SECRETS}/ml.gw.key?update_mask="
    assert client.patch(f"{path}expire_time", {})["expire_time"] == moment
    assert "comment" not in client.patch(f"{path}comment", {"comment": ""})
    assert client.call("PATCH", f"{path}comment", {}).status == 400


def test_the_value_of_a_secret_needs_its_own_privilege(client: Any) -> None:
    client.post(SECRETS, SECRET)
    _, other = client.principal("reader@example.com")
    for kind, name, privilege in (
        ("catalog", "ml", "USE_CATALOG"),
        ("schema", "ml.gw", "USE_SCHEMA"),
        ("secret", "ml.gw.key", "MANAGE"),
    ):
        changes = [{"principal": "reader@example.com", "add": [privilege]}]
        client.patch(f"{UC}/permissions/{kind}/{name}", {"changes": changes})
    path = f"{SECRETS}/ml.gw.key"
    assert "effective_value" not in other.get(path)
    assert other.call("GET", f"{path}?include_value=true").code == "PERMISSION_DENIED"
    assert client.get(f"{path}?include_value=true")["effective_value"] == "sk-1"


def test_creating_needs_privileges_on_the_schema(client: Any) -> None:
    _, other = client.principal("maker@example.com")
    assert other.call("POST", SECRETS, SECRET).code == "PERMISSION_DENIED"
    for kind, name, privilege in (
        ("catalog", "ml", "USE_CATALOG"),
        ("schema", "ml.gw", "USE_SCHEMA"),
        ("schema", "ml.gw", "CREATE_SECRET"),
    ):
        changes = [{"principal": "maker@example.com", "add": [privilege]}]
        client.patch(f"{UC}/permissions/{kind}/{name}", {"changes": changes})
    assert other.post(SECRETS, SECRET)["owner"] == "maker@example.com"


def test_a_schema_must_exist_where_its_catalog_has_any(client: Any) -> None:
    client.post(f"{UC}/catalogs", {"name": "ml"})
    reply = client.call("POST", SECRETS, SECRET)
    assert (reply.status, reply.code) == (404, "SCHEMA_DOES_NOT_EXIST")


def test_grants_are_reset_by_removing_all_and_adding(client: Any) -> None:
    client.post(SECRETS, SECRET)
    path = f"{UC}/permissions/secret/ml.gw.key"
    who = "reader@example.com"
    client.patch(path, {"changes": [{"principal": who, "add": ["READ_SECRET", "MANAGE"]}]})
    change = {"principal": who, "remove": ["ALL_PRIVILEGES"], "add": ["WRITE_SECRET"]}
    left = client.patch(path, {"changes": [change]})["privilege_assignments"]
    assert left == [{"principal": who, "privileges": ["WRITE_SECRET"]}]
    both = {"principal": who, "remove": ["MANAGE"], "add": ["MANAGE"]}
    assert client.call("PATCH", path, {"changes": [both]}).code == "INVALID_PARAMETER_VALUE"


def test_the_console_gets_the_names_of_services_in_all_schemas(client: Any, provider: Any) -> None:
    client.post(f"{NEW_SERVICE}chat", routing(ROUTED))
    assert client.get("/__emulator__/services") == {
        "model-services": ["ml.gw.chat"],
        "model-provider-services": ["ml.gw.openai"],
        "mcp-services": [],
    }


NEW_TOOLS = f"{UC}/mcp-services?parent=schemas/ml.gw&mcp_service_id="
TOOLS = f"{UC}/mcp-services/ml.gw.tools"
TRACKER = {
    "name": "tracker",
    "connection_type": "HTTP",
    "parent": "schemas/ml.gw",
    "options": {"host": "https://mcp.example", "bearer_token": "sk-1"},
}


def mcp(connection: str = "ml.gw.tracker", **config: Any) -> Any:
    return {"config": {"source_connection": {"name": f"connections/{connection}"}, **config}}


def test_an_mcp_service_shows_that_its_connection_was_deleted(client: Any) -> None:
    shown = client.post(f"{UC}/connections", TRACKER)
    assert (shown["full_name"], "sk-1" in str(shown)) == ("ml.gw.tracker", False)
    made = client.post(f"{NEW_TOOLS}tools", mcp())
    assert "is_deleted" not in str(made)
    assert client.call("DELETE", f"{UC}/connections/ml.gw.tracker").status == 200
    assert client.get(TOOLS)["config"]["source_connection"]["is_deleted"] is True
    client.post(f"{UC}/connections", TRACKER)
    assert client.get(TOOLS)["config"]["source_connection"]["is_deleted"] is True
    path = f"{TOOLS}?update_mask=config.source_connection.name"
    assert "is_deleted" not in str(client.patch(path, mcp()))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param({"config": {"rate_limits": []}}, "source_connection", id="no connection"),
        pytest.param(mcp("tracker"), "connections/CATALOG.SCHEMA.NAME", id="no full name"),
        pytest.param(mcp(include_tool_selectors=["x" * 257]), "256 characters", id="long tool"),
    ],
)
def test_an_mcp_service_that_the_service_would_not_take(
    client: Any, body: Any, message: str
) -> None:
    reply = client.call("POST", f"{NEW_TOOLS}bad", body)
    assert reply.status == 400
    assert message in reply.json["message"]


def test_an_mcp_service_needs_the_use_of_its_connection(client: Any) -> None:
    who = "maker@example.com"
    _, other = client.principal(who)

    def grant(kind: str, name: str, *privileges: str) -> None:
        changes = [{"principal": who, "add": [*privileges]}]
        client.patch(f"{UC}/permissions/{kind}/{name}", {"changes": changes})

    grant("catalog", "ml", "USE_CATALOG")
    grant("schema", "ml.gw", "USE_SCHEMA", "CREATE_SERVICE")
    reply = other.call("POST", f"{NEW_TOOLS}tools", mcp())
    assert (reply.status, "USE CONNECTION" in reply.json["message"]) == (403, True)
    grant("connection", "ml.gw.tracker", "USE_CONNECTION")
    assert other.post(f"{NEW_TOOLS}tools", mcp())["effective_owner"] == who


def test_a_page_of_grants_is_never_too_short_for_one_principal(client: Any) -> None:
    path = f"{UC}/privilege-assignments/schema/ml.gw?page_size="
    assert client.call("GET", f"{path}149").status == 400
    assert client.get(f"{path}150") == {"privilege_assignments": []}
