"""What any client may send, and what none must ever get back."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running

BASE = "/api/2.0/serving-endpoints"
ME = "/api/2.0/preview/scim/v2/Me"

SAME_PATH = [
    pytest.param(f"{BASE}/chat/", id="a trailing slash"),
    pytest.param(f"{BASE}/chat?", id="a lone question mark"),
    pytest.param(f"{BASE}/chat/?", id="both"),
    pytest.param(f"/{BASE}/chat", id="a doubled slash"),
    pytest.param(f"{BASE}/%63hat", id="a percent-encoded letter"),
    pytest.param(f"http://127.0.0.1{BASE}/chat", id="absolute form, as through a proxy"),
    pytest.param(f"HTTP://LOCALHOST:1{BASE}/chat/", id="absolute form in capitals"),
    pytest.param(f"{BASE}/chat?config_version=1", id="a parameter nobody knows"),
]


@pytest.mark.parametrize("path", SAME_PATH)
def test_one_resource_has_many_spellings(client: Any, path: str) -> None:
    client.create()
    assert client.get(path)["name"] == "chat"


def test_an_encoded_slash_belongs_to_the_name(client: Any) -> None:
    reply = client.call("GET", f"{BASE}/a%2Fconfig")
    assert (reply.status, reply.code) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert "'a/config'" in reply.json["message"]


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "text/json", "text/plain; charset=utf-8"],
)
def test_the_body_is_json_whatever_its_type_says(client: Any, content_type: str) -> None:
    body = json.dumps({"name": "chat"}).encode()
    assert client.call("POST", BASE, body, **{"content-type": content_type}).status == 200


def test_a_body_may_wait_for_100_continue(client: Any) -> None:
    body = b'{"name": "chat"}'
    head = (
        f"POST {BASE} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
        f"Authorization: Bearer {client.server.token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", client.server.port)) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


def test_a_kept_connection_is_not_slowed_by_nagle(client: Any) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client.server.port)
    headers = {"authorization": f"Bearer {client.server.token}"}
    began = time.monotonic()
    for _ in range(20):
        connection.request("GET", BASE, headers=headers)
        connection.getresponse().read()
    connection.close()
    # With the stall each of them takes 44 ms.
    assert time.monotonic() - began < 0.5


NOT_A_REQUEST = [
    pytest.param(b"{", "MALFORMED_REQUEST", id="cut JSON"),
    pytest.param(b"[" * 100_000, "MALFORMED_REQUEST", id="JSON nested too deep to read"),
    pytest.param(b"[]", "MALFORMED_REQUEST", id="JSON but no object"),
    pytest.param(b'{"name": NaN}', "MALFORMED_REQUEST", id="a number that JSON has not"),
    pytest.param(b"\xff\xfe\xfd", "MALFORMED_REQUEST", id="bytes that are no text"),
    pytest.param(b"", "INVALID_PARAMETER_VALUE", id="nothing, where a name is needed"),
    pytest.param(b" " * (16 * 1024 * 1024 + 1), "BAD_REQUEST", id="more than 16 MB"),
    pytest.param(b" " * (48 * 1024 * 1024), "BAD_REQUEST", id="three times as much"),
]


@pytest.mark.parametrize(("body", "code"), NOT_A_REQUEST)
def test_a_body_that_cannot_be_read_is_400(client: Any, body: bytes, code: str) -> None:
    reply = client.call("POST", BASE, body)
    assert (reply.status, reply.code) == (400, code)


def test_half_a_surrogate_pair_is_400(client: Any) -> None:
    path = "/api/2.0/secrets/acls/put"
    client.post("/api/2.0/secrets/scopes/create", {"scope": "s"})
    body = b'{"scope": "s", "principal": "\\ud800", "permission": "READ"}'
    assert client.call("POST", path, body).code == "MALFORMED_REQUEST"


def test_what_is_no_http_is_answered_in_json(client: Any) -> None:
    with socket.create_connection(("127.0.0.1", client.server.port)) as connection:
        connection.sendall(b"GET / HTTP/9.9\r\nno colon\r\n\r\n")
        with connection.makefile("rb") as file:
            head, _, body = file.read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error_code"] == "MALFORMED_REQUEST"


UNKNOWN = [
    pytest.param("POST", "/", id="the root, which is only a page"),
    pytest.param("GET", "/api/2.0/clusters/list", id="another API"),
    pytest.param("PUT", BASE, id="a method that the path has not"),
    pytest.param("HEAD", f"{BASE}/chat", id="HEAD"),
    pytest.param("OPTIONS", "*", id="OPTIONS"),
    pytest.param("GET", f"{BASE}/chat/a/b/c/d", id="a path that goes on"),
    pytest.param("DELETE", "/__emulator__/everything", id="a control route that is none"),
]


@pytest.mark.parametrize(("method", "path"), UNKNOWN)
def test_an_unknown_route_is_501(client: Any, method: str, path: str) -> None:
    assert client.call(method, path).status == 501


def test_an_unknown_route_is_named(client: Any) -> None:
    reply = client.call("PATCH", "/api/2.1/jobs/?x=1")
    assert reply.code == "NOT_IMPLEMENTED"
    assert "PATCH /api/2.1/jobs" in reply.json["message"]


def test_a_crash_is_500_in_json_and_says_nothing_of_the_data(
    tmp_path: Path, client_of: Any
) -> None:
    state = tmp_path / "state.sqlite"
    with running(Settings(state=state)) as server:
        client_of(server).create()
        with sqlite3.connect(state) as connection:
            connection.execute("UPDATE endpoints SET record = 'sk-secret {' WHERE name = 'chat'")
        connection.close()
        reply = client_of(server).call("GET", f"{BASE}/chat")
    assert (reply.status, reply.code) == (500, "INTERNAL_ERROR")
    assert "JSONDecodeError at decoder.py" in reply.json["message"]
    assert "sk-secret" not in reply.json["message"]


def test_a_store_that_is_broken_is_500_in_json(tmp_path: Path, client_of: Any) -> None:
    state = tmp_path / "state.sqlite"
    with running(Settings(state=state)) as server:
        with sqlite3.connect(state) as connection:
            connection.execute("DROP TABLE faults")
        connection.close()
        reply = client_of(server).call("GET", BASE)
    assert (reply.status, reply.code) == (500, "INTERNAL_ERROR")


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_the_token_is_taken_as_bearer_and_as_password(client: Any) -> None:
    token = client.server.token
    for authorization in (f"Bearer {token}", f"bearer {token}", basic("token", token)):
        assert client.call("GET", ME, authorization=authorization).status == 200


WRONG_TOKEN = [
    pytest.param("", id="none"),
    pytest.param("Bearer wrong", id="another one"),
    pytest.param("Bearer wröng", id="one that is not ASCII"),
    pytest.param(basic("token", "wrong"), id="another one as password"),
    pytest.param("Basic !!!", id="a password that is not base64"),
    pytest.param("Digest a", id="another scheme"),
]


@pytest.mark.parametrize("authorization", WRONG_TOKEN)
@pytest.mark.parametrize("path", [BASE, "/nothing", "/__emulator__/requests"])
def test_without_the_token_there_is_401(client: Any, path: str, authorization: str) -> None:
    reply = client.call("GET", path, authorization=authorization)
    assert (reply.status, reply.code) == (401, "UNAUTHENTICATED")


def test_the_token_as_password_of_somebody_else_is_refused(client: Any) -> None:
    authorization = basic("somebody", client.server.token)
    assert client.call("GET", ME, authorization=authorization).status == 401


HOSTS = [
    pytest.param("127.0.0.1", 200, id="the address"),
    pytest.param("127.0.0.1:1", 200, id="another port, as old clients send it"),
    pytest.param("LOCALHOST:8080", 200, id="the name"),
    pytest.param("[::1]:8080", 200, id="the newer address"),
    pytest.param("attacker.example:80", 403, id="a name that was made to resolve to us"),
    pytest.param("localhost.attacker.example", 403, id="a name that begins like ours"),
    pytest.param("127.0.0.1.attacker.example", 403, id="a name that begins like our address"),
    pytest.param("", 403, id="an empty name"),
]


@pytest.mark.parametrize(("host", "status"), HOSTS)
@pytest.mark.parametrize("path", [ME, "/.well-known/databricks-config", "/__emulator__/requests"])
def test_only_names_of_the_loopback_are_ours(
    client: Any, path: str, host: str, status: int
) -> None:
    assert client.call("GET", path, host=host).status == status


def test_an_absolute_target_must_be_ours_too(client: Any) -> None:
    reply = client.call("GET", f"http://attacker.example{ME}", host="127.0.0.1")
    assert (reply.status, reply.code) == (403, "PERMISSION_DENIED")


def test_discovery_needs_no_token(client: Any) -> None:
    found = client.call("GET", "/.well-known/databricks-config", authorization="").json
    assert found == {"oidc_endpoint": f"{client.server.url}/oidc", "workspace_id": "900800700600"}


def test_the_caller_learns_who_it_is(client: Any) -> None:
    reply = client.call("GET", ME)
    assert reply.headers["X-Databricks-Org-Id"] == "900800700600"
    assert reply.json["userName"] == "local-user@example.com"
    assert reply.json["active"] is True
    assert {group["display"] for group in reply.json["groups"]} == {"admins", "users"}


def test_telemetry_of_clients_is_taken(client: Any) -> None:
    assert client.post("/telemetry-ext", {"items": []}) == {}


FORM = b"grant_type=client_credentials&scope=all-apis"


def test_client_credentials_give_a_token(client: Any) -> None:
    discovery = "/oidc/.well-known/oauth-authorization-server"
    discovered = client.call("GET", discovery, authorization="")
    assert discovered.json["token_endpoint"] == f"{client.server.url}/oidc/v1/token"
    authorization = basic("any-client", client.server.token)
    answer = client.call("POST", "/oidc/v1/token", FORM, authorization=authorization).json
    assert answer["token_type"] == "Bearer"
    granted = f"Bearer {answer['access_token']}"
    assert client.call("GET", ME, authorization=granted).status == 200


@pytest.mark.parametrize(
    ("form", "password", "status"),
    [
        pytest.param(FORM, "wrong", 401, id="a wrong secret"),
        pytest.param(b"grant_type=password", "", 400, id="another grant"),
    ],
)
def test_other_clients_get_no_token(client: Any, form: bytes, password: str, status: int) -> None:
    reply = client.call("POST", "/oidc/v1/token", form, authorization=basic("a", password))
    assert reply.status == status
    assert "error" in reply.json
