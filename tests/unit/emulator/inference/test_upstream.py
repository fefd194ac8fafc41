"""Queries that a model server answers: what it is sent, what the client gets, what stays secret."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.inference.upstream import (
    UpstreamConnections,
    UpstreamError,
    UpstreamRequest,
    ask,
)
from provisioner.emulator.server import running

KEY = "sk-of-the-endpoint"
HELLO = {"messages": [{"role": "user", "content": "hello"}]}
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
ANSWERS = {
    "/v1/chat/completions": {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "write to ann@example.com"},
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    },
    "/v1/completions": {
        "object": "text_completion",
        "choices": [{"index": 0, "text": "done", "finish_reason": "stop"}],
    },
    "/v1/embeddings": {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.5]}],
        "usage": {"prompt_tokens": 2, "total_tokens": 2},
    },
}


class ModelServer(ThreadingHTTPServer):
    """Stands in for an OpenAI-compatible server. ``next_status`` makes its next answers errors."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.errors: list[tuple[int, Any]] = []
        self.cut_after = 99

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ModelServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((self.path, headers, body))
        if self.server.errors:
            status, said = self.server.errors.pop(0)
            return self._whole(status, said)
        if body.get("stream"):
            return self._streamed(body)
        return self._whole(200, {**ANSWERS[self.path], "model": body["model"]})

    def _whole(self, status: int, said: Any) -> None:
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.send_header("retry-after", "7")
        self.send_header("location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()
        self.wfile.write(content)

    def _streamed(self, body: Any) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        words = ["one ", "two ", "three"]
        pieces = [{"choices": [{"index": 0, "delta": {"content": word}}]} for word in words]
        lines = [": a comment", *(f"data: {json.dumps(piece)}" for piece in pieces)]
        lines.append("data: " + json.dumps({"choices": [], "usage": USAGE}))
        for line in [*lines, "data: [DONE]"][: self.server.cut_after]:
            content = f"{line}\r\n\r\n".encode()
            self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        if self.server.cut_after < 99:
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


@pytest.fixture
def model_server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def forwarding(model_server, client):
    with running(Settings(upstream=model_server.url)) as server:
        yield type(client)(server)


@pytest.fixture
def keyed(forwarding, external):
    """An entity whose key is in a secret."""
    forwarding.post("/api/2.0/secrets/scopes/create", {"scope": "keys"})
    secret = {"scope": "keys", "key": "openai", "string_value": f"{KEY}\n"}
    forwarding.post("/api/2.0/secrets/put", secret)

    def made(*args: Any, **changed: Any) -> Any:
        entity = external(*args, **changed)
        entity["external_model"]["openai_config"] = {"openai_api_key": "{{secrets/keys/openai}}"}
        return entity

    return made


TASKS = [
    ("chat", HELLO, "/v1/chat/completions"),
    ("completions", {"prompt": "hello"}, "/v1/completions"),
    ("embeddings", {"input": ["hello"]}, "/v1/embeddings"),
]


@pytest.mark.parametrize("case", TASKS, ids=lambda case: case[0])
def test_a_query_is_forwarded_with_key_and_model_of_its_entity(
    forwarding, model_server, keyed, case
):
    task, body, path = case
    forwarding.serve("real", keyed("gpt", task))
    reply = forwarding.query("real", {**body, "client_request_id": "1", "extra_params": {"k": "v"}})
    assert reply.json == {**ANSWERS[path], "model": "gpt-4o"}
    assert reply.headers["served-model-name"] == "gpt"
    assert "x-made-up-by" not in reply.headers
    ((asked_path, headers, sent),) = model_server.asked
    assert (asked_path, sent) == (path, {**body, "k": "v", "model": "gpt-4o"})
    assert headers["authorization"] == f"Bearer {KEY}"


def test_an_openai_client_path_is_forwarded_with_the_model_of_the_entity(
    forwarding, model_server, keyed
):
    forwarding.serve("real", keyed("gpt"))
    assert forwarding.post("/serving-endpoints/chat/completions", {**HELLO, "model": "real"})
    assert model_server.asked[0][2]["model"] == "gpt-4o"


def test_a_foundation_model_is_asked_without_a_key(forwarding, model_server):
    assert forwarding.query("databricks-dbrx-instruct", HELLO).status == 200
    ((_, headers, sent),) = model_server.asked
    assert "authorization" not in headers
    assert sent["model"] == "system.ai.dbrx_instruct"


def test_one_model_can_stand_in_for_all(model_server, client):
    with running(Settings(upstream=model_server.url, upstream_model="llama3.2")) as server:
        type(client)(server).query("databricks-dbrx-instruct", HELLO)
    assert model_server.asked[0][2]["model"] == "llama3.2"


def test_a_custom_model_is_not_asked_there(forwarding, model_server, custom):
    forwarding.serve("rows", custom())
    assert "x-made-up-by" in forwarding.query("rows", {"inputs": [1]}).headers
    assert model_server.asked == []


def test_a_stream_is_handed_on_and_charged(forwarding, keyed):
    limit = {"key": "endpoint", "renewal_period": "minute", "tokens": 7}
    forwarding.serve("real", keyed("gpt"), gateway={"rate_limits": [limit]})
    reply = forwarding.query("real", {**HELLO, "stream": True})
    lines = [line for line in reply.content.decode().split("\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    words = [choice["delta"]["content"] for chunk in chunks for choice in chunk["choices"]]
    assert words == ["one ", "two ", "three"]
    assert forwarding.query("real", HELLO).status == 429


def test_a_stream_that_breaks_says_so(forwarding, model_server, keyed):
    forwarding.serve("real", keyed("gpt"))
    model_server.cut_after = 3
    reply = forwarding.query("real", {**HELLO, "stream": True})
    chunks = [line for line in reply.content.decode().split("\n") if "error" in line]
    assert "The provider stopped" in chunks[0]


ERRORS = [
    (401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}, 401, "UNAUTHENTICATED"),
    (429, {"error": {"message": "slow down"}}, 429, "RESOURCE_EXHAUSTED"),
    (422, {"detail": "no"}, 400, "BAD_REQUEST"),
    (302, b"", 503, "TEMPORARILY_UNAVAILABLE"),
    (500, b"<html>oops</html>", 500, "INTERNAL_ERROR"),
    (200, b"not JSON", 503, "TEMPORARILY_UNAVAILABLE"),
    (200, [1], 503, "TEMPORARILY_UNAVAILABLE"),
]


@pytest.mark.parametrize("case", ERRORS, ids=lambda case: f"{case[0]} {case[3]}")
def test_an_error_is_that_of_a_provider_and_never_tells_the_key(
    forwarding, model_server, keyed, case
):
    status, said, shown, code = case
    forwarding.serve("real", keyed("gpt"))
    model_server.errors = [(status, said)]
    reply = forwarding.query("real", HELLO)
    assert (reply.status, reply.json["error_code"]) == (shown, code)
    assert reply.json["external_model_provider"] == "openai"
    assert KEY not in reply.content.decode()
    if status in (401, 429):
        assert reply.headers["retry-after"] == "7"
        assert "error" in reply.json["external_model_message"]
    log = forwarding.call("GET", "/__emulator__/requests").content.decode()
    assert f"Bearer {KEY}" not in log


def test_a_server_that_is_not_there(forwarding, client, external):
    with running(Settings(upstream="http://127.0.0.1:9/v1")) as server:
        far = type(client)(server)
        far.serve("real", external("gpt"))
        reply = far.query("real", HELLO)
    assert (reply.status, reply.json["error_code"]) == (503, "TEMPORARILY_UNAVAILABLE")


def test_the_next_entity_is_asked_after_an_error(forwarding, model_server, keyed):
    gateway = {"fallback_config": {"enabled": True}}
    entities = (keyed("first"), keyed("second", model="other"))
    forwarding.serve("real", *entities, gateway=gateway, first=100, second=0)
    model_server.errors = [(500, {})]
    assert forwarding.query("real", HELLO).headers["served-model-name"] == "second"
    assert [sent["model"] for _, _, sent in model_server.asked] == ["gpt-4o", "other"]


@pytest.mark.parametrize("stream", [False, True])
def test_guardrails_see_questions_and_answers(forwarding, model_server, keyed, stream):
    mask = {"pii": {"behavior": "MASK"}}
    forwarding.serve("real", keyed("gpt"), gateway={"guardrails": {"input": mask, "output": mask}})
    question = {"role": "user", "content": "I am bob@example.com"}
    body = {"messages": [{"role": "system", "content": "short"}, question], "stream": stream}
    said = forwarding.query("real", body).content.decode()
    assert "write to <EMAIL_ADDRESS>" in said
    assert "ann@example.com" not in said
    sent = model_server.asked[0][2]["messages"]
    assert [message["content"] for message in sent] == ["short", "I am <EMAIL_ADDRESS>"]


def test_a_workspace_that_stops_waits_for_no_model():
    lines = UpstreamConnections()
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as pool:
        question = UpstreamRequest(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", {}, {})
        asked = pool.submit(ask, lines, question)
        line, _ = silent.accept()
        with line:
            assert line.recv(4) == b"POST"
            lines.hang_up()
            assert isinstance(asked.exception(timeout=10), UpstreamError)


URLS = ["ftp://127.0.0.1", "http://10.0.0.1/v1", "http://models.example.com", "https://u:p@host/v1"]


@pytest.mark.parametrize("url", URLS)
def test_keys_go_to_no_other_place(url):
    with pytest.raises(ValueError, match="upstream"):
        Settings(upstream=url).completed()


@pytest.mark.parametrize("stream", [False, True])
def test_a_response_is_asked_as_a_chat(forwarding, model_server, keyed, stream):
    forwarding.serve("real", keyed("gpt"))
    body = {"model": "real", "input": "hello", "instructions": "short", "stream": stream}
    reply = forwarding.post("/serving-endpoints/responses", body)
    assert b"write to ann@example.com" in reply.content
    ((path, _, sent),) = model_server.asked
    assert path == "/v1/chat/completions"
    messages = [{"role": "system", "content": "short"}, {"role": "user", "content": "hello"}]
    assert sent == {"messages": messages, "model": "gpt-4o"}
