"""How an update goes on and how it ends: by reads, by time, by failing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running

BASE = "/api/2.0/serving-endpoints"
TRANSITIONS = "/__emulator__/transitions"


def update_of(endpoint: Any) -> str:
    return str(endpoint["state"]["config_update"])


def deployments(config: Any) -> dict[str, str]:
    return {each["name"]: each["state"]["deployment"] for each in config["served_entities"]}


def messages(config: Any) -> str:
    return "".join(each["state"]["deployment_state_message"] for each in config["served_entities"])


def test_polls_are_counted_by_reads_alone(client_of: Any, config: Any) -> None:
    with running(Settings(transition="polls=2")) as server:
        client = client_of(server)
        client.create(config=config())
        client.patch(f"{BASE}/chat/tags", {"add_tags": [{"key": "a"}]})
        client.get(f"{BASE}/chat/served-models/a/build-logs")
        seen = [update_of(client.endpoint()) for _ in range(3)]
    assert seen == ["IN_PROGRESS", "IN_PROGRESS", "NOT_UPDATING"]


def test_a_list_is_a_poll_of_every_endpoint(client_of: Any, config: Any) -> None:
    with running(Settings(transition="polls=1")) as server:
        client = client_of(server)
        client.create("one", config=config())
        client.create("two", config=config())
        listed = [
            {update_of(each) for each in client.get(BASE)["endpoints"] if each.get("creator")}
            for _ in range(2)
        ]
    assert listed == [{"IN_PROGRESS"}, {"NOT_UPDATING"}]


def test_time_is_the_workspaces_own(client_of: Any, config: Any, tmp_path: Path) -> None:
    settings = Settings(transition="seconds=30", state=tmp_path / "state.sqlite")
    with running(settings) as server:
        client = client_of(server)
        client.create(config=config())
        assert update_of(client.endpoint()) == "IN_PROGRESS"
        client.pass_time(29)
        assert update_of(client.endpoint()) == "IN_PROGRESS"
    # Another server goes on where the first one stopped, whatever its own transition is.
    with running(Settings(state=settings.state)) as server:
        client = client_of(server)
        assert update_of(client.endpoint()) == "IN_PROGRESS"
        client.pass_time(1.5)
        assert update_of(client.endpoint()) == "NOT_UPDATING"


def test_a_query_meets_the_finished_update_without_a_read(client: Any, config: Any) -> None:
    client.create(config=config())
    asked = {"messages": [{"role": "user", "content": "hello"}]}
    assert client.post("/serving-endpoints/chat/invocations", asked)["choices"]


def test_an_update_excludes_another_one(client_of: Any, config: Any) -> None:
    with running(Settings(transition="polls=1")) as server:
        client = client_of(server)
        client.create(config=config())
        refused = [
            client.call("PUT", f"{BASE}/chat/config", config()),
            client.call("PUT", f"{BASE}/chat/ai-gateway", {}),
        ]
        assert {(reply.status, reply.code) for reply in refused} == {(409, "RESOURCE_CONFLICT")}
        assert "Endpoint chat is currently updating." in refused[0].json["message"]
        # These do not touch the config.
        client.patch(f"{BASE}/chat/tags", {})
        client.patch(f"{BASE}/chat/notifications", {})
        assert [update_of(client.endpoint()) for _ in range(2)] == ["IN_PROGRESS", "NOT_UPDATING"]
        client.put(f"{BASE}/chat/config", config())


def test_an_endpoint_may_be_deleted_while_it_updates(client_of: Any, config: Any) -> None:
    with running(Settings(transition="polls=9")) as server:
        client = client_of(server)
        client.create(config=config())
        assert client.call("DELETE", f"{BASE}/chat").status == 200
        assert client.call("GET", f"{BASE}/chat").status == 404


def test_a_failed_create_stays_to_be_looked_at_and_repaired(client: Any, config: Any) -> None:
    client.faults(
        {"deployment": {"endpoint": "ch*", "state": "DEPLOYMENT_FAILED", "message": "no quota"}}
    )
    client.create(config=config())
    failed = client.endpoint()
    assert failed["state"]["ready"] == "NOT_READY"
    assert update_of(failed) == "UPDATE_FAILED"
    assert "config" not in failed
    assert deployments(failed["pending_config"]) == {"a": "DEPLOYMENT_FAILED"}
    assert messages(failed["pending_config"]) == "no quota"
    assert client.endpoint() == failed
    client.put(f"{BASE}/chat/config", config())
    repaired = client.endpoint()
    assert update_of(repaired) == "NOT_UPDATING"
    assert repaired["config"]["config_version"] == 2


@pytest.mark.parametrize("end", ["UPDATE_FAILED", "UPDATE_CANCELED"])
def test_the_old_config_serves_on_after_a_failed_update(client: Any, config: Any, end: str) -> None:
    client.create(config=config("old"))
    client.endpoint()
    client.faults({"deployment": {"endpoint": "chat", "config_update": end}})
    client.put(f"{BASE}/chat/config", config("new"))
    endpoint = client.endpoint()
    assert endpoint["state"]["ready"] == "READY"
    assert update_of(endpoint) == end
    assert set(deployments(endpoint["config"])) == {"old"}
    assert set(deployments(endpoint["pending_config"])) == {"new"}
    assert endpoint["pending_config"]["config_version"] == 2


def test_one_entity_may_fail_and_take_the_update_with_it(client: Any, config: Any) -> None:
    rule = {"endpoint": "chat", "entity": "b", "state": "DEPLOYMENT_ABORTED"}
    client.faults({"deployment": rule})
    client.create(config=config("a", "b"))
    endpoint = client.endpoint()
    assert update_of(endpoint) == "UPDATE_FAILED"
    found = deployments(endpoint["pending_config"])
    assert found == {"a": "DEPLOYMENT_READY", "b": "DEPLOYMENT_ABORTED"}
    captured = "Served model creation aborted because the endpoint update timed out."
    assert messages(endpoint["pending_config"]).startswith(captured)


def test_one_deployment_may_take_longer(client: Any, config: Any) -> None:
    client.faults({"deployment": {"endpoint": "chat", "transition": "polls=1"}})
    client.create("chat", config=config())
    client.create("other", config=config())
    assert update_of(client.endpoint("chat")) == "IN_PROGRESS"
    assert update_of(client.endpoint("other")) == "NOT_UPDATING"


def test_a_deployment_rule_is_used_up(client: Any, config: Any) -> None:
    rule = {"endpoint": "*", "state": "DEPLOYMENT_FAILED"}
    client.faults({"deployment": rule, "times": 2})
    ends = []
    for name in ("one", "two", "three"):
        client.create(name, config=config())
        ends.append(update_of(client.endpoint(name)))
    assert ends == ["UPDATE_FAILED", "UPDATE_FAILED", "NOT_UPDATING"]


REFERENCE = {"openai_config": {"openai_api_key": "{{secrets/Scope/key}}"}}


def put_secret(client: Any, key: str = "key") -> None:
    client.post("/api/2.0/secrets/put", {"scope": "scope", "key": key, "string_value": "v"})


def test_a_missing_secret_fails_the_deployment(client: Any, config: Any) -> None:
    client.create("no-scope", config=config(**REFERENCE))
    pending = client.endpoint("no-scope")["pending_config"]
    assert messages(pending) == "Secret scope 'Scope' does not exist."
    client.post("/api/2.0/secrets/scopes/create", {"scope": "scope"})
    client.create("no-key", config=config(**REFERENCE))
    endpoint = client.endpoint("no-key")
    assert update_of(endpoint) == "UPDATE_FAILED"
    assert messages(endpoint["pending_config"]) == (
        "Secret does not exist with scope: Scope and key: key"
    )
    put_secret(client)
    client.put(f"{BASE}/no-key/config", config(**REFERENCE))
    assert update_of(client.endpoint("no-key")) == "NOT_UPDATING"


def test_a_secret_may_come_before_the_deployment_ends(client_of: Any, config: Any) -> None:
    with running(Settings(transition="polls=1")) as server:
        client = client_of(server)
        client.create(config=config(**REFERENCE))
        client.endpoint()
        client.post("/api/2.0/secrets/scopes/create", {"scope": "scope"})
        put_secret(client)
        assert update_of(client.endpoint()) == "NOT_UPDATING"


def test_variables_of_custom_models_need_their_secrets_too(client: Any) -> None:
    entity = {
        "entity_name": "ml.risk.fraud",
        "entity_version": "1",
        "scale_to_zero_enabled": True,
        "environment_vars": {"A": "{{secrets/scope/key}}", "B": "plain"},
    }
    client.create(config={"served_entities": [entity]})
    assert update_of(client.endpoint()) == "UPDATE_FAILED"


def test_what_a_key_vault_holds_is_not_known_here(client: Any, config: Any) -> None:
    vault = {"resource_id": "/subscriptions/s", "dns_name": "https://v.example.com"}
    client.post(
        "/api/2.0/secrets/scopes/create",
        {
            "scope": "scope",
            "scope_backend_type": "AZURE_KEYVAULT",
            "backend_azure_keyvault": vault,
        },
    )
    client.create(config=config(**REFERENCE))
    assert update_of(client.endpoint()) == "NOT_UPDATING"


def commanded(client: Any, **sent: Any) -> str:
    return str(client.post(TRANSITIONS, {"endpoint": "chat", **sent})["update"])


def test_an_update_may_wait_for_a_command(client_of: Any, config: Any) -> None:
    with running(Settings(transition="command")) as server:
        client = client_of(server)
        client.create(config=config())
        for _ in range(5):
            client.pass_time(10_000)
            assert update_of(client.endpoint()) == "IN_PROGRESS"
        (waiting,) = client.get(TRANSITIONS)["transitions"]
        assert (waiting["endpoint"], waiting["waits_for_command"]) == ("chat", True)
        assert commanded(client) == "NOT_UPDATING"
        assert client.endpoint()["state"]["ready"] == "READY"
        assert client.get(TRANSITIONS) == {"transitions": []}


def test_a_command_may_end_an_update_badly(client_of: Any, config: Any) -> None:
    with running(Settings(transition="command")) as server:
        client = client_of(server)
        client.create(config=config("a", "b"))
        assert commanded(client, end="fail", entity="b", message="no quota") == "UPDATE_FAILED"
        failed = client.endpoint()["pending_config"]
        assert deployments(failed) == {"a": "DEPLOYMENT_READY", "b": "DEPLOYMENT_FAILED"}
        assert messages(failed) == "no quota"
        client.put(f"{BASE}/chat/config", config("a"))
        assert commanded(client, end="cancel") == "UPDATE_CANCELED"


def test_one_deployment_may_wait_for_a_command(client: Any, config: Any) -> None:
    client.faults({"deployment": {"endpoint": "chat", "transition": "command"}})
    client.create(config=config())
    assert update_of(client.endpoint()) == "IN_PROGRESS"
    assert commanded(client) == "NOT_UPDATING"


def test_only_what_is_updating_can_be_ended(client: Any, config: Any) -> None:
    client.create(config=config())
    client.endpoint()
    refused = client.call("POST", TRANSITIONS, {"endpoint": "chat"})
    assert (refused.status, refused.code) == (409, "RESOURCE_CONFLICT")
    assert client.call("POST", TRANSITIONS, {"endpoint": "nobody"}).status == 404
    assert client.call("POST", TRANSITIONS, {"endpoint": "chat", "end": "so-so"}).status == 400
