"""Starts and stops the local workspace: one thread, one socket on 127.0.0.1, no output."""

from __future__ import annotations

import asyncio
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from types import FrameType

import uvicorn

from provisioner.emulator.app import App
from provisioner.emulator.http.protocol import EmulatorProtocol
from provisioner.emulator.http.routing import EmulatedWorkspace
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
