"""Metrics of an endpoint: real counts of the last minute, per served entity."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

BASE = "/api/2.0/serving-endpoints"
ASK = "/serving-endpoints/chat/invocations"
QUESTION = {"messages": [{"role": "user", "content": "Hello"}]}


def lines(client: Any) -> list[str]:
    reply = client.call("GET", f"{BASE}/chat/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    return list(reply.content.decode().splitlines())


def serve(client: Any, config: Any, *names: str) -> None:
    client.create(config=config(*names))
    client.endpoint()


def fail(client: Any, entity: str, percent: int) -> None:
    rule = {
        "path": f"/__provider__/chat/{entity}",
        "times": 0,
        "percent": percent,
        "action": {"status": 500},
    }
    assert client.call("POST", "/__emulator__/faults", {"rules": [rule]}).status == 200


def test_metrics_count_the_requests_of_each_entity(client: Any, config: Any) -> None:
    serve(client, config, "a", "b")
    for _ in range(3):
        client.call("POST", "/serving-endpoints/chat/served-models/b/invocations", QUESTION)
    found = lines(client)
    assert 'request_count_total{endpoint_name="chat",served_model_name="a"} 0' in found
    assert 'request_count_total{endpoint_name="chat",served_model_name="b"} 3' in found
    assert 'request_latency_ms_count{endpoint_name="chat",served_model_name="b"} 3' in found


def test_a_fault_rule_makes_a_share_of_the_answers_of_one_entity_fail(
    client: Any, config: Any
) -> None:
    serve(client, config, "a", "b")
    fail(client, "b", 30)
    for _ in range(100):
        client.call("POST", "/serving-endpoints/chat/served-models/b/invocations", QUESTION)
    found = lines(client)
    assert 'request_5xx_count_total{endpoint_name="chat",served_model_name="b"} 30' in found
    assert 'request_5xx_count_total{endpoint_name="chat",served_model_name="a"} 0' in found


def test_metrics_are_of_the_last_minute(client: Any, config: Any) -> None:
    serve(client, config, "a")
    client.call("POST", ASK, QUESTION)
    client.call("POST", "/__emulator__/clock", {"advance_s": 61})
    assert 'request_count_total{endpoint_name="chat",served_model_name="a"} 0' in lines(client)


def test_metrics_without_labels_are_of_the_endpoint_as_a_whole(client: Any, config: Any) -> None:
    serve(client, config, "a", "b")
    client.call("POST", "/__emulator__/metrics", {"entities": False})
    client.call("POST", ASK, QUESTION)
    found = lines(client)
    assert 'request_count_total{endpoint_name="chat"} 1' in found
    assert not [line for line in found if "served_model_name" in line]


def test_an_endpoint_that_is_paid_per_token_has_no_metrics(client: Any) -> None:
    reply = client.call("GET", f"{BASE}/databricks-dbrx-instruct/metrics")
    assert (reply.status, reply.code) == (400, "BAD_REQUEST")


def test_the_date_of_an_answer_is_of_the_clock_that_can_be_moved(client: Any) -> None:
    client.call("POST", "/__emulator__/clock", {"advance_s": 86_400})
    answered = parsedate_to_datetime(client.call("GET", BASE).headers["date"])
    assert 86_000 < (answered - datetime.now(UTC)).total_seconds() < 87_000
