"""The secrets API."""

from __future__ import annotations

import base64
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running

BASE = "/api/2.0/secrets"
VAULT = {"resource_id": "/subscriptions/s", "dns_name": "https://v.example.com"}


@pytest.fixture
def scope(client: Any) -> Any:
    client.post(f"{BASE}/scopes/create", {"scope": "team"})
    return client


def put(client: Any, key: str, value: str, scope: str = "team") -> None:
    client.post(f"{BASE}/put", {"scope": scope, "key": key, "string_value": value})


def value_of(client: Any, key: str) -> bytes:
    return base64.b64decode(client.get(f"{BASE}/get?scope=team&key={key}")["value"])


def refusal(client: Any, method: str, path: str, body: Any = None) -> tuple[int, str, str]:
    reply = client.call(method, f"{BASE}{path}", body)
    return reply.status, reply.code, reply.json["message"]


def test_scopes_are_listed_and_deleted(client: Any) -> None:
    assert client.get(f"{BASE}/scopes/list") == {"scopes": []}
    legacy = {"scope": "a", "scope_backend_type": "DATABRICKS", "initial_manage_principal": "users"}
    client.post(f"{BASE}/scopes/create", legacy)
    vault = {"scope_backend_type": "AZURE_KEYVAULT", "backend_azure_keyvault": VAULT}
    client.post(f"{BASE}/scopes/create", {"scope": "b"} | vault)
    scopes = sorted(client.get(f"{BASE}/scopes/list")["scopes"], key=str)
    assert sorted(scopes, key=lambda scope: scope["name"]) == [
        {"name": "a", "backend_type": "DATABRICKS"},
        {"name": "b", "backend_type": "AZURE_KEYVAULT", "keyvault_metadata": VAULT},
    ]
    assert client.post(f"{BASE}/scopes/delete", {"scope": "a"}) == {}
    assert [each["name"] for each in client.get(f"{BASE}/scopes/list")["scopes"]] == ["b"]


def test_a_scope_is_known_in_any_case(scope: Any) -> None:
    put(scope, "key", "v", scope="TEAM")
    assert value_of(scope, "key") == b"v"
    message = refusal(scope, "POST", "/scopes/create", {"scope": "Team"})
    assert message == (400, "RESOURCE_ALREADY_EXISTS", "Scope Team already exists!")


def test_secrets_are_put_read_listed_and_deleted(scope: Any) -> None:
    put(scope, "text", "grüße")
    encoded = base64.b64encode(b"\x00\xff").decode()
    scope.post(f"{BASE}/put", {"scope": "team", "key": "bytes", "bytes_value": encoded})
    assert value_of(scope, "text") == "grüße".encode()
    assert value_of(scope, "bytes") == b"\x00\xff"
    listed = scope.get(f"{BASE}/list?scope=team")["secrets"]
    assert {entry["key"] for entry in listed} == {"text", "bytes"}
    assert all(set(entry) == {"key", "last_updated_timestamp"} for entry in listed)
    assert scope.post(f"{BASE}/delete", {"scope": "team", "key": "text"}) == {}
    assert refusal(scope, "GET", "/get?scope=team&key=text")[0] == 404


def test_a_put_overwrites_and_moves_the_timestamp(scope: Any) -> None:
    put(scope, "key", "old")
    (before,) = scope.get(f"{BASE}/list?scope=team")["secrets"]
    scope.pass_time(5)
    put(scope, "key", "new")
    (after,) = scope.get(f"{BASE}/list?scope=team")["secrets"]
    assert value_of(scope, "key") == b"new"
    moved_ms = after["last_updated_timestamp"] - before["last_updated_timestamp"]
    assert 5000 <= moved_ms < 15_000


def test_a_deleted_scope_takes_all_with_it(scope: Any) -> None:
    put(scope, "key", "v")
    scope.post(f"{BASE}/acls/put", {"scope": "team", "principal": "p", "permission": "READ"})
    scope.post(f"{BASE}/scopes/delete", {"scope": "team"})
    scope.post(f"{BASE}/scopes/create", {"scope": "team"})
    assert scope.get(f"{BASE}/list?scope=team") == {"secrets": []}
    assert len(scope.get(f"{BASE}/acls/list?scope=team")["items"]) == 1


def test_the_creator_manages_a_new_scope(scope: Any) -> None:
    mine = {"principal": "local-user@example.com", "permission": "MANAGE"}
    assert scope.get(f"{BASE}/acls/list?scope=team") == {"items": [mine]}
    scope.post(f"{BASE}/scopes/create", {"scope": "all", "initial_manage_principal": "users"})
    everybody = {"principal": "users", "permission": "MANAGE"}
    assert scope.get(f"{BASE}/acls/list?scope=all") == {"items": [everybody]}


def test_a_scope_that_all_users_manage_is_managed_by_a_user_who_is_no_administrator(
    client: Any,
) -> None:
    _, ada = client.principal("ada@example.com")
    ada.post(f"{BASE}/scopes/create", {"scope": "all", "initial_manage_principal": "users"})
    ada.post(f"{BASE}/acls/put", {"scope": "all", "principal": "users", "permission": "READ"})
    items = client.get(f"{BASE}/acls/list?scope=all")["items"]
    assert items == [{"principal": "users", "permission": "READ"}]


def test_acls_are_put_read_and_deleted(scope: Any) -> None:
    for permission in ("READ", "WRITE"):
        body = {"scope": "team", "principal": "analysts", "permission": permission}
        assert scope.post(f"{BASE}/acls/put", body) == {}
    found = scope.get(f"{BASE}/acls/get?scope=team&principal=analysts")
    assert found == {"principal": "analysts", "permission": "WRITE"}
    gone = {"scope": "team", "principal": "analysts"}
    assert scope.post(f"{BASE}/acls/delete", gone) == {}
    assert refusal(scope, "POST", "/acls/delete", gone)[:2] == (404, "RESOURCE_DOES_NOT_EXIST")
    assert refusal(scope, "GET", "/acls/get?scope=team&principal=analysts")[0] == 404


MISSING_SCOPE = [
    ("POST", "/scopes/delete", {"scope": "x"}),
    ("POST", "/put", {"scope": "x", "key": "k", "string_value": "v"}),
    ("GET", "/list?scope=x", None),
    ("GET", "/get?scope=x&key=k", None),
    ("POST", "/delete", {"scope": "x", "key": "k"}),
    ("POST", "/acls/put", {"scope": "x", "principal": "p", "permission": "READ"}),
    ("GET", "/acls/list?scope=x", None),
    ("GET", "/acls/get?scope=x&principal=p", None),
    ("POST", "/acls/delete", {"scope": "x", "principal": "p"}),
]


@pytest.mark.parametrize(("method", "path", "body"), MISSING_SCOPE)
def test_a_missing_scope_is_404(client: Any, method: str, path: str, body: Any) -> None:
    expected = (404, "RESOURCE_DOES_NOT_EXIST", "Scope x does not exist!")
    assert refusal(client, method, path, body) == expected


def test_a_missing_secret_is_404(scope: Any) -> None:
    message = "Secret does not exist with scope: team and key: k"
    expected = (404, "RESOURCE_DOES_NOT_EXIST", message)
    assert refusal(scope, "GET", "/get?scope=team&key=k") == expected
    assert refusal(scope, "POST", "/delete", {"scope": "team", "key": "k"}) == expected


INVALID = [
    pytest.param("/scopes/create", {}, id="no scope"),
    pytest.param("/scopes/create", {"scope": ""}, id="an empty scope"),
    pytest.param("/scopes/create", {"scope": "a b"}, id="a scope with a blank"),
    pytest.param("/scopes/create", {"scope": "a" * 129}, id="a long scope"),
    pytest.param("/scopes/create", {"scope": 7}, id="a number as scope"),
    pytest.param(
        "/scopes/create", {"scope": "a", "initial_manage_principal": "me"}, id="another manager"
    ),
    pytest.param("/scopes/create", {"scope": "a", "scope_backend_type": "X"}, id="another backend"),
    pytest.param(
        "/scopes/create", {"scope": "a", "scope_backend_type": "AZURE_KEYVAULT"}, id="no vault"
    ),
    pytest.param(
        "/scopes/create", {"scope": "a", "backend_azure_keyvault": VAULT}, id="a vault for nothing"
    ),
    pytest.param("/put", {"key": "a/b", "string_value": "v"}, id="a key with a slash"),
    pytest.param("/put", {"string_value": "v"}, id="no key"),
    pytest.param("/put", {"key": "k"}, id="no value"),
    pytest.param("/put", {"key": "k", "string_value": "v", "bytes_value": "dg=="}, id="two values"),
    pytest.param("/put", {"key": "k", "bytes_value": "no base64!"}, id="bytes that are not base64"),
    pytest.param("/put", {"key": "k", "string_value": 7}, id="a number as value"),
    pytest.param("/put", {"key": "k", "string_value": "v" * 131_073}, id="more than 128 KB"),
    pytest.param("/acls/put", {"principal": "p", "permission": "OWN"}, id="another permission"),
    pytest.param("/acls/put", {"permission": "READ"}, id="nobody"),
]


@pytest.mark.parametrize(("path", "body"), INVALID)
def test_an_invalid_request_is_400(scope: Any, path: str, body: Any) -> None:
    named = body if path == "/scopes/create" else {"scope": "team"} | body
    assert refusal(scope, "POST", path, named)[:2] == (400, "INVALID_PARAMETER_VALUE")
    assert scope.get(f"{BASE}/list?scope=team") == {"secrets": []}


@pytest.mark.parametrize("path", ["/list", "/get?scope=team", "/acls/get?scope=team"])
def test_a_missing_parameter_is_400(scope: Any, path: str) -> None:
    assert refusal(scope, "GET", path)[:2] == (400, "INVALID_PARAMETER_VALUE")


def test_a_key_vault_is_read_only(client: Any) -> None:
    vault = {"scope_backend_type": "AZURE_KEYVAULT", "backend_azure_keyvault": VAULT}
    client.post(f"{BASE}/scopes/create", {"scope": "v"} | vault)
    body = {"scope": "v", "key": "k", "string_value": "s"}
    assert refusal(client, "POST", "/put", body)[:2] == (400, "BAD_REQUEST")


def test_a_scope_takes_a_thousand_secrets(tmp_path: Path, client_of: Any) -> None:
    state = tmp_path / "state.sqlite"
    with running(Settings(state=state)) as server:
        client = client_of(server)
        client.post(f"{BASE}/scopes/create", {"scope": "team"})
        with sqlite3.connect(state) as connection:
            rows = [("team", f"key-{number}", b"v", 0) for number in range(1000)]
            connection.executemany("INSERT INTO secrets VALUES (?, ?, ?, ?)", rows)
        connection.close()
        body = {"scope": "team", "key": "one-more", "string_value": "v"}
        assert refusal(client, "POST", "/put", body)[:2] == (400, "RESOURCE_LIMIT_EXCEEDED")
        put(client, "key-7", "changed")


def test_a_deleted_secret_leaves_no_trace_in_the_file(tmp_path: Path, client_of: Any) -> None:
    state = tmp_path / "state.sqlite"
    with running(Settings(state=state)) as server:
        client = client_of(server)
        client.post(f"{BASE}/scopes/create", {"scope": "team"})
        put(client, "key", "a-value-to-look-for")
        client.post(f"{BASE}/delete", {"scope": "team", "key": "key"})
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"a-value-to-look-for" not in content
