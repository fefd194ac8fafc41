"""Provisioned throughput by model units, which has calls of its own."""

from __future__ import annotations

from typing import Any

import pytest

BASE = "/api/2.0/serving-endpoints"
PT = f"{BASE}/pt"
MODEL = {"entity_name": "system.ai.llama_v3_3_70b", "entity_version": "2"}
PLAIN = {**MODEL, "scale_to_zero_enabled": False}


def units(count: Any = 50, **more: Any) -> Any:
    return {**MODEL, "provisioned_model_units": count, **more}


def body(*entities: Any, **more: Any) -> Any:
    return {"name": "chat", "config": {"served_entities": list(entities), **more}}


def entity_of(endpoint: Any) -> Any:
    (found,) = endpoint["config"]["served_entities"]
    return found


def refused(reply: Any, message: str) -> None:
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert message in reply.json["message"]


def test_create_is_as_long_as_any_and_hides_bursts(client: Any) -> None:
    created = client.post(PT, body(units(burst_scaling_enabled=False)))
    assert created["state"]["config_update"] == "IN_PROGRESS"
    shown = entity_of(client.endpoint())
    assert shown["name"] == "llama_v3_3_70b-2"
    assert shown["provisioned_model_units"] == 50
    hidden = {"burst_scaling_enabled", "workload_size", "workload_type", "scale_to_zero_enabled"}
    assert not hidden & set(shown)


def test_units_may_come_as_text(client: Any) -> None:
    client.post(PT, body(units("150")))
    assert entity_of(client.endpoint())["provisioned_model_units"] == 150


def test_the_other_parts_of_create_are_taken_and_foreign_ones_ignored(client: Any) -> None:
    parts = {
        "tags": [{"key": "team", "value": "risk"}],
        "ai_gateway": {"usage_tracking_config": {"enabled": True}},
        "email_notifications": {"on_update_failure": ["a@example.com"]},
        "budget_policy_id": "policy",
    }
    foreign = {"description": "x", "route_optimized": True, "telemetry_config": {}}
    client.post(PT, body(units()) | parts | foreign)
    endpoint = client.endpoint()
    assert endpoint["tags"] == parts["tags"]
    assert endpoint["ai_gateway"] == parts["ai_gateway"]
    assert endpoint["email_notifications"] == parts["email_notifications"]
    assert (endpoint["description"], endpoint["route_optimized"]) == ("", False)
    assert not {"budget_policy_id", "telemetry_config"} & set(endpoint)


def test_update_nests_the_config(client: Any) -> None:
    client.post(PT, body(units()))
    client.endpoint()
    sent = {"served_entities": [units(100, name="a"), units(name="b")]}
    routes = [
        {"served_entity_name": "a", "traffic_percentage": 60},
        {"served_entity_name": "b", "traffic_percentage": 40},
    ]
    sent |= {"traffic_config": {"routes": routes}}
    updating = client.put(f"{PT}/chat/config", {"config": sent})
    assert updating["pending_config"]["config_version"] == 2
    shown = client.endpoint()["config"]
    found = {each["name"]: each["provisioned_model_units"] for each in shown["served_entities"]}
    assert found == {"a": 100, "b": 50}
    refused(client.call("PUT", f"{PT}/chat/config", sent), "config must be given")


REFUSED = [
    pytest.param({"name": "chat"}, "config must be given", id="no config"),
    pytest.param(body(), "at least one", id="no entity"),
    pytest.param(body(MODEL), "provisioned_model_units", id="no units"),
    pytest.param(body(units(0)), "at least one unit", id="no units at all"),
    pytest.param(body(units(-50)), "at least 0", id="less than nothing"),
    pytest.param(body({"provisioned_model_units": 50}), "entity_name", id="no model"),
    pytest.param(body(units(name="a b")), "name", id="a name with a blank"),
    pytest.param(body(units(), units()), "more than once", id="two with one name"),
    pytest.param(body(units(), units(name="b")), "must be given", id="two without traffic"),
]


@pytest.mark.parametrize(("sent", "message"), REFUSED)
def test_a_create_is_refused(client: Any, sent: Any, message: str) -> None:
    refused(client.call("POST", PT, sent), message)
    assert client.call("GET", f"{BASE}/chat").status == 404


def test_the_other_calls_are_those_of_all_endpoints(client: Any) -> None:
    client.post(PT, body(units()))
    assert client.call("PATCH", f"{BASE}/chat/tags", {"add_tags": [{"key": "a"}]}).status == 200
    assert client.call("PUT", f"{PT}/none/config", {"config": {}}).status == 404
    assert client.call("DELETE", f"{BASE}/chat").status == 200


def test_the_steps_of_throughput_can_be_asked(client: Any) -> None:
    path = f"{BASE}/get-model-optimization-info"
    assert client.get(f"{path}/system.ai.llama_v3_3_70b/2")["throughput_chunk_size"] > 0
    assert client.get(f"{path}/ml.risk.fraud/3") == {"optimizable": False}
