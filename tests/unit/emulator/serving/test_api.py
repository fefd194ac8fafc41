"""Serving endpoints from create to delete, and what is seen of them."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running

BASE = "/api/2.0/serving-endpoints"
LLAMA = "databricks-meta-llama-3-1-70b-instruct"


def states(endpoint: Any) -> tuple[str, str]:
    return endpoint["state"]["ready"], endpoint["state"]["config_update"]


def names(entries: Any) -> list[str]:
    return [entry["name"] for entry in entries]


def test_create_answers_in_the_middle_of_the_update(client: Any, config: Any) -> None:
    created = client.create(config=config())
    assert states(created) == ("NOT_READY", "IN_PROGRESS")
    assert "config" not in created
    pending = created["pending_config"]
    assert pending["config_version"] == 1
    assert pending["start_time"] % 1000 == 0
    (entity,) = pending["served_entities"]
    assert entity["state"] == {
        "deployment": "DEPLOYMENT_CREATING",
        "deployment_state_message": "Creating resources for served entity.",
    }


def test_the_next_read_shows_the_result(client: Any, config: Any) -> None:
    client.create(config=config())
    endpoint = client.endpoint()
    assert states(endpoint) == ("READY", "NOT_UPDATING")
    assert "pending_config" not in endpoint
    assert endpoint["config"]["config_version"] == 1
    assert endpoint["config"]["served_entities"][0]["state"]["deployment"] == "DEPLOYMENT_READY"


def test_an_endpoint_may_have_no_config(client: Any) -> None:
    endpoint = client.create(config=None)
    assert states(endpoint) == ("NOT_READY", "NOT_UPDATING")
    assert not {"config", "pending_config", "task"} & set(endpoint)
    assert client.endpoint() == endpoint


def test_what_the_service_adds_is_there(client: Any, config: Any) -> None:
    client.create(config=config())
    endpoint = client.endpoint()
    assert re.fullmatch("[0-9a-f]{32}", endpoint["id"])
    assert endpoint["creator"] == "local-user@example.com"
    assert endpoint["creation_timestamp"] % 1000 == 0
    assert endpoint["last_updated_timestamp"] >= endpoint["creation_timestamp"]
    assert endpoint["description"] == ""
    assert endpoint["route_optimized"] is False
    assert endpoint["permission_level"] == "CAN_MANAGE"
    assert endpoint["task"] == "llm/v1/chat"
    assert endpoint["state"]["suspend"] == "NOT_SUSPENDED"
    assert endpoint["endpoint_type"] == "EXTERNAL_MODEL"
    assert not {"ai_gateway", "email_notifications", "rate_limits", "tags"} & set(endpoint)


def test_one_entity_gets_a_name_and_all_traffic(client: Any, entity: Any) -> None:
    unnamed = entity(None, name="anthropic.claude-v2:1")
    client.create(config={"served_entities": [unnamed], "name": "sent by the SDK"})
    shown = client.endpoint()["config"]
    assert names(shown["served_entities"]) == ["anthropic-claude-v2-1"]
    assert shown["traffic_config"]["routes"] == [
        {
            "served_model_name": "anthropic-claude-v2-1",
            "served_entity_name": "anthropic-claude-v2-1",
            "traffic_percentage": 100,
        }
    ]


def test_entities_are_shown_twice_and_in_another_order(client: Any, config: Any) -> None:
    sent = [f"entity-{number}" for number in range(6)]
    client.create(config=config(*sent))
    shown = client.endpoint()["config"]
    entities, models = names(shown["served_entities"]), names(shown["served_models"])
    assert sorted(entities) == sorted(models) == sent
    assert sent not in (entities, models)
    assert entities != models
    assert names(client.endpoint()["config"]["served_entities"]) == entities


def test_routes_keep_the_order_in_which_they_were_sent(client: Any, entity: Any) -> None:
    parts = {"prod_model": 50, "candidate_model": 10, "z": 25, "a": 15}
    sent = {
        "served_entities": [entity(name) for name in sorted(parts)],
        "traffic_config": {
            "routes": [
                {"served_model_name": name, "traffic_percentage": part}
                for name, part in parts.items()
            ]
        },
    }
    pending = client.create(config=sent)["pending_config"]["traffic_config"]["routes"]
    active = client.endpoint()["config"]["traffic_config"]["routes"]
    assert [route["served_entity_name"] for route in pending] == list(parts)
    assert (
        active
        == pending
        == [
            {"served_model_name": name, "served_entity_name": name, "traffic_percentage": part}
            for name, part in parts.items()
        ]
    )
    sent["traffic_config"]["routes"].reverse()
    client.put(f"{BASE}/chat/config", sent)
    changed = client.endpoint()["config"]["traffic_config"]["routes"]
    assert [route["served_model_name"] for route in changed] == list(parts)[::-1]


def test_plaintext_is_never_shown_and_a_reference_always(client: Any, entity: Any) -> None:
    client.post("/api/2.0/secrets/scopes/create", {"scope": "s"})
    client.post("/api/2.0/secrets/put", {"scope": "s", "key": "k", "string_value": "v"})
    referring = entity("b", openai_config={"openai_api_key": "{{secrets/s/k}}"})
    routes = [{"served_model_name": "b", "traffic_percentage": 100}]
    config = {"served_entities": [entity("a"), referring], "traffic_config": {"routes": routes}}
    answers = [client.create(config=config), client.endpoint(), client.get(BASE)]
    assert "sk-very-secret" not in str(answers)
    found = {each["name"]: each["external_model"]["openai_config"] for each in served(answers[1])}
    assert found == {"a": {}, "b": {"openai_api_key": "{{secrets/s/k}}"}}


def served(endpoint: Any) -> Any:
    return endpoint["config"]["served_entities"]


def test_an_entry_of_the_list_is_shorter(client: Any, config: Any) -> None:
    client.create(config=config(), tags=[{"key": "team", "value": "risk"}])
    client.endpoint()
    (found,) = [each for each in client.get(BASE)["endpoints"] if each["name"] == "chat"]
    hidden = {"pending_config", "permission_level", "route_optimized", "email_notifications"}
    assert not hidden & set(found)
    assert set(found["config"]) == {"served_entities", "served_models"}
    assert set(served(found)[0]) == {"name", "type", "external_model"}
    assert found["tags"] == [{"key": "team", "value": "risk"}]
    assert found["task"] == "llm/v1/chat"
    assert states(found) == ("READY", "NOT_UPDATING")


def test_all_parts_of_a_create_are_kept(client: Any, config: Any) -> None:
    client.create(
        config=config(),
        description="for tests",
        tags=[{"key": "a", "value": "1"}, {"key": "b"}, {"key": "c", "value": ""}],
        email_notifications={"on_update_success": ["a@example.com"], "on_update_failure": []},
        ai_gateway={"usage_tracking_config": {"enabled": True}},
        rate_limits=[{"calls": 5, "renewal_period": "minute"}],
        budget_policy_id="some-policy",
        uc_system_metrics_export_state="FIRST_PARTY_EXPORT_ENABLED",
        something_new=[1, 2],
    )
    endpoint = client.endpoint()
    assert endpoint["description"] == "for tests"
    tags = sorted(endpoint["tags"], key=str)
    assert tags == [{"key": "a", "value": "1"}, {"key": "b"}, {"key": "c"}]
    assert endpoint["email_notifications"] == {"on_update_success": ["a@example.com"]}
    assert endpoint["ai_gateway"] == {"usage_tracking_config": {"enabled": True}}
    # Taken in and never shown again.
    assert not {"rate_limits", "budget_policy_id", "something_new"} & set(endpoint)


def test_a_name_is_taken_once(client: Any) -> None:
    client.create()
    reply = client.call("POST", BASE, {"name": "chat"})
    assert (reply.status, reply.code) == (400, "RESOURCE_ALREADY_EXISTS")


MISSING = [
    ("GET", ""),
    ("DELETE", ""),
    ("PUT", "/config"),
    ("PUT", "/ai-gateway"),
    ("PUT", "/rate-limits"),
    ("PATCH", "/tags"),
    ("PATCH", "/notifications"),
    ("GET", "/served-models/a/logs"),
    ("GET", "/served-models/a/build-logs"),
]


@pytest.mark.parametrize(("method", "path"), MISSING)
def test_a_missing_endpoint_is_404(client: Any, method: str, path: str) -> None:
    reply = client.call(method, f"{BASE}/none{path}", {})
    assert (reply.status, reply.code) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert reply.json["message"] == "Endpoint with name 'none' does not exist."


def test_a_deleted_endpoint_is_gone_and_its_name_free(client: Any, config: Any) -> None:
    first = client.create(config=config())
    assert client.call("DELETE", f"{BASE}/chat").json == {}
    assert client.call("GET", f"{BASE}/chat").status == 404
    assert client.create()["id"] != first["id"]


def test_a_config_update_replaces_all_of_it(client: Any, config: Any) -> None:
    client.create(config=config("a", "b"), tags=[{"key": "t"}], description="d")
    client.endpoint()
    updating = client.put(f"{BASE}/chat/config", config("c", name="gpt-4.1"))
    assert states(updating) == ("READY", "IN_PROGRESS")
    assert updating["config"]["config_version"] == 1
    assert updating["pending_config"]["config_version"] == 2
    endpoint = client.endpoint()
    assert states(endpoint) == ("READY", "NOT_UPDATING")
    assert endpoint["config"]["config_version"] == 2
    assert names(served(endpoint)) == ["c"]
    assert endpoint["description"] == "d"
    assert endpoint["tags"] == [{"key": "t"}]


def test_the_first_config_may_come_by_update(client: Any, config: Any) -> None:
    client.create()
    client.put(f"{BASE}/chat/config", config() | {"name": "chat"})
    assert client.endpoint()["config"]["config_version"] == 1


def test_other_calls_make_no_new_version(client: Any, config: Any) -> None:
    client.create(config=config())
    client.patch(f"{BASE}/chat/tags", {"add_tags": [{"key": "a"}]})
    client.put(f"{BASE}/chat/ai-gateway", {})
    client.patch(f"{BASE}/chat/notifications", {})
    assert client.endpoint()["config"]["config_version"] == 1


def test_the_provider_and_the_model_may_change(client: Any, config: Any) -> None:
    client.create(config=config())
    anthropic = {
        "name": "claude-2",
        "provider": "anthropic",
        "task": "llm/v1/chat",
        "anthropic_config": {"anthropic_api_key_plaintext": "sk-very-secret"},
    }
    entity = {"name": "a", "external_model": anthropic}
    client.put(f"{BASE}/chat/config", {"served_entities": [entity]})
    assert served(client.endpoint())[0]["external_model"]["provider"] == "anthropic"


def test_tags_are_added_then_deleted(client: Any) -> None:
    client.create(tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "1"}])
    answer = client.patch(
        f"{BASE}/chat/tags",
        {
            "add_tags": [{"key": "a", "value": "2"}, {"key": "c"}, {"key": "d"}],
            "delete_tags": ["b", "d", "never there"],
        },
    )
    assert sorted(answer["tags"], key=str) == [{"key": "a", "value": "2"}, {"key": "c"}]
    assert client.endpoint()["tags"] == answer["tags"]
    assert client.patch(f"{BASE}/chat/tags", {})["tags"] == answer["tags"]


def test_tags_come_in_another_order(client: Any) -> None:
    sent = [{"key": f"key-{number}"} for number in range(8)]
    shown = client.create(tags=sent)["tags"]
    assert shown != sent
    assert sorted(shown, key=str) == sent


def test_an_endpoint_without_tags_has_no_key_for_them(client: Any) -> None:
    created = client.create(tags=[])
    assert "tags" not in created
    client.patch(f"{BASE}/chat/tags", {"add_tags": [{"key": "a", "value": "1"}]})
    assert client.endpoint()["tags"] == [{"key": "a", "value": "1"}]
    client.patch(f"{BASE}/chat/tags", {"delete_tags": ["a"]})
    assert "tags" not in client.endpoint()
    (listed,) = [each for each in client.get(BASE)["endpoints"] if each["name"] == "chat"]
    assert "tags" not in listed


def test_notifications_are_replaced(client: Any) -> None:
    client.create(email_notifications={"on_update_success": ["a@example.com"]})
    sent = {"on_update_failure": ["b@example.com"]}
    answer = client.patch(f"{BASE}/chat/notifications", {"email_notifications": sent})
    assert answer == {"name": "chat", "email_notifications": sent}
    assert client.endpoint()["email_notifications"] == sent
    client.patch(f"{BASE}/chat/notifications", {})
    assert "email_notifications" not in client.endpoint()


def test_older_rate_limits_are_answered_and_not_shown(client: Any, config: Any) -> None:
    client.create(config=config())
    sent = {"rate_limits": [{"calls": 20, "renewal_period": "minute", "key": "user"}]}
    assert client.put(f"{BASE}/chat/rate-limits", sent) == sent
    assert "rate_limits" not in client.endpoint()
    assert client.put(f"{BASE}/chat/rate-limits", {}) == {"rate_limits": []}


def test_older_rate_limits_keep_the_order_in_which_they_were_sent(client: Any, config: Any) -> None:
    client.create(config=config())
    limits = [{"calls": 9, "renewal_period": "minute", "key": key} for key in ("user", "endpoint")]
    for sent in (limits, limits[::-1]):
        assert client.put(f"{BASE}/chat/rate-limits", {"rate_limits": sent})["rate_limits"] == sent


def test_the_tutorials_system_endpoints_are_there(client: Any) -> None:
    found = client.get(BASE)["endpoints"]
    assert sorted(names(found)) == [
        "databricks-dbrx-instruct",
        "databricks-gte-large-en",
        "databricks-meta-llama-3-1-405b-instruct",
        LLAMA,
    ]
    endpoint = client.endpoint(LLAMA)
    assert states(endpoint) == ("READY", "NOT_UPDATING")
    assert endpoint["task"] == "llm/v1/chat"
    assert "creator" not in endpoint
    assert served(endpoint)[0]["type"] == "FOUNDATION_MODEL"


def test_system_endpoints_are_not_ours_to_change(client: Any, config: Any) -> None:
    refused = [
        client.call("DELETE", f"{BASE}/{LLAMA}"),
        client.call("PUT", f"{BASE}/{LLAMA}/config", config()),
        client.call("PATCH", f"{BASE}/{LLAMA}/notifications", {}),
    ]
    assert {(reply.status, reply.code) for reply in refused} == {(403, "PERMISSION_DENIED")}
    gateway = {"usage_tracking_config": {"enabled": True}}
    assert client.put(f"{BASE}/{LLAMA}/ai-gateway", gateway) == gateway
    assert client.patch(f"{BASE}/{LLAMA}/tags", {"add_tags": [{"key": "a"}]})["tags"]


def custom(**fields: Any) -> Any:
    base = {"entity_name": "ml.risk.fraud", "entity_version": "3", "scale_to_zero_enabled": True}
    return base | fields


DEFAULTS = [
    pytest.param(
        custom(),
        {"name": "fraud-3", "workload_size": "Small", "workload_type": "CPU"},
        id="size, type and name are filled in",
    ),
    pytest.param(
        custom(min_provisioned_concurrency=4, max_provisioned_concurrency=8),
        {"workload_type": "CPU", "max_provisioned_concurrency": 8, "workload_size": None},
        id="no size beside provisioned concurrency",
    ),
    pytest.param(
        custom(burst_scaling_enabled=True, workload_size="Large"),
        {"burst_scaling_enabled": None, "workload_size": "Large"},
        id="burst scaling is taken in and not shown",
    ),
    pytest.param(
        custom(scale_to_zero_enabled="false", min_provisioned_throughput="0"),
        {"scale_to_zero_enabled": False, "min_provisioned_throughput": 0},
        id="numbers and booleans may be strings",
    ),
    pytest.param(
        custom(scale_to_zero_enabled=None, max_provisioned_throughput=9000),
        {"workload_type": "GPU_LARGE", "scale_to_zero_enabled": False, "type": "UC_MODEL"},
        id="provisioned throughput need not say whether it scales to zero",
    ),
    pytest.param(
        custom(entity_version=None, entity_name="ml.features.spec"),
        {"name": "spec", "type": "FEATURE_SPEC", "workload_size": "Small", "entity_version": None},
        id="a feature spec has no version",
    ),
    pytest.param(
        custom(entity_name="fraud"),
        {"name": "fraud-3", "type": "WORKSPACE_MODEL"},
        id="a model of the workspace's own registry",
    ),
    pytest.param(
        custom(instance_profile_arn="arn:aws:iam::1:instance-profile/p"),
        {
            "instance_profile_arn": "arn:aws:iam::1:instance-profile/p",
            "batching_config": {"enabled": False},
            "creator": "local-user@example.com",
        },
        id="what the service adds",
    ),
    pytest.param(
        custom(environment_vars={"KEY_plaintext": "v", "OTHER": "w"}),
        {"environment_vars": {"KEY_plaintext": "v", "OTHER": "w"}},
        id="environment variables are shown as they are",
    ),
]


@pytest.mark.parametrize(("sent", "expected"), DEFAULTS)
def test_custom_models_get_their_defaults(client: Any, sent: Any, expected: Any) -> None:
    client.create(config={"served_entities": [sent]})
    endpoint = client.endpoint()
    (entity,) = served(endpoint)
    assert {key: entity.get(key) for key in expected} == expected
    assert endpoint["endpoint_type"] == "CUSTOM_MODEL"
    assert "task" not in endpoint


def test_served_models_are_the_older_words(client: Any) -> None:
    model = {"model_name": "ml.risk.fraud", "model_version": "3", "scale_to_zero_enabled": True}
    client.create(config={"served_models": [model]})
    shown = client.endpoint()["config"]
    assert served({"config": shown})[0]["entity_name"] == "ml.risk.fraud"
    assert shown["served_models"][0]["model_version"] == "3"


def test_a_workspace_takes_a_thousand_endpoints(tmp_path: Path, client_of: Any) -> None:
    state = tmp_path / "state.sqlite"
    with running(Settings(state=state)) as server:
        with sqlite3.connect(state) as connection:
            rows = [(f"e{number}", f"id-{number}", 0, "{}") for number in range(1000)]
            connection.executemany("INSERT INTO endpoints VALUES (?, ?, ?, ?)", rows)
        connection.close()
        reply = client_of(server).call("POST", BASE, {"name": "one-more"})
    assert (reply.status, reply.code) == (400, "RESOURCE_LIMIT_EXCEEDED")


def test_a_workspace_may_be_told_to_keep_the_traffic_that_is_left_out(
    client_of: Any, config: Any
) -> None:
    with running(Settings(keeps_omitted_traffic=True)) as server:
        client = client_of(server)
        client.create(config=config("a", "b"))
        before = client.endpoint()["config"]["traffic_config"]
        alone = {"served_entities": config("a", "b")["served_entities"]}
        assert client.call("PUT", f"{BASE}/chat/config", alone).status == 200
        routes = client.endpoint()["config"]["traffic_config"]["routes"]
        assert sorted(map(str, routes)) == sorted(map(str, before["routes"]))
        gone = {"served_entities": config("a")["served_entities"]}
        reply = client.call("PUT", f"{BASE}/chat/config", gone)
        assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
        assert "which is not a served entity" in reply.json["message"]
