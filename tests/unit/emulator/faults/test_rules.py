"""Ways for a call to go wrong that only the server itself can play."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from typing import Any

import pytest

BASE = "/api/2.0/serving-endpoints"
ENDPOINTS = f"{BASE}/{{name}}"


def test_an_answer_may_be_no_http(client: Any) -> None:
    client.faults({"path": ENDPOINTS, "action": {"connection": "garbage"}})
    with pytest.raises(http.client.BadStatusLine):
        client.call("GET", f"{BASE}/chat")
    assert client.call("GET", f"{BASE}/chat").status == 404
    assert client.get("/__emulator__/requests")["requests"][0]["status"] == 0


def test_an_answer_may_be_as_large_as_anybody_likes(client: Any) -> None:
    client.faults({"path": ENDPOINTS, "action": {"status": 502, "body_bytes": 3_000_001}})
    reply = client.call("GET", f"{BASE}/chat")
    assert (reply.status, len(reply.content)) == (502, 3_000_001)


def test_an_answer_may_send_elsewhere(client: Any) -> None:
    there = {"Location": "https://attacker.example/"}
    client.faults({"path": ENDPOINTS, "action": {"status": 307, "headers": there}})
    reply = client.call("GET", f"{BASE}/chat")
    assert (reply.status, reply.headers["location"]) == (307, "https://attacker.example/")


WRONG_ACTIONS = [
    pytest.param({"body_bytes": 2**40}, id="more than anybody can want"),
    pytest.param({"delay_ms": 10**9}, id="a delay without end"),
    pytest.param({"delay_ms": True}, id="a delay that is no number"),
    pytest.param({"status": 700}, id="a status that there is not"),
    pytest.param({"status": 200, "headers": {"a b": "c"}}, id="a name that is no header"),
    pytest.param({"status": 200, "headers": {"a": "b\r\nc: d"}}, id="a header with a line end"),
    pytest.param({"status": 200, "headers": {"Content-Length": "1"}}, id="a length of its own"),
]


@pytest.mark.parametrize("action", WRONG_ACTIONS)
def test_an_action_that_could_not_work_is_refused(client: Any, action: Any) -> None:
    rules = {"rules": [{"path": "/x", "action": action}]}
    assert client.call("POST", "/__emulator__/faults", rules).code == "INVALID_PARAMETER_VALUE"


# Creates an endpoint, if need be under somebody else's number, and says so if it lives to.
CALLER = """
import http.client, os, sys
port, token, pid = sys.argv[1:]
connection = http.client.HTTPConnection("127.0.0.1", int(port))
headers = {"Authorization": "Bearer " + token, "X-Test-Kill-Me": pid or str(os.getpid())}
connection.request("POST", "/api/2.0/serving-endpoints", '{"name": "chat"}', headers)
print(connection.getresponse().status)
"""


def caller(client: Any, pid: str = "") -> subprocess.CompletedProcess[str]:
    given = [str(client.server.port), client.server.token, pid]
    return subprocess.run([sys.executable, "-c", CALLER, *given], capture_output=True, text=True)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
@pytest.mark.parametrize(("phase", "status"), [("before", 404), ("after", 200)])
def test_the_caller_is_killed_before_or_after_its_change(
    client: Any, phase: str, status: int
) -> None:
    client.faults({"path": BASE, "method": "POST", "phase": phase, "action": {"kill": True}})
    assert caller(client).returncode == -signal.SIGKILL
    assert client.call("GET", f"{BASE}/chat").status == status


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_nobody_but_the_caller_is_killed(client: Any) -> None:
    client.faults({"path": BASE, "times": 0, "action": {"kill": True}})
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        assert caller(client, str(bystander.pid)).stdout == "403\n"
        assert bystander.poll() is None
        bystander.communicate(b"\n")
    assert caller(client, str(os.getpid())).stdout == "403\n"
    for nobody in ("1", "0", "-1", "x", "99999999999"):
        assert caller(client, nobody).stdout == "400\n"


def test_a_call_without_the_header_is_refused_and_not_carried_out(client: Any) -> None:
    client.faults({"path": BASE, "action": {"kill": True}})
    assert client.call("POST", BASE, {"name": "chat"}).status == 400
    assert client.call("GET", f"{BASE}/chat").status == 404
