"""Ends a statement that runs, from another thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from provisioner.emulator.sql_errors import StatementError


class Interruptible(Protocol):
    """What the engine's connections can do while another thread uses them."""

    def interrupt(self) -> None: ...


class Stop:
    """Asked for once and for all; also before the run has begun."""

    def __init__(self) -> None:
        self.requested = threading.Event()
        self._connection: Interruptible | None = None
        self._lock = threading.Lock()

    def now(self) -> None:
        with self._lock:
            self.requested.set()
            if self._connection is not None:
                self._connection.interrupt()

    def check(self) -> None:
        """Raises StatementError where the end was asked for."""
        if self.requested.is_set():
            raise StatementError("The statement was canceled.", "CANCELLED")

    @contextmanager
    def on(self, connection: Interruptible) -> Iterator[None]:
        """While the connection is open, a stop interrupts what runs on it."""
        with self._lock:
            self._connection = connection
        try:
            yield
        finally:
            with self._lock:
                self._connection = None
