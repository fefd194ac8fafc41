"""The unmodified SDK and curl make and change things: endpoints, secrets, permissions."""

from __future__ import annotations

import json
import subprocess

import pytest

ENDPOINTS = "/api/2.0/serving-endpoints"


@pytest.fixture(scope="module")
def workspace(server):
    from databricks.sdk import WorkspaceClient

    return WorkspaceClient()


@pytest.fixture
def curl(server):
    """What the service answers to curl, which logs in as the tutorials do."""

    def ask(path, *more):
        command = ["curl", "-sS", "-u", f"token:{server.token}", *more, server.url + path]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    return ask


def entity(name="gpt", model="gpt-4o"):
    from databricks.sdk.service.serving import (
        ExternalModel,
        ExternalModelProvider,
        OpenAiConfig,
        ServedEntityInput,
    )

    key = OpenAiConfig(openai_api_key="{{secrets/sdk-scope/openai_api_key}}")
    external = ExternalModel(ExternalModelProvider.OPENAI, model, "llm/v1/chat", openai_config=key)
    return ServedEntityInput(name=name, external_model=external)


@pytest.fixture(scope="module")
def scope(workspace):
    workspace.secrets.create_scope("sdk-scope")
    workspace.secrets.put_secret("sdk-scope", "openai_api_key", string_value="sk-x")
    return "sdk-scope"


def test_the_sdk_keeps_secrets(workspace, scope):
    assert scope in [each.name for each in workspace.secrets.list_scopes()]
    assert [each.key for each in workspace.secrets.list_secrets(scope)] == ["openai_api_key"]
    assert workspace.dbutils.secrets.get(scope, "openai_api_key") == "sk-x"
    workspace.secrets.put_secret(scope, "passing", bytes_value="eA==")
    workspace.secrets.delete_secret(scope, "passing")
    assert [each.key for each in workspace.secrets.list_secrets(scope)] == ["openai_api_key"]


def test_the_requests_that_the_databricks_cli_sends_for_secrets(workspace):
    """`secrets create-scope NAME` and `secrets put-secret NAME KEY`, which reads its input."""
    workspace.api_client.do(
        "POST", "/api/2.0/secrets/scopes/create", body={"scope": "my_openai_secret_scope"}
    )
    put = {
        "scope": "my_openai_secret_scope",
        "key": "openai_api_key",
        "bytes_value": "c2stdGVzdA==",
    }
    workspace.api_client.do("POST", "/api/2.0/secrets/put", body=put)
    assert workspace.dbutils.secrets.get("my_openai_secret_scope", "openai_api_key") == "sk-test"


def test_the_sdk_creates_updates_and_deletes(workspace, scope):
    from databricks.sdk.errors import ResourceDoesNotExist
    from databricks.sdk.service.serving import EndpointCoreConfigInput, EndpointTag

    api = workspace.serving_endpoints
    made = api.create_and_wait(
        "by-the-sdk",
        config=EndpointCoreConfigInput(name="by-the-sdk", served_entities=[entity()]),
        tags=[EndpointTag("team", "ml")],
    )
    assert made.config.served_entities[0].external_model.name == "gpt-4o"
    changed = api.update_config_and_wait("by-the-sdk", served_entities=[entity(model="gpt-4")])
    assert changed.config.config_version == 2
    assert api.patch("by-the-sdk", delete_tags=["team"]).tags in (None, [])
    assert "by-the-sdk" in [each.name for each in api.list()]
    assert "DEPLOYMENT_READY" in api.build_logs("by-the-sdk", "gpt").logs
    api.delete("by-the-sdk")
    with pytest.raises(ResourceDoesNotExist):
        api.get("by-the-sdk")


def test_the_sdk_grants_and_limits(workspace, scope):
    from databricks.sdk.service import serving

    api = workspace.serving_endpoints
    config = serving.EndpointCoreConfigInput(name="granted", served_entities=[entity()])
    made = api.create_and_wait("granted", config=config)
    level = serving.ServingEndpointPermissionLevel.CAN_QUERY
    grant = serving.ServingEndpointAccessControlRequest(
        group_name="analysts", permission_level=level
    )
    answer = api.update_permissions(made.id, access_control_list=[grant])
    assert "analysts" in [each.group_name for each in answer.access_control_list]
    levels = api.get_permission_levels(made.id).permission_levels
    assert {each.permission_level for each in levels} == set(serving.ServingEndpointPermissionLevel)
    limit = serving.AiGatewayRateLimit(serving.AiGatewayRateLimitRenewalPeriod.MINUTE, calls=20)
    gateway = api.put_ai_gateway("granted", rate_limits=[limit])
    assert gateway.rate_limits[0].calls == 20
    api.delete("granted")


def test_the_sdk_logs_in_with_a_client_and_its_secret(server, monkeypatch):
    from databricks.sdk import WorkspaceClient

    monkeypatch.delenv("DATABRICKS_TOKEN")
    client = WorkspaceClient(host=server.url, client_id="robot", client_secret=server.token)
    assert client.current_user.me().user_name == "local-user@example.com"


def test_curl_creates_updates_asks_and_deletes(curl, scope):
    body = {"name": "by-curl", "config": {"served_entities": [entity().as_dict()]}}
    # No Content-Type of its own: curl says that this is a form.
    assert curl(ENDPOINTS, "-d", json.dumps(body))["name"] == "by-curl"
    asked = {"messages": [{"role": "user", "content": "What is Pi?"}]}
    answer = curl("/serving-endpoints/by-curl/invocations", "-d", json.dumps(asked))
    assert "What is Pi?" in answer["choices"][0]["message"]["content"]
    changed = json.dumps({"served_entities": [entity(model="gpt-4").as_dict()]})
    config = f"{ENDPOINTS}/by-curl/config"
    assert curl(config, "-X", "PUT", "-d", changed)["pending_config"]["config_version"] == 2
    # A body on DELETE, as some clients send it.
    assert curl(f"{ENDPOINTS}/by-curl", "-X", "DELETE", "-d", "{}") == {}
    assert curl(f"{ENDPOINTS}/by-curl")["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_curl_keeps_secrets(curl):
    assert curl("/api/2.0/secrets/scopes/create", "-d", '{"scope": "curl-scope"}') == {}
    put = '{"scope": "curl-scope", "key": "k", "string_value": "v"}'
    assert curl("/api/2.0/secrets/put", "-d", put) == {}
    (found,) = curl("/api/2.0/secrets/list?scope=curl-scope")["secrets"]
    assert found["key"] == "k"
