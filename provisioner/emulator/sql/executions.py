"""Statements while they run and after: their states, in the memory of this process.

As in the service a result can be fetched for a while; here until the newest thousand have come.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from provisioner.emulator.sql.errors import StatementError

PENDING, RUNNING, SUCCEEDED = "PENDING", "RUNNING", "SUCCEEDED"
FAILED, CANCELED = "FAILED", "CANCELED"
# rule(local): The newest 1000 statements are kept, in memory only.
MOST_KEPT = 1000
# rule(local): Eight statements run at once; further ones are PENDING until one of them has ended.
MOST_AT_ONCE = 8
# Half of the worker threads: the others answer other calls.
MOST_WAITING = 32
QUEUE_CHECK_S = 0.1
CLOSE_TIMEOUT_S = 5.0


class Interruptible(Protocol):
    """A connection of the engine that another thread can interrupt."""

    def interrupt(self) -> None: ...


class Cancellation:
    """The request to end a statement, also before its run has begun."""

    def __init__(self) -> None:
        self.requested = threading.Event()
        self._connection: Interruptible | None = None
        self._lock = threading.Lock()

    def now(self) -> None:
        """Requests the end, and interrupts what runs."""
        with self._lock:
            self.requested.set()
            if self._connection is not None:
                self._connection.interrupt()

    def check(self) -> None:
        """Raises StatementError where the end was requested."""
        # rule(documented): A statement that was canceled ends as CANCELED. [SDK: text of
        #     cancel_execution]
        if self.requested.is_set():
            raise StatementError("The statement was canceled.", "CANCELLED")

    @contextmanager
    def on(self, connection: Interruptible) -> Iterator[None]:
        """Lets a request interrupt what runs on ``connection`` during the block."""
        with self._lock:
            self._connection = connection
        try:
            yield
        finally:
            with self._lock:
                self._connection = None


Work = Callable[[Cancellation], dict[str, Any]]

"""Runs a statement; gives ``manifest`` and ``result``. Raises StatementError."""


@dataclass(slots=True)
class StatementExecution:
    """One statement. ``outcome`` is the part of its answer beside id and state."""

    creator: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = PENDING
    error: dict[str, str] | None = None
    outcome: dict[str, Any] = field(default_factory=dict)
    finished: threading.Event = field(default_factory=threading.Event)
    stop: Cancellation = field(default_factory=Cancellation)

    def run(self, work: Work) -> None:
        """Runs ``work`` and keeps its outcome or its error."""
        self.state = RUNNING
        try:
            self.outcome = work(self.stop)
            self.state = SUCCEEDED
        except StatementError as error:
            self._fail(error.error_code, error.message)
        except Exception as error:
            # The message of an unforeseen error may hold a secret; its kind does not.
            self._fail("INTERNAL_ERROR", f"The local workspace failed: {type(error).__name__}.")
        finally:
            self.finished.set()

    def _fail(self, error_code: str, message: str) -> None:
        if self.stop.requested.is_set():
            self.state = CANCELED
            return
        self.error = {"error_code": error_code, "message": message}
        self.state = FAILED

    def cancel(self, wait_s: float = CLOSE_TIMEOUT_S) -> None:
        """Requests the end, and waits for it at most ``wait_s`` seconds."""
        self.stop.now()
        self.finished.wait(wait_s)

    def shown(self) -> dict[str, Any]:
        """Returns the answer to a request for the statement."""
        state = self.state
        status: dict[str, Any] = {"state": state}
        if self.error:
            status["error"] = self.error
        outcome = self.outcome if state == SUCCEEDED else {}
        return {"statement_id": self.id, "status": status, **outcome}


def _canceled(stop: Cancellation) -> dict[str, Any]:
    stop.check()
    return {}


class StatementExecutions:
    """The statements of one process."""

    def __init__(self) -> None:
        self._kept: dict[str, StatementExecution] = {}
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._waiters = threading.BoundedSemaphore(MOST_WAITING)

    def start(self, creator: str, work: Work) -> StatementExecution:
        """Starts a statement in a thread of its own, and forgets the oldest ones."""
        started = StatementExecution(creator)
        with self._lock:
            self._kept[started.id] = started
            while len(self._kept) > MOST_KEPT:
                self._kept.pop(next(iter(self._kept))).stop.now()
        name = f"statement-{started.id[:8]}"
        threading.Thread(target=self._run, args=(started, work), name=name, daemon=True).start()
        return started

    def _run(self, execution: StatementExecution, work: Work) -> None:
        """Runs a statement when it is its turn, unless it was canceled before."""
        while not self._slots.acquire(timeout=QUEUE_CHECK_S):
            if execution.stop.requested.is_set():
                execution.run(_canceled)
                return
        try:
            execution.run(work)
        finally:
            self._slots.release()

    @contextmanager
    def waiter(self) -> Iterator[bool]:
        """Counts a request that waits during the block; gives False where there are too many."""
        is_free = self._waiters.acquire(blocking=False)
        try:
            yield is_free
        finally:
            if is_free:
                self._waiters.release()

    def find(self, statement_id: str) -> StatementExecution | None:
        """Returns a statement by its id, or None."""
        with self._lock:
            return self._kept.get(statement_id)

    def clear(self) -> None:
        """Stops the statements that run, and forgets all."""
        with self._lock:
            executions = list(self._kept.values())
            self._kept.clear()
        for execution in executions:
            execution.stop.now()
        for execution in executions:
            execution.finished.wait(CLOSE_TIMEOUT_S)
