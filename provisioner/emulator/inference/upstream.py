"""The client of an OpenAI-compatible server: one POST, whole or streamed, no retries or redirects.

Loopback over http, everything else over https. Keys are in headers, and never in a message.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

import urllib3
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError, TimeoutError

from provisioner.emulator.http.routing import ModelServer

CONNECT_TIMEOUT_S = 5.0
# Between two pieces of an answer: a model on a laptop thinks before it speaks.
READ_TIMEOUT_S = 300.0
LARGEST_ANSWER_BYTES = 64 * 1024 * 1024
LARGEST_LINE_BYTES = 4 * 1024 * 1024
# What a client may see of an error.
LARGEST_ERROR_BYTES = 16 * 1024
DONE = "[DONE]"
SHORTEST_KEY = 8


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """One call of the upstream."""

    url: str
    body: Mapping[str, Any] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class UpstreamError(Exception):
    """An error of the upstream, or no answer. ``body`` is its body, without the key."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


class UpstreamConnections:
    """Holds the connections of one local workspace to its upstream."""

    def __init__(self) -> None:
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self.pool = urllib3.PoolManager(
            maxsize=16,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
        )
        self.pool.pool_classes_by_scheme = {
            "http": _watch_sockets(HTTPConnectionPool, self._sockets),
            "https": _watch_sockets(HTTPSConnectionPool, self._sockets),
        }

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """Sends a request and returns the response before its body is read."""
        return self.pool.request(
            "POST", url, body=body, headers=headers, redirect=False, preload_content=False
        )

    def hang_up(self) -> None:
        """Ends every call that waits for an answer, so that a server can stop."""
        for line in list(self._sockets):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self.pool.clear()


def _watch_sockets(pool: type[HTTPConnectionPool], sockets: WeakSet[socket.socket]) -> Any:
    """Returns a pool class that puts the socket of each new connection into ``sockets``."""
    known: Any = pool.ConnectionCls

    class WatchedConnection(known):  # type: ignore[misc]  # the library has a class for each scheme
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    return type("Pool", (pool,), {"ConnectionCls": WatchedConnection})


def ask(lines: ModelServer, question: UpstreamRequest) -> dict[str, Any]:
    """Returns the answer as JSON. Raises UpstreamError."""
    response = _send(lines, question)
    try:
        content = response.read(LARGEST_ANSWER_BYTES + 1, decode_content=True)
    except HTTPError as error:
        raise _connection_error(error) from error
    finally:
        response.release_conn()
    try:
        answer = json.loads(content) if len(content) <= LARGEST_ANSWER_BYTES else None
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise UpstreamError(
            503, {"message": "the answer of the upstream server is not a JSON object"}
        )
    return answer


def stream(lines: ModelServer, question: UpstreamRequest) -> Iterator[dict[str, Any]]:
    """Yields the chunks of a streamed answer.

    Raises UpstreamError: at once for an answer that is an error, and in between where the stream
    breaks.
    """
    return _chunks(_send(lines, question))


def _chunks(response: urllib3.BaseHTTPResponse) -> Iterator[dict[str, Any]]:
    try:
        for line in _lines(response):
            text = line.decode("utf-8", "replace").strip()
            if not text.startswith("data:"):
                continue
            data = text.removeprefix("data:").strip()
            if data == DONE:
                return
            chunk = json.loads(data)
            if isinstance(chunk, dict):
                yield chunk
    except HTTPError as error:
        raise _connection_error(error) from error
    except (ValueError, RecursionError) as error:
        raise UpstreamError(
            503, {"message": "a chunk from the upstream server is not JSON"}
        ) from error
    finally:
        # Not given back: what is left of a stream that was given up would be the next answer.
        response.close()


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    rest = b""
    while piece := response.read1(decode_content=True):
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
        if len(rest) > LARGEST_LINE_BYTES:
            raise UpstreamError(503, {"message": "a line from the upstream server is too long"})
    yield rest


def _send(lines: ModelServer, question: UpstreamRequest) -> urllib3.BaseHTTPResponse:
    content = json.dumps(question.body).encode()
    headers = {"Content-Type": "application/json", **question.headers}
    try:
        response: urllib3.BaseHTTPResponse = lines.post(question.url, content, headers)
        if response.status == 200:
            return response
        error_body = response.read(LARGEST_ERROR_BYTES, decode_content=True)
        response.close()
    except (HTTPError, ValueError) as error:
        raise _connection_error(error) from error
    passed = {k: v for k, v in response.headers.items() if k.lower() == "retry-after"}
    raise UpstreamError(response.status, _mask_keys(error_body, question), passed)


def _mask_keys(error_body: bytes, question: UpstreamRequest) -> Any:
    """Returns the body of an error without keys: servers repeat the key that they refuse."""
    text = error_body.decode("utf-8", "replace")
    for value in question.headers.values():
        key = value.removeprefix("Bearer ")
        if len(key) >= SHORTEST_KEY:
            text = text.replace(key, "[key]")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return {"message": text}


def _connection_error(error: Exception) -> UpstreamError:
    """Returns the error for no answer, by its type: the library's text may hold the request."""
    # A closed port counts as a timeout in urllib3.
    if isinstance(error, TimeoutError) and not isinstance(error, NewConnectionError):
        return UpstreamError(504, {"message": "the upstream server took too long"})
    return UpstreamError(
        503, {"message": f"cannot reach the upstream server: {type(error).__name__}"}
    )
