"""Endpoints that are stopped, started, asleep, or have an address of their own."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running

BASE = "/api/2.0/serving-endpoints"
STOP, START = f"{BASE}/chat/config:stop", f"{BASE}/chat/config:start"
MODEL = {"entity_name": "ml.risk.fraud", "entity_version": "3", "scale_to_zero_enabled": True}
CUSTOM = {"served_entities": [MODEL]}
ROWS = {"dataframe_records": [{"amount": 1}]}
INVOCATIONS = "/serving-endpoints/chat/invocations"
STOPPED = {"ready": "NOT_READY", "config_update": "NOT_UPDATING", "suspend": "STOPPED"}
HALF_AN_HOUR_S = 1800


def message(client: Any) -> str:
    (entity,) = client.endpoint()["config"]["served_entities"]
    assert entity["state"]["deployment"] == "DEPLOYMENT_READY"
    return str(entity["state"]["deployment_state_message"])


@pytest.fixture
def fraud(client: Any) -> Any:
    client.create(config=CUSTOM)
    client.endpoint()
    return client


def test_a_stopped_endpoint_keeps_its_config_and_answers_nothing(fraud: Any) -> None:
    assert fraud.post(STOP)["state"] == STOPPED
    endpoint = fraud.endpoint()
    assert endpoint["state"] == STOPPED
    assert endpoint["config"]["config_version"] == 1
    reply = fraud.call("POST", INVOCATIONS, ROWS)
    assert (reply.status, reply.code) == (400, "BAD_REQUEST")
    (listed,) = [each for each in fraud.get(BASE)["endpoints"] if each["name"] == "chat"]
    assert listed["state"] == STOPPED


def test_a_start_is_a_new_version_of_the_same(client_of: Any) -> None:
    with running(Settings(transition="polls=1")) as server:
        client = client_of(server)
        client.create(config=CUSTOM)
        before = [client.endpoint() for _ in range(2)][1]["config"]
        client.post(STOP)
        starting = client.post(START)
        assert starting["state"] == {
            "ready": "NOT_READY",
            "config_update": "IN_PROGRESS",
            "suspend": "NOT_SUSPENDED",
        }
        assert starting["pending_config"]["config_version"] == 2
        assert client.call("POST", INVOCATIONS, ROWS).status == 503
        assert client.call("POST", STOP).code == "RESOURCE_CONFLICT"
        after = [client.endpoint() for _ in range(2)][1]
        assert after["state"]["ready"] == "READY"
        assert after["config"]["config_version"] == 2
        names = [config["served_entities"][0]["name"] for config in (before, after["config"])]
        assert names == ["fraud-3", "fraud-3"]
        assert after["config"]["traffic_config"] == before["traffic_config"]
        assert client.post(INVOCATIONS, ROWS)["predictions"]


def test_a_start_keeps_the_inference_table(client: Any) -> None:
    table = {"catalog_name": "c", "schema_name": "s"}
    client.create(config=CUSTOM | {"auto_capture_config": table})
    before = client.endpoint()["config"]["auto_capture_config"]
    client.post(STOP)
    client.post(START)
    assert client.endpoint()["config"]["auto_capture_config"] == before


def test_a_failed_start_leaves_it_not_ready_until_it_is_repaired(fraud: Any) -> None:
    fraud.post(STOP)
    fraud.faults({"deployment": {"endpoint": "chat", "state": "DEPLOYMENT_FAILED"}})
    fraud.post(START)
    assert fraud.endpoint()["state"]["config_update"] == "UPDATE_FAILED"
    assert fraud.endpoint()["state"]["ready"] == "NOT_READY"
    fraud.put(f"{BASE}/chat/config", CUSTOM)
    assert fraud.endpoint()["state"]["ready"] == "READY"


def test_doing_it_twice_changes_nothing(fraud: Any) -> None:
    assert fraud.post(START)["config"]["config_version"] == 1
    fraud.post(STOP)
    assert fraud.post(STOP)["state"] == STOPPED
    fraud.post(START)
    fraud.endpoint()
    assert "pending_config" not in fraud.post(START)


def test_a_stopped_endpoint_is_not_updated(fraud: Any) -> None:
    fraud.post(STOP)
    reply = fraud.call("PUT", f"{BASE}/chat/config", CUSTOM)
    assert (reply.status, reply.code) == (400, "BAD_REQUEST")
    for method, path in (("PUT", "ai-gateway"), ("PATCH", "telemetry-config")):
        reply = fraud.call(method, f"{BASE}/chat/{path}", {})
        assert (reply.status, reply.code) == (400, "BAD_REQUEST")
    assert fraud.call("PATCH", f"{BASE}/chat/tags", {"add_tags": [{"key": "a"}]}).status == 200
    assert fraud.call("DELETE", f"{BASE}/chat").status == 200


def test_only_custom_models_stop(client: Any, config: Any) -> None:
    client.create(config=config())
    client.endpoint()
    units = {"entity_name": "system.ai.m", "entity_version": "1", "provisioned_model_units": 50}
    client.post(f"{BASE}/pt", {"name": "units", "config": {"served_entities": [units]}})
    client.endpoint("units")
    client.create("empty")
    for name, code in (
        ("chat", "INVALID_PARAMETER_VALUE"),
        ("units", "INVALID_PARAMETER_VALUE"),
        ("empty", "BAD_REQUEST"),
        ("databricks-dbrx-instruct", "PERMISSION_DENIED"),
        ("none", "RESOURCE_DOES_NOT_EXIST"),
    ):
        for action in ("stop", "start"):
            assert client.call("POST", f"{BASE}/{name}/config:{action}").code == code


def test_after_half_an_hour_without_a_query_it_scales_to_zero(fraud: Any) -> None:
    fraud.pass_time(HALF_AN_HOUR_S - 60)
    assert message(fraud) == ""
    fraud.post(INVOCATIONS, ROWS)
    fraud.pass_time(120)
    assert message(fraud) == ""
    fraud.pass_time(HALF_AN_HOUR_S)
    assert message(fraud) == "Scaled to zero"
    assert fraud.endpoint()["state"]["ready"] == "READY"
    fraud.post(INVOCATIONS, ROWS)
    assert message(fraud) == ""


def test_who_does_not_scale_to_zero_stays_awake(client: Any, config: Any) -> None:
    client.create(config={"served_entities": [MODEL | {"scale_to_zero_enabled": False}]})
    client.endpoint()
    client.create("external", config=config())
    client.endpoint("external")
    client.pass_time(10 * HALF_AN_HOUR_S)
    assert message(client) == ""
    assert "Scaled" not in str(client.endpoint("external"))


def login(client: Any) -> Any:
    form = {"grant_type": "client_credentials", "client_secret": client.server.token}
    answer = client.call("POST", "/oidc/v1/token", urlencode(form).encode()).json
    return client.asking_with(answer["access_token"])


def test_a_route_optimised_endpoint_has_an_address_of_its_own(client: Any) -> None:
    client.create(config=CUSTOM, route_optimized=True)
    endpoint = client.endpoint()
    assert endpoint["route_optimized"] is True
    query = endpoint["data_plane_info"]["query_info"]
    assert query["endpoint_url"] == endpoint["endpoint_url"]
    assert endpoint["id"] in query["authorization_details"]
    path = urlsplit(endpoint["endpoint_url"]).path
    assert client.call("POST", INVOCATIONS, ROWS).code == "BAD_REQUEST"
    assert client.call("POST", path, ROWS).code == "UNAUTHENTICATED"
    assert login(client).post(path, ROWS)["predictions"]


def test_others_have_only_the_workspaces_address(fraud: Any) -> None:
    endpoint = fraud.endpoint()
    assert not {"endpoint_url", "data_plane_info"} & set(endpoint)
    path = "/900800700600/serving-endpoints/chat/invocations"
    assert login(fraud).call("POST", path, ROWS).code == "RESOURCE_DOES_NOT_EXIST"


def test_route_optimisation_is_for_create_alone(fraud: Any) -> None:
    fraud.put(f"{BASE}/chat/config", CUSTOM | {"route_optimized": True})
    assert fraud.endpoint()["route_optimized"] is False
