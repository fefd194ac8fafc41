"""The unmodified Databricks SDK as the judge of what clients need."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config
from databricks.sdk.errors import (
    InvalidParameterValue,
    NotFound,
    OperationFailed,
    ResourceAlreadyExists,
    ResourceConflict,
    ResourceDoesNotExist,
    Unauthenticated,
)
from databricks.sdk.service import iam, serving, workspace

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running

WAIT = timedelta(seconds=20)


def client_for(server: Any, **credentials: str) -> WorkspaceClient:
    credentials = credentials or {"token": server.token}
    return WorkspaceClient(config=Config(host=server.url, retry_timeout_seconds=5, **credentials))


@pytest.fixture
def sdk(client: Any) -> WorkspaceClient:
    return client_for(client.server)


def entity(name: str = "a", model: str = "gpt-4o") -> serving.ServedEntityInput:
    return serving.ServedEntityInput(
        name=name,
        external_model=serving.ExternalModel(
            name=model,
            provider=serving.ExternalModelProvider.OPENAI,
            task="llm/v1/chat",
            openai_config=serving.OpenAiConfig(openai_api_key_plaintext="sk-very-secret"),
        ),
    )


def create(sdk: WorkspaceClient, name: str = "chat") -> serving.ServingEndpointDetailed:
    return sdk.serving_endpoints.create_and_wait(
        name,
        config=serving.EndpointCoreConfigInput(name=name, served_entities=[entity()]),
        tags=[serving.EndpointTag("team", "risk")],
        timeout=WAIT,
    )


def test_the_life_of_an_endpoint(sdk: WorkspaceClient) -> None:
    created = create(sdk)
    assert created.state is not None
    assert created.state.ready is serving.EndpointStateReady.READY
    updated = sdk.serving_endpoints.update_config_and_wait(
        "chat",
        served_entities=[entity(model="gpt-4.1")],
        traffic_config=serving.TrafficConfig(
            routes=[serving.Route(served_entity_name="a", traffic_percentage=100)]
        ),
        timeout=WAIT,
    )
    assert updated.config is not None
    assert updated.config.config_version == 2
    gateway = sdk.serving_endpoints.put_ai_gateway(
        "chat",
        rate_limits=[
            serving.AiGatewayRateLimit(
                renewal_period=serving.AiGatewayRateLimitRenewalPeriod.MINUTE,
                key=serving.AiGatewayRateLimitKey.USER,
                calls=20,
            )
        ],
        usage_tracking_config=serving.AiGatewayUsageTrackingConfig(enabled=True),
    )
    assert gateway.rate_limits is not None
    assert gateway.rate_limits[0].calls == 20
    tags = sdk.serving_endpoints.patch("chat", delete_tags=["team"])
    assert not tags.tags
    notifications = serving.EmailNotifications(on_update_failure=["a@example.com"])
    answer = sdk.serving_endpoints.update_notifications("chat", email_notifications=notifications)
    assert answer.email_notifications == notifications
    endpoint = sdk.serving_endpoints.get("chat")
    assert endpoint.ai_gateway == serving.AiGatewayConfig(
        rate_limits=gateway.rate_limits, usage_tracking_config=gateway.usage_tracking_config
    )
    assert endpoint.email_notifications == notifications
    assert sdk.serving_endpoints.build_logs("chat", "a").logs
    assert sdk.serving_endpoints.logs("chat", "a").logs
    assert "chat" in [each.name for each in sdk.serving_endpoints.list()]
    sdk.serving_endpoints.delete("chat")
    with pytest.raises(ResourceDoesNotExist):
        sdk.serving_endpoints.get("chat")


def test_older_rate_limits(sdk: WorkspaceClient) -> None:
    create(sdk)
    limit = serving.RateLimit(calls=7, renewal_period=serving.RateLimitRenewalPeriod.MINUTE)
    answer = sdk.serving_endpoints.put("chat", rate_limits=[limit])
    assert answer.rate_limits is not None
    assert answer.rate_limits[0].key is serving.RateLimitKey.ENDPOINT


def test_errors_become_the_right_classes(sdk: WorkspaceClient) -> None:
    create(sdk)
    with pytest.raises(ResourceAlreadyExists, match="already exists"):
        sdk.serving_endpoints.create("chat")
    with pytest.raises(InvalidParameterValue):
        sdk.serving_endpoints.create("-")
    with pytest.raises(NotFound):
        sdk.serving_endpoints.delete("none")


def test_a_failed_update_fails_the_wait(client: Any, sdk: WorkspaceClient) -> None:
    client.faults({"deployment": {"endpoint": "chat", "state": "DEPLOYMENT_FAILED"}})
    with pytest.raises(OperationFailed):
        create(sdk)


def test_waiting_ends_when_the_update_does() -> None:
    with running(Settings(transition="polls=1")) as server:
        sdk = client_for(server)
        waiter = sdk.serving_endpoints.create(
            "chat", config=serving.EndpointCoreConfigInput("chat", served_entities=[entity()])
        )
        with pytest.raises(ResourceConflict, match="currently updating"):
            sdk.serving_endpoints.update_config("chat", served_entities=[entity()])
        assert waiter.result(timeout=WAIT).config is not None


def test_permissions(sdk: WorkspaceClient) -> None:
    endpoint_id = str(create(sdk).id)
    sdk.serving_endpoints.update_permissions(
        endpoint_id,
        access_control_list=[
            serving.ServingEndpointAccessControlRequest(
                group_name="analysts",
                permission_level=serving.ServingEndpointPermissionLevel.CAN_QUERY,
            )
        ],
    )
    found = sdk.serving_endpoints.get_permissions(endpoint_id).access_control_list or []
    groups = {each.group_name for each in found if each.group_name}
    assert groups == {"admins", "analysts"}
    sdk.serving_endpoints.set_permissions(endpoint_id, access_control_list=[])
    generic = sdk.permissions.get("serving-endpoints", endpoint_id)
    assert [each.group_name for each in generic.access_control_list or []] == ["admins"]
    levels = sdk.serving_endpoints.get_permission_levels(endpoint_id).permission_levels
    assert len(levels or []) == 3
    sdk.permissions.update(
        "serving-endpoints",
        endpoint_id,
        access_control_list=[
            iam.AccessControlRequest(
                user_name="a@example.com", permission_level=iam.PermissionLevel.CAN_VIEW
            )
        ],
    )


def test_secrets(sdk: WorkspaceClient) -> None:
    sdk.secrets.create_scope("team")
    with pytest.raises(ResourceAlreadyExists):
        sdk.secrets.create_scope("team")
    sdk.secrets.put_secret("team", "text", string_value="v")
    encoded = base64.b64encode(b"\x00").decode()
    sdk.secrets.put_secret("team", "bytes", bytes_value=encoded)
    assert sdk.secrets.get_secret("team", "bytes").value == encoded
    assert {each.key for each in sdk.secrets.list_secrets("team")} == {"text", "bytes"}
    sdk.secrets.put_acl("team", "analysts", workspace.AclPermission.READ)
    assert sdk.secrets.get_acl("team", "analysts").permission is workspace.AclPermission.READ
    assert len(list(sdk.secrets.list_acls("team"))) == 2
    sdk.secrets.delete_acl("team", "analysts")
    sdk.secrets.delete_secret("team", "text")
    with pytest.raises(ResourceDoesNotExist):
        sdk.secrets.get_secret("team", "text")
    sdk.secrets.delete_scope("team")
    assert list(sdk.secrets.list_scopes()) == []


def test_identity_and_the_ways_to_log_in(client: Any, sdk: WorkspaceClient) -> None:
    assert sdk.current_user.me().user_name == "local-user@example.com"
    assert sdk.get_workspace_id() == 900800700600
    machine = client_for(client.server, client_id="any", client_secret=client.server.token)
    assert machine.current_user.me().active
    stranger = client_for(client.server, token="wrong")
    with pytest.raises(Unauthenticated):
        stranger.current_user.me()


def test_every_field_that_the_sdk_knows_is_read_back(client: Any, sdk: WorkspaceClient) -> None:
    """The answers fit the SDK's dataclasses: it drops nothing that it should know."""
    create(sdk)
    raw = client.endpoint()
    parsed = sdk.serving_endpoints.get("chat").as_dict()
    not_in_the_schema = {"creator_display_name", "creator_kind", "endpoint_type"}
    assert set(raw) - set(parsed) <= not_in_the_schema
    assert raw["config"]["config_version"] == parsed["config"]["config_version"]
    assert parsed["config"]["traffic_config"] == raw["config"]["traffic_config"]
