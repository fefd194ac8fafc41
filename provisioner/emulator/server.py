"""Starts and stops the local workspace: one thread, one socket on 127.0.0.1, no output."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Generator, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from types import FrameType
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import Response

from provisioner.emulator.dispatch import LOST, Delivery, RawRequest, RequestDispatcher
from provisioner.emulator.http.protocol import TRANSPORT, EmulatorProtocol, break_connection
from provisioner.emulator.http.routing import ApiError, ApiResponse, EmulatedWorkspace
from provisioner.emulator.http.settings import Settings
from provisioner.emulator.http.store import Store
from provisioner.emulator.inference.upstream import UpstreamConnections
from provisioner.emulator.serving.system_endpoints import add_missing
from provisioner.emulator.sql.executions import StatementExecutions

# Only this one: the server has no other protection than its token.
LOOPBACK = "127.0.0.1"
BACKLOG = 2048
# What ``running`` and ``serve`` raise when they cannot start.
START_ERRORS = (OSError, sqlite3.DatabaseError)
# Longer than clients keep an idle connection, so that a request never meets a closing one.
KEEP_ALIVE_S = 75


@dataclass(frozen=True, slots=True)
class Running:
    """A started local workspace: what a client needs to connect."""

    url: str
    token: str = field(repr=False)
    port: int = 0


@contextmanager
def running(settings: Settings) -> Iterator[Running]:
    """Serves until the block ends.

    Raises OSError where the port is taken or the state's folder cannot be made,
    sqlite3.DatabaseError for a state file that is none, ValueError for settings without sense;
    always before anything is started.
    """
    settings = settings.completed()
    with closing(_bind(settings.port)) as listener, closing(Store(settings.state)) as store:
        with store.transaction():
            add_missing(store)
        app = App(EmulatedWorkspace(store, settings, StatementExecutions(), UpstreamConnections()))
        server = _Server(_config(settings, app))
        port = listener.getsockname()[1]
        with closing(app), server.in_thread(listener):
            scheme = "https" if settings.certificate else "http"
            yield Running(f"{scheme}://{LOOPBACK}:{port}", settings.token, port)


def serve(settings: Settings, ready: Callable[[Running], None]) -> None:
    """Serves until SIGINT or SIGTERM; ``ready`` is called once, as soon as requests are answered.

    Runs in the main thread only. Raises what ``running`` raises.
    """
    stop = threading.Event()
    with running(settings) as server, _signals_set(stop):
        ready(server)
        stop.wait()


@contextmanager
def _signals_set(stop: threading.Event) -> Iterator[None]:
    def set_stop(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, set_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _bind(port: int) -> socket.socket:
    # The protocol is named because asyncio switches Nagle's algorithm off only where it is:
    # with it, each call on a kept connection takes 44 ms. [serving-api 9.12]
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        # Listening at once: two sockets may be bound to a port, but only one may listen.
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _config(settings: Settings, app: App) -> uvicorn.Config:
    certificate, key = settings.certificate or (None, None)
    return uvicorn.Config(
        app,
        http=EmulatorProtocol,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        # Higher than CRITICAL: without a configuration Python prints warnings to stderr.
        log_level=100,
        access_log=False,
        server_header=False,
        # The application sends the date of its own clock, which tests move forward.
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        # What still runs when the server stops is cut off.
        timeout_graceful_shutdown=0,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )


class _Server(uvicorn.Server):
    """uvicorn's server with a start and a stop that can be waited for."""

    def __init__(self, config: uvicorn.Config) -> None:
        # Here, not in the thread: a bad certificate has to be the caller's error.
        config.load()
        super().__init__(config)
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    @contextmanager
    def in_thread(self, listener: socket.socket) -> Iterator[None]:
        """Serves from a thread of its own until the block ends. Raises OSError."""
        thread = threading.Thread(
            target=self._run_in_thread, args=(listener,), name="local-workspace", daemon=True
        )
        thread.start()
        self._started.wait()
        if not self.started:
            raise OSError("the server could not be started")
        try:
            yield
        finally:
            if self._loop and self._stop:
                self._loop.call_soon_threadsafe(self._stop.set)
            thread.join()

    def _run_in_thread(self, listener: socket.socket) -> None:
        try:
            asyncio.run(self.serve(sockets=[listener]))
        finally:
            self._started.set()

    async def main_loop(self) -> None:
        """Waits for the stop; uvicorn's own loop checks for it ten times a second."""
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._started.set()
        stopped = asyncio.ensure_future(self._stop.wait())
        seconds = 0
        while not stopped.done():
            # A multiple of ten makes uvicorn renew its Date header.
            await self.on_tick(seconds * 10)
            await asyncio.wait([stopped], timeout=1)
            seconds += 1

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Like uvicorn's own, which sleeps 0.1 s even when no connection is left."""
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        # A transport reports its end in the next round of the event loop.
        await asyncio.sleep(0)
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)


# The ASGI application: reads a request, lets the dispatcher answer it, sends the answer.
# Everything that may block runs in worker threads; the event loop only moves bytes and sleeps.

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
