"""The emulator's own routes: request log, reset, faults, clock."""

from __future__ import annotations

import http.client
import time
from typing import Any

import pytest

from provisioner.emulator.faults import request_log
from provisioner.emulator.http.store import Store

BASE = "/api/2.0/serving-endpoints"
REQUESTS = "/__emulator__/requests"


def logged(client: Any, after: int = 0) -> Any:
    return client.get(f"{REQUESTS}?after={after}")["requests"]


def test_requests_are_logged_in_order_with_what_came_of_them(client: Any) -> None:
    client.call("GET", f"{BASE}/none/?a=b", **{"user-agent": "me/1"})
    client.create()
    client.call("GET", BASE, authorization="")
    client.call("GET", "/nothing")
    found = logged(client)
    assert [(each["method"], each["path"], each["status"]) for each in found] == [
        ("GET", f"{BASE}/none", 404),
        ("POST", BASE, 200),
        ("GET", BASE, 401),
        ("GET", "/nothing", 501),
    ]
    assert found[0]["user_agent"] == "me/1"
    assert found[0]["query"] == "a=b"
    assert [each["body"] for each in found] == [None, {"name": "chat"}, None, None]
    assert client.get(REQUESTS)["count"] == 4
    assert logged(client, after=found[2]["number"]) == found[3:]


def test_secrets_are_masked_in_the_log(client: Any, entity: Any) -> None:
    referring = entity("b", openai_config={"openai_api_key": "{{secrets/s/k}}"})
    mistaken = entity("c", openai_config={"openai_api_key": "sk-very-secret"})
    custom = entity(
        "d",
        custom_provider_config={"api_key_auth": {"key": "X-Key", "value": "sk-very-secret"}},
    )
    variables = {"environment_vars": {"A": "sk-very-secret", "B": "{{secrets/s/k}}"}}
    entities = [entity("a"), referring, mistaken, custom, variables]
    client.call("POST", BASE, {"config": {"served_entities": entities}, "tags": [{"value": "t"}]})
    put = {"scope": "s", "key": "k", "string_value": "sk-very-secret"}
    client.call("POST", "/api/2.0/secrets/put", put)
    client.call("POST", "/api/2.0/secrets/put", b"string_value=sk-very-secret")
    client.call("POST", "/api/2.0/secrets/put", b'{"string_value": "sk-very-secret"')
    found = logged(client)
    assert "sk-very-secret" not in str(found)
    sent = found[0]["body"]["config"]["served_entities"]
    assert sent[0]["external_model"]["openai_config"] == {"openai_api_key_plaintext": "***"}
    assert sent[1] == referring
    assert sent[4]["environment_vars"] == {"A": "***", "B": "{{secrets/s/k}}"}
    assert found[0]["body"]["tags"] == [{"value": "t"}]
    assert found[1]["body"] == {"scope": "s", "key": "k", "string_value": "***"}
    assert found[2]["body"] == {"not_logged_bytes": 27}


def test_a_large_body_is_only_counted(client: Any) -> None:
    client.call("POST", BASE, b"[" + b" " * 70_000 + b"]")
    assert logged(client)[0]["body"] == {"not_logged_bytes": 70_002}


def test_the_log_is_bounded() -> None:
    store = Store(":memory:")
    entry = request_log.LoggedRequest("GET", "/", "", 200, "", b"")
    with store.transaction():
        for _ in range(request_log.KEPT + 2 * request_log.SLACK):
            request_log.add(store, entry)
    found = request_log.entries(store, 0)
    store.close()
    assert request_log.KEPT <= len(found) <= request_log.KEPT + request_log.SLACK
    assert found[-1]["number"] == request_log.KEPT + 2 * request_log.SLACK


def test_a_reset_of_the_log_leaves_the_rest(client: Any) -> None:
    client.create()
    client.post("/__emulator__/reset", {"what": "log"})
    assert logged(client) == []
    assert client.endpoint()["name"] == "chat"


def test_a_reset_leaves_what_is_there_from_the_start(client: Any) -> None:
    fresh = len(client.get(BASE)["endpoints"])
    client.create()
    client.post("/api/2.0/secrets/scopes/create", {"scope": "s"})
    client.faults({"path": "/x", "action": {"status": 400}})
    client.pass_time(1_000_000)
    client.post("/__emulator__/reset")
    assert len(client.get(BASE)["endpoints"]) == fresh
    assert client.get("/api/2.0/secrets/scopes/list") == {"scopes": []}
    assert client.get("/__emulator__/faults") == {"rules": []}
    now_ms = client.post("/__emulator__/clock", {})["now_ms"]
    assert abs(now_ms - time.time() * 1000) < 60_000


WRONG_CALLS = [
    ("GET", f"{REQUESTS}?after=x", None),
    ("POST", "/__emulator__/reset", {"what": "half"}),
    ("POST", "/__emulator__/clock", {"advance_s": -1}),
    ("POST", "/__emulator__/clock", {"advance_s": "1"}),
    ("POST", "/__emulator__/faults", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), WRONG_CALLS)
def test_a_wrong_call_is_400(client: Any, method: str, path: str, body: Any) -> None:
    assert client.call(method, path, body).status == 400


def rule(**fields: Any) -> Any:
    return {"path": f"{BASE}/{{name}}", "action": {"status": 503}} | fields


WRONG_RULES = [
    pytest.param("rule", id="text"),
    pytest.param({"path": "/x"}, id="no action"),
    pytest.param(rule(action={}), id="an empty action"),
    pytest.param(rule(action={"status": 99}), id="no status"),
    pytest.param(rule(action={"connection": "cut"}), id="an unknown way to break a connection"),
    pytest.param(rule(action={"delay_ms": "1"}), id="a delay as text"),
    pytest.param(rule(action={"headers": {"Retry-After": 1}}), id="a number as header"),
    pytest.param(rule(phase="during"), id="an unknown phase"),
    pytest.param(rule(nth=0), id="the call before the first"),
    pytest.param(rule(times=-1), id="less than never"),
    pytest.param(rule(nht=2), id="a slip of the pen"),
    pytest.param({"deployment": {"state": "DEPLOYMENT_FAILED"}}, id="no endpoint"),
    pytest.param({"deployment": {"endpoint": "a", "state": "BROKEN"}}, id="an unknown state"),
    pytest.param({"deployment": {"endpoint": "a", "transition": "soon"}}, id="unknown transition"),
]


@pytest.mark.parametrize("wrong", WRONG_RULES)
def test_a_rule_that_could_not_work_is_refused(client: Any, wrong: Any) -> None:
    reply = client.call("POST", "/__emulator__/faults", {"rules": [rule(), wrong]})
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert client.get("/__emulator__/faults") == {"rules": []}


def statuses(client: Any, count: int, path: str = f"{BASE}/chat") -> list[int]:
    return [client.call("GET", path).status for _ in range(count)]


FIRING = [
    pytest.param({}, [503, 200, 200], id="the first call"),
    pytest.param({"nth": 2}, [200, 503, 200], id="the second"),
    pytest.param({"times": 2}, [503, 503, 200], id="the first two"),
    pytest.param({"nth": 2, "times": 0}, [200, 503, 503], id="all from the second on"),
    pytest.param({"method": "PUT"}, [200, 200, 200], id="another method"),
    pytest.param({"path": f"{BASE}/*/config"}, [200, 200, 200], id="another path"),
    pytest.param({"path": BASE}, [200, 200, 200], id="a shorter path"),
    pytest.param({"path": f"{BASE}/**"}, [503, 200, 200], id="all below a path"),
    pytest.param({"path": "/**"}, [503, 200, 200], id="everything"),
]


@pytest.mark.parametrize(("fields", "expected"), FIRING)
def test_a_rule_fires(client: Any, fields: Any, expected: list[int]) -> None:
    client.create()
    client.faults(rule(**fields))
    assert statuses(client, 3) == expected


def test_an_answer_is_as_the_rule_says(client: Any) -> None:
    action = {"status": 429, "headers": {"Retry-After": "7"}, "body": {"error_code": "X"}}
    client.faults(rule(action=action))
    reply = client.call("GET", f"{BASE}/chat")
    assert (reply.status, reply.headers["retry-after"]) == (429, "7")
    assert reply.json == {"error_code": "X"}


NO_JSON = [
    pytest.param({"body": ""}, (200, ""), id="nothing"),
    pytest.param({"status": 502, "body": "<html>"}, (502, "<html>"), id="a page of a proxy"),
    pytest.param({"status": 204}, (204, ""), id="a status without a body"),
    pytest.param({"status": 302, "headers": {"Location": "/x"}}, (302, "{}"), id="a redirect"),
]


@pytest.mark.parametrize(("action", "expected"), NO_JSON)
def test_an_answer_may_be_none_that_the_service_gives(
    client: Any, action: Any, expected: Any
) -> None:
    action = {"status": 200, "headers": {"Content-Type": "text/html"}} | action
    client.faults(rule(action=action))
    reply = client.call("GET", f"{BASE}/chat")
    assert (reply.status, reply.content.decode()) == expected
    assert len(reply.headers.get_all("content-type")) == 1


def test_rules_are_counted_listed_and_deleted(client: Any) -> None:
    client.create()
    client.faults(rule(nth=2))
    statuses(client, 3)
    (found,) = client.get("/__emulator__/faults")["rules"]
    assert (found["seen"], found["fired"]) == (3, 1)
    client.call("DELETE", "/__emulator__/faults")
    assert client.get("/__emulator__/faults") == {"rules": []}


def test_before_means_that_nothing_happened(client: Any) -> None:
    client.faults({"method": "POST", "path": BASE, "action": {"status": 500}})
    assert client.call("POST", BASE, {"name": "chat"}).status == 500
    assert client.call("GET", f"{BASE}/chat").status == 404


BROKEN = [
    pytest.param("drop", (ConnectionError, http.client.RemoteDisconnected), id="dropped"),
    pytest.param("reset", ConnectionResetError, id="reset"),
    pytest.param("truncate", http.client.IncompleteRead, id="cut in the middle"),
    pytest.param("stall", TimeoutError, id="silent in the middle"),
]


@pytest.mark.parametrize(("connection", "expected"), BROKEN)
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_connection_breaks(client: Any, connection: str, expected: Any, phase: str) -> None:
    client.faults(
        {"method": "POST", "path": BASE, "phase": phase, "action": {"connection": connection}}
    )
    with pytest.raises(expected):
        client.call("POST", BASE, {"name": "chat"}, timeout_s=0.2)
    # A lost answer does not undo what was done.
    has_happened = client.call("GET", f"{BASE}/chat").status == 200
    assert has_happened == (phase == "after")


def test_a_lost_answer_is_logged_without_a_status(client: Any) -> None:
    client.faults(rule(action={"connection": "drop"}))
    with pytest.raises(http.client.RemoteDisconnected):
        client.call("GET", f"{BASE}/chat")
    assert logged(client)[0]["status"] == 0


def test_a_stream_is_cut(client: Any, config: Any) -> None:
    client.create(config=config())
    client.faults({"path": "/**", "phase": "after", "action": {"connection": "truncate"}})
    asked = {"messages": [{"role": "user", "content": "hello"}], "stream": True}
    with pytest.raises(http.client.IncompleteRead) as found:
        client.call("POST", "/serving-endpoints/chat/invocations", asked)
    assert found.value.partial.startswith(b"data: ")
    assert b"[DONE]" not in found.value.partial


@pytest.mark.parametrize("phase", ["before", "after"])
def test_an_answer_is_late(client: Any, phase: str) -> None:
    client.create()
    client.faults(rule(phase=phase, action={"delay_ms": 80}))
    began = time.monotonic()
    assert statuses(client, 1) == [200]
    assert time.monotonic() - began >= 0.08


def test_a_late_request_is_not_yet_done(client: Any) -> None:
    client.faults(
        {"method": "POST", "path": BASE, "action": {"delay_ms": 10_000}},
        {"method": "DELETE", "path": BASE, "action": {"status": 200}},
    )
    connection = http.client.HTTPConnection("127.0.0.1", client.server.port)
    headers = {"authorization": f"Bearer {client.server.token}"}
    connection.request("POST", BASE, b'{"name": "chat"}', headers)
    while client.get("/__emulator__/faults")["rules"][0]["fired"] == 0:
        pass
    assert client.call("GET", f"{BASE}/chat").status == 404
    connection.close()


def test_the_control_routes_have_no_faults_and_no_log(client: Any) -> None:
    client.faults({"path": "/**", "times": 0, "action": {"connection": "drop"}})
    assert logged(client) == []
    assert logged(client) == []
