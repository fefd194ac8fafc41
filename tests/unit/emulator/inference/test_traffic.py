"""Who answers: traffic split, direct calls, fallbacks, endpoints that are not ready."""

from __future__ import annotations

from collections import Counter
from contextlib import closing

import pytest

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.http.store import Store
from provisioner.emulator.server import running
from provisioner.emulator.serving import endpoints

FALLBACK = {"fallback_config": {"enabled": True}}
CHAT = {"messages": [{"role": "user", "content": "hello"}]}


def answered_by(client, name, times=1):
    return [client.ask(name).headers["served-model-name"] for _ in range(times)]


SPLITS = [
    pytest.param({"a": 90, "b": 10}, id="a canary"),
    pytest.param({"a": 34, "b": 33, "c": 33}, id="thirds"),
    pytest.param({"a": 0, "b": 100}, id="one without traffic"),
]


@pytest.mark.parametrize("shares", SPLITS)
def test_of_a_hundred_calls_each_entity_gets_its_share(client, external, shares):
    name = "split-" + "-".join(map(str, shares.values()))
    client.serve(name, *map(external, shares), **shares)
    counted = Counter(answered_by(client, name, 100))
    assert counted == {entity: share for entity, share in shares.items() if share}


def test_the_canary_does_not_wait_until_the_end(client, external, name):
    client.serve(name, external("a"), external("b"), a=80, b=20)
    assert "b" in answered_by(client, name, 10)


def test_the_order_of_calls_is_the_same_in_every_new_workspace(external, client):
    orders = []
    for _ in range(2):
        with running(Settings()) as server:
            fresh = type(client)(server)
            fresh.serve("same", external("a"), external("b"), a=50, b=50)
            orders.append(answered_by(fresh, "same", 12))
    assert orders[0] == orders[1]
    assert set(orders[0]) == {"a", "b"}


def test_a_direct_call_ignores_the_traffic_split(client, external, name):
    client.serve(name, external("a"), external("b"), a=100, b=0)
    path = f"/serving-endpoints/{name}/served-models"
    answer = client.post(f"{path}/b/invocations", CHAT)
    assert answer.headers["served-model-name"] == "b"
    missing = client.post(f"{path}/c/invocations", CHAT)
    assert (missing.status, missing.json["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_fallback_answers_where_a_provider_is_overloaded_or_broken(client, external, status):
    name = f"fallback-{status}"
    client.serve(name, external("a"), external("b"), gateway=FALLBACK, a=100, b=0)
    client.fail(name, "a", status)
    assert answered_by(client, name, 2) == ["b", "b"]


def test_a_provider_that_recovers_answers_again(client, external, name):
    client.serve(name, external("a"), external("b"), gateway=FALLBACK, a=100, b=0)
    client.fail(name, "a", times=1)
    assert answered_by(client, name, 3) == ["b", "a", "a"]


def test_two_fallbacks_are_tried_in_the_order_of_the_entities(client, external, name):
    client.serve(name, *map(external, "abcd"), gateway=FALLBACK, a=0, b=0, c=100, d=0)
    client.fail(name, "c")
    client.fail(name, "a", 500)
    assert answered_by(client, name) == ["b"]
    client.fail(name, "b", 429)
    assert client.ask(name).status == 429


FAILURES = [
    pytest.param({}, 503, id="no fallback is configured"),
    pytest.param(FALLBACK, 400, id="the provider says that the query is wrong"),
    pytest.param(FALLBACK, 401, id="the provider does not know the key"),
]


@pytest.mark.parametrize(("gateway", "status"), FAILURES)
def test_a_failure_reaches_the_client_where(client, external, gateway, status, name):
    client.serve(name, external("a"), external("b"), gateway=gateway, a=100, b=0)
    client.fail(name, "a", status)
    answer = client.ask(name)
    assert answer.status == status
    assert answer.json["error_code"]
    assert answer.json["external_model_provider"] == "openai"
    assert answer.json["external_model_message"] == {"said": "overloaded"}


def test_a_direct_call_has_no_fallback(client, external, name):
    client.serve(name, external("a"), external("b"), gateway=FALLBACK, a=100, b=0)
    client.fail(name, "a")
    path = f"/serving-endpoints/{name}/served-models/a/invocations"
    assert client.post(path, CHAT).status == 503


def test_a_fault_of_every_call_is_not_counted_again_for_the_provider(client, external, name):
    client.serve(name, external("a"))
    rule = {"path": "/**", "nth": 3, "action": {"status": 500}}
    client.post("/__emulator__/faults", {"rules": [rule]})
    assert [client.ask(name).status for _ in range(4)] == [200, 200, 500, 200]


def test_a_secret_that_is_gone_is_missed_when_the_provider_is_called(client, external, name):
    client.post("/api/2.0/secrets/scopes/create", {"scope": "keys"})
    secret = {"scope": "keys", "key": "openai", "string_value": "sk-made-up"}
    client.post("/api/2.0/secrets/put", secret)
    entity = external()
    reference = {"openai_api_key": "{{secrets/keys/openai}}"}
    entity["external_model"]["openai_config"] = reference
    client.serve(name, entity)
    assert client.ask(name).status == 200
    client.post("/api/2.0/secrets/delete", {"scope": "keys", "key": "openai"})
    answer = client.ask(name)
    assert answer.status == 400
    assert "openai" in answer.json["message"]


def test_an_endpoint_that_is_being_built_asks_to_wait(client, external):
    with running(Settings(transition="polls=2")) as server:
        slow = type(client)(server)
        slow.serve("slow", external())
        answer = slow.ask("slow")
        assert (answer.status, answer.json["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")
        assert answer.headers["retry-after"] == "1"
        for _ in range(3):
            slow.call("GET", "/api/2.0/serving-endpoints/slow")
        assert slow.ask("slow").status == 200


def test_an_endpoint_without_a_configuration_is_not_found(client):
    client.post("/api/2.0/serving-endpoints", {"name": "empty"})
    answer = client.ask("empty")
    assert (answer.status, answer.json["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_a_stopped_endpoint_refuses(client, custom, tmp_path):
    state = tmp_path / "workspace.sqlite"
    with running(Settings(state=state)) as server, closing(Store(state)) as store:
        own = type(client)(server)
        own.serve("stopped", custom())
        record = endpoints.require(store, "stopped")
        endpoints.save(store, record | {"suspended": True})
        answer = own.query("stopped", {"inputs": [1]})
        assert (answer.status, answer.json["error_code"]) == (400, "BAD_REQUEST")


def test_the_old_configuration_answers_while_the_new_one_is_built(client, external):
    with running(Settings(transition="polls=1")) as server:
        slow = type(client)(server)
        slow.serve("updated", external("old"))
        for _ in range(2):
            slow.call("GET", "/api/2.0/serving-endpoints/updated")
        path = "/api/2.0/serving-endpoints/updated/config"
        slow.call("PUT", path, {"served_entities": [external("new")]})
        assert answered_by(slow, "updated") == ["old"]
        for _ in range(2):
            slow.call("GET", "/api/2.0/serving-endpoints/updated")
        assert answered_by(slow, "updated") == ["new"]
