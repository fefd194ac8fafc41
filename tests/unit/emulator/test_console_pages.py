"""The files of the console: what a browser gets, what it may do with it, who may ask."""

from __future__ import annotations

import http.client
import re
from pathlib import Path
from typing import Any

import pytest

from provisioner.emulator.control import FOLDER, TYPES

BASE = "/api/2.0/serving-endpoints"
ME = "/api/2.0/preview/scim/v2/Me"
FILES = sorted(file.name for file in FOLDER.iterdir())
PATHS = ["/", *(f"/console/{name}" for name in FILES)]


def raw(client: Any, method: str, path: str, **headers: str) -> Any:
    """Without a token, as a browser asks for a page."""
    connection = http.client.HTTPConnection("127.0.0.1", client.server.port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("path", PATHS)
def test_a_file_needs_no_token_and_may_do_nothing_foreign(client: Any, path: str) -> None:
    status, headers, content = raw(client, "GET", path)
    assert status == 200
    assert content
    assert headers["content-type"] == TYPES[Path(path).suffix or ".html"]
    policy = headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_page_itself_is_html(client: Any) -> None:
    _, headers, content = raw(client, "GET", "/")
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert content.startswith(b"<!doctype html>")


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_the_body(client: Any, path: str) -> None:
    status, headers, content = raw(client, "HEAD", path)
    whole = raw(client, "GET", path)
    assert (status, content) == (200, b"")
    assert headers["content-length"] == str(len(whole[2]))
    assert headers["etag"] == whole[1]["etag"]


def test_a_known_file_is_not_sent_again(client: Any) -> None:
    _, headers, _ = raw(client, "GET", "/console/main.js")
    assert headers["cache-control"] == "no-cache"
    tag = headers["etag"]
    status, headers, content = raw(client, "GET", "/console/main.js", **{"if-none-match": tag})
    assert (status, content, headers["etag"]) == (304, b"", tag)
    assert raw(client, "GET", "/console/dom.js", **{"if-none-match": tag})[0] == 200


@pytest.mark.parametrize(
    "name", ["none.js", "..", "%2e%2e", "..%2fpages.py", "%2fetc%2fpasswd", "MAIN.JS", "main.js%00"]
)
def test_nothing_else_is_a_file(client: Any, name: str) -> None:
    status, _, content = raw(client, "GET", f"/console/{name}")
    assert status == 404
    assert b"RESOURCE_DOES_NOT_EXIST" in content


def test_the_page_names_only_files_that_are_there() -> None:
    named = set()
    for name in FILES:
        text = (FOLDER / name).read_text(encoding="utf-8")
        named |= set(re.findall(r'(?:from "\./|"/console/)([^"]+)"', text))
    assert named | {"index.html"} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_no_file_loads_anything_from_elsewhere_or_writes_markup(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    text = text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|innerHTML|outerHTML|insertAdjacentHTML|\beval\(", text)
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", text)


def test_pages_are_not_in_the_log_and_no_fault_meets_them(client: Any) -> None:
    client.faults({"path": "/**", "action": {"status": 500}})
    assert [raw(client, "GET", path)[0] for path in ("/", "/console/main.js")] == [200, 200]
    assert client.get("/__emulator__/requests")["requests"] == []


OURS = "http://127.0.0.1:{port}"
ORIGINS = [
    pytest.param({}, 200, id="no browser"),
    pytest.param({"origin": OURS}, 200, id="our page"),
    pytest.param({"origin": OURS, "sec-fetch-site": "same-origin"}, 200, id="our page says so"),
    pytest.param({"sec-fetch-site": "none"}, 200, id="typed into the address bar"),
    pytest.param({"origin": "https://attacker.example"}, 403, id="a page from elsewhere"),
    pytest.param({"origin": "null"}, 403, id="a page in a sandbox, or a file"),
    pytest.param({"origin": ""}, 403, id="an empty origin"),
    pytest.param({"origin": "http://127.0.0.1:1"}, 403, id="another port of this computer"),
    pytest.param({"origin": "https://127.0.0.1:{port}"}, 403, id="another scheme"),
    pytest.param({"origin": OURS + ".attacker.example"}, 403, id="a name that begins like ours"),
    pytest.param({"sec-fetch-site": "cross-site"}, 403, id="an image elsewhere"),
    pytest.param({"sec-fetch-site": "same-site"}, 403, id="a page on another port"),
    pytest.param(
        {"origin": OURS, "sec-fetch-site": "cross-site"}, 403, id="an origin that is contradicted"
    ),
]


@pytest.mark.parametrize(("headers", "status"), ORIGINS)
@pytest.mark.parametrize("path", [ME, "/", "/__emulator__/requests", "/oidc/v1/token"])
def test_pages_of_another_origin_are_refused(
    client: Any, path: str, headers: dict[str, str], status: int
) -> None:
    port = client.server.port
    sent = {name: text.format(port=port) for name, text in headers.items()}
    sent["host"] = f"127.0.0.1:{port}"
    method = "POST" if path == "/oidc/v1/token" else "GET"
    got = client.call(method, path, **sent).status
    assert (got == 403) is (status == 403)


def test_a_preflight_of_another_origin_is_refused(client: Any) -> None:
    headers = {"origin": "https://attacker.example", "access-control-request-method": "POST"}
    reply = client.call("OPTIONS", BASE, **headers)
    assert (reply.status, reply.code) == (403, "PERMISSION_DENIED")
    assert not [name for name in reply.headers if name.lower().startswith("access-control")]


def test_a_link_to_the_console_may_be_followed(client: Any) -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-dest": "document"}
    assert raw(client, "GET", "/", **link)[0] == 200
    assert client.call("POST", BASE, {"name": "chat"}, **link).status == 403
    assert raw(client, "GET", "/", **(link | {"sec-fetch-dest": "iframe"}))[0] == 403


def test_the_newest_requests_about_one_endpoint(client: Any) -> None:
    client.create("chat")
    client.create("chatter")
    client.call("PUT", f"{BASE}/chatter/tags", b"{}")
    client.call("PATCH", f"{BASE}/chat/tags", {"add_tags": []})
    client.call("POST", "/serving-endpoints/chat/invocations", {"messages": []})
    client.call("POST", "/serving-endpoints/chat/completions", {"model": "chat"})
    client.call("POST", "/serving-endpoints/chat/completions", {"model": "chatter"})
    client.call("POST", "/serving-endpoints/x/invocations", b'{"model": NaN}')
    client.get(BASE)
    found = client.get("/__emulator__/requests?newest=10&endpoint=chatter")["requests"]
    assert [(each["method"], each["path"]) for each in found] == [
        ("POST", "/serving-endpoints/chat/completions"),
        ("PUT", f"{BASE}/chatter/tags"),
        ("POST", BASE),
    ]
    assert len(client.get("/__emulator__/requests?newest=3")["requests"]) == 3
    everything = client.get("/__emulator__/requests?newest=100")["requests"]
    assert [each["number"] for each in everything] == sorted(
        (each["number"] for each in everything), reverse=True
    )
    assert "GET" not in {each["method"] for each in everything}


@pytest.mark.parametrize("newest", ["0", "-1", "x", "", "1001"])
def test_the_number_of_newest_requests_has_bounds(client: Any, newest: str) -> None:
    reply = client.call("GET", f"/__emulator__/requests?newest={newest}")
    assert reply.code == "INVALID_PARAMETER_VALUE"
