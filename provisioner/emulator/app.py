"""The ASGI application: reads a request, lets the dispatcher answer it, sends the answer.

Everything that may block runs in worker threads; the event loop only moves bytes and sleeps.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Generator, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.utils import formatdate
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from provisioner.emulator.dispatch import LOST, Delivery, RawRequest, RequestDispatcher
from provisioner.emulator.http.protocol import TRANSPORT, break_connection
from provisioner.emulator.http.routing import ApiError, ApiResponse, EmulatedWorkspace

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# The largest documented payload. [serving-api 3.6]
BODY_LIMIT_BYTES = 16 * 1024 * 1024
# What is read and thrown away, so that a client gets to see the answer to a body too large.
DISCARD_LIMIT_BYTES = 64 * 1024 * 1024
WORKERS = 64
# How often a stalled answer looks whether its client has gone.
STALL_CHECK_S = 0.05
# Statuses of answers that have no body. RFC 9110, 6.4.1
WITHOUT_BODY = (204, 304)
# What no client can take for an answer.
GARBAGE = b"\x00\xff\x16\x03 this is not HTTP \r\n\x00" * 8


class App:
    """Serves one workspace over HTTP, as an ASGI application."""

    def __init__(self, workspace: EmulatedWorkspace) -> None:
        self._workspace = workspace
        self._dispatcher = RequestDispatcher(workspace)
        self._latency_s = workspace.settings.latency_ms / 1000
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="local-workspace")

    def close(self) -> None:
        """Takes no further work. Work that waits for something is abandoned."""
        self._workspace.let_go()
        self._workers.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        raw = RawRequest(
            method=request.method,
            # Not the path that the framework has decoded: `%2F` in a name is no separator.
            target=scope["raw_path"].decode("ascii"),
            query=scope["query_string"].decode("ascii"),
            headers=dict(request.headers),
            body=await _body(request),
            scheme=scope["scheme"],
            client=scope["client"],
        )
        loop = asyncio.get_running_loop()
        reply = await loop.run_in_executor(self._workers, self._dispatcher.respond, raw)
        if reply.rest:
            await asyncio.sleep(reply.delay_s)
            reply = await loop.run_in_executor(self._workers, reply.rest)
        delay_s = reply.delay_s + (self._latency_s if reply.is_delayed else 0)
        if delay_s:
            await asyncio.sleep(delay_s)
        await self._send(reply, scope["state"][TRANSPORT], send)

    async def _send(self, reply: Delivery, transport: asyncio.Transport, send: Send) -> None:
        if reply.connection in LOST:
            if reply.connection == "garbage":
                transport.write(GARBAGE)
            break_connection(transport, reset=reply.connection == "reset")
            return
        is_whole = reply.connection not in ("truncate", "stall")
        response = _response(reply.answer)
        now_s = self._workspace.store.now_ms() // 1000
        response.headers["date"] = formatdate(now_s, usegmt=True)
        start = {"type": "http.response.start", "status": response.status_code}
        await send({**start, "headers": response.raw_headers})
        if reply.answer.stream is not None:
            await self._send_pieces(iter(reply.answer.stream), transport, send, is_whole=is_whole)
        else:
            content = bytes(response.body)
            sent = content if is_whole else content[: len(content) // 2]
            await send({"type": "http.response.body", "body": sent, "more_body": not is_whole})
        while reply.connection == "stall" and not transport.is_closing():
            await asyncio.sleep(STALL_CHECK_S)
        if not is_whole:
            break_connection(transport, reset=False)

    async def _send_pieces(
        self, pieces: Iterator[bytes], transport: asyncio.Transport, send: Send, *, is_whole: bool
    ) -> None:
        """Sends each piece as soon as it exists, until the client has gone.

        Only one piece if not ``is_whole``.
        """
        loop = asyncio.get_running_loop()
        try:
            while not transport.is_closing():
                piece = await loop.run_in_executor(self._workers, next, pieces, None)
                if piece is None:
                    await send({"type": "http.response.body", "body": b""})
                    return
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                if not is_whole:
                    return
        finally:
            if isinstance(pieces, Generator):
                # A worker may still be inside when the server stops; then it ends there.
                with suppress(ValueError):
                    pieces.close()


def _response(answer: ApiResponse) -> Response:
    """Returns the answer with its headers. A stream's body is sent elsewhere, piece by piece."""
    given = {name.lower(): value for name, value in answer.headers.items()}
    headers = {"content-type": answer.content_type} | given
    response = Response(_content(answer), answer.status, headers)
    if answer.stream is not None:
        del response.headers["content-length"]
    return response


def _content(answer: ApiResponse) -> bytes:
    if answer.status in WITHOUT_BODY or answer.stream is not None:
        return b""
    if answer.text is not None:
        return answer.text.encode()
    # An empty body makes MLflow fail, also after a successful delete. [serving-api 9.2]
    return json.dumps({} if answer.json is None else answer.json).encode()


async def _body(request: Request) -> bytes | ApiError:
    """Reads the whole body. Returns an error for a body larger than any that the service takes."""
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        pieces.append(piece)
        if size > BODY_LIMIT_BYTES:
            pieces.clear()
        if size > DISCARD_LIMIT_BYTES:
            break
    # rule(documented): A body has at most 16 MB, the largest documented payload; the code is
    #     assumed. [serving-api 3.6]
    if size > BODY_LIMIT_BYTES:
        return ApiError(400, "BAD_REQUEST", "The request body is larger than 16 MB.")
    return b"".join(pieces)
