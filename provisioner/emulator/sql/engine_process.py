"""Runs statements in a process of its own, which can be ended and may take only so much memory.

The engine's own limit of memory does not bind a single value, and its interrupt does not reach
inside one call. A process has neither gap: the system bounds its memory, and killing it ends
whatever it does. An idle process is kept for the next statement.
"""

from __future__ import annotations

import atexit
import json
import os
import pickle
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import IO, Any

from provisioner.emulator.sql import engine
from provisioner.emulator.sql.engine import EngineFunction, Query, QueryResult
from provisioner.emulator.sql.errors import StatementError
from provisioner.emulator.sql.executions import Cancellation

# rules(local): A statement runs in a process with 1.5 GiB of memory, for at most five minutes.

# Of addresses, on Linux; the engine takes 0.7 GiB of them before any statement.
MEMORY_LIMIT_BYTES = 2 * 1024**3
# Of memory in use, on every system: the process looks at its own peak while a statement runs.
RESIDENT_LIMIT_BYTES = 1536 * 1024**2
WATCH_S = 0.05
LONGEST_S = 300.0
LENGTH_BYTES = 4
# Processes that wait for a statement; more end with theirs.
MOST_IDLE = 2
# The parent's environment may hold secrets, and no statement needs it.
ENVIRONMENT = {"MALLOC_ARENA_MAX": "1"}
NEEDED = ("SYSTEMROOT", "PATH")
START = "import sys; sys.path[:] = {path!r}; from {module} import serve; serve({limit})"


class EngineProcess:
    """One process with an engine, for one statement at a time."""

    def __init__(self) -> None:
        start = START.format(path=sys.path, module=__name__, limit=RESIDENT_LIMIT_BYTES)
        inherited = {name: os.environ[name] for name in NEEDED if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", start],
            env=inherited | ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What a crash prints would stand among the lines of the local workspace.
            stderr=subprocess.DEVNULL,
        )
        self._input, self._output = self._process.stdin, self._process.stdout

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def interrupt(self) -> None:
        """Ends the process, and so the statement."""
        self._process.kill()

    def close(self) -> None:
        """Ends the process and closes its pipes."""
        self._process.kill()
        for pipe in (self._input, self._output):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    def send(self, message: Any) -> None:
        """Sends a message. A process that is gone is noticed by ``receive``."""
        with suppress(OSError):
            _write(self._input, pickle.dumps(message))

    def receive(self) -> dict[str, Any]:
        """Returns the next message. Raises EOFError when the process is gone."""
        message: dict[str, Any] = json.loads(_read(self._output))
        return message


class EnginePool:
    """Processes that wait for a statement. Thread-safe."""

    def __init__(self) -> None:
        self._idle: list[EngineProcess] = []
        self._lock = threading.Lock()

    @contextmanager
    def taken(self) -> Iterator[EngineProcess]:
        """Lends a process, which is kept if it is still alive after the block."""
        with self._lock:
            alive = [self._idle.pop() for _ in range(len(self._idle))]
            process = alive.pop() if alive else None
            self._idle += alive
        process = process if process is not None and process.is_alive else EngineProcess()
        keep = False
        try:
            yield process
            keep = True
        except StatementError:
            # The process has answered, so it is ready for the next statement.
            keep = True
            raise
        finally:
            with self._lock:
                keep = keep and process.is_alive and len(self._idle) < MOST_IDLE
                if keep:
                    self._idle.append(process)
            if not keep:
                process.close()

    def close(self) -> None:
        """Ends the processes that wait."""
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.close()


POOL = EnginePool()
atexit.register(POOL.close)


def run(query: Query, stop: Cancellation) -> QueryResult:
    """Returns the rows of ``query`` as ``engine.run`` does. Raises StatementError."""
    with POOL.taken() as process, stop.on(process):
        stop.check()
        timer = threading.Timer(LONGEST_S, process.interrupt)
        timer.daemon = True
        timer.start()
        try:
            process.send((query.text, dict(query.tables), [*query.functions], query.most_rows))
            return _answered(process, query.functions, stop)
        except EOFError:
            process.close()
            stop.check()
            raise _ended() from None
        finally:
            timer.cancel()


def _ended() -> StatementError:
    most_mib = RESIDENT_LIMIT_BYTES // 1024**2
    return StatementError(
        f"The statement was canceled: it used more than {most_mib} MiB of memory or took more "
        f"than {LONGEST_S:.0f} seconds, the limits of the local workspace."
    )


def _answered(
    process: EngineProcess, functions: Mapping[str, EngineFunction], stop: Cancellation
) -> QueryResult:
    """Answers the calls of the statement until it has a result. Raises StatementError."""
    raised: StatementError | None = None
    while True:
        message = process.receive()
        if "call" in message:
            try:
                stop.check()
                process.send((functions[message["call"]](*message["arguments"]), None))
            except StatementError as error:
                # The engine passes on the text of an error only.
                raised = error
                process.send((None, error.message))
        elif "error" in message:
            raise raised or StatementError(message["error"], message["code"])
        else:
            return QueryResult(message["columns"], message["rows"], message["is_truncated"])


# -- in the process ------------------------------------------------------------------------


def serve(resident_limit_bytes: int) -> None:
    """Runs statements from stdin until the parent is gone. The main function of the process."""
    _limit_addresses()
    # On Linux a new process begins with the peak of the process that started it.
    limit_bytes = max(resident_limit_bytes, _peak_bytes())
    messages: SimpleQueue[Any] = SimpleQueue()
    busy = threading.Event()
    threading.Thread(target=_forward, args=(messages,), daemon=True).start()
    threading.Thread(target=_watch_memory, args=(limit_bytes, busy), daemon=True).start()
    while True:
        text, tables, names, most_rows = messages.get()
        functions = {name: _calling(name, messages) for name in names}
        busy.set()
        outcome = _outcome(Query(text, tables, functions, most_rows))
        # A peak between two looks must not end the next statement instead.
        _end_above(limit_bytes)
        busy.clear()
        _tell(**outcome)


def _outcome(query: Query) -> dict[str, Any]:
    try:
        result = engine.run(query, Cancellation())
    except StatementError as error:
        return {"error": error.message, "code": error.error_code}
    except MemoryError:
        return {"error": _ended().message, "code": "BAD_REQUEST"}
    return {"columns": result.columns, "rows": result.rows, "is_truncated": result.is_truncated}


def _limit_addresses() -> None:
    # macOS refuses or ignores it. There the watch on the memory in use ends the statement.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _watch_memory(limit_bytes: int, busy: threading.Event) -> None:
    while busy.wait():
        _end_above(limit_bytes)
        time.sleep(WATCH_S)


def _end_above(limit_bytes: int) -> None:
    """Ends this process, and so the statement, if it took more memory than the limit."""
    if _peak_bytes() > limit_bytes:
        os._exit(1)


def _peak_bytes() -> int:
    """Returns the most memory that this process had in use."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _forward(messages: SimpleQueue[Any]) -> None:
    """Hands on what the parent sends; ends the process with it, also amid a statement."""
    try:
        while True:
            messages.put(pickle.loads(_read(sys.stdin.buffer)))
    except EOFError:
        os._exit(0)


def _calling(name: str, messages: SimpleQueue[Any]) -> EngineFunction:
    """Returns the function that has the parent call ``name``."""

    def called(first: str | None, second: str | None) -> str | None:
        _tell(call=name, arguments=[first, second])
        answer: str | None
        answer, error = messages.get()
        if error is not None:
            raise StatementError(error)
        return answer

    return called


def _tell(**message: Any) -> None:
    _write(sys.stdout.buffer, json.dumps(message).encode())


def _write(pipe: IO[bytes] | None, data: bytes) -> None:
    if pipe is None:
        return
    pipe.write(len(data).to_bytes(LENGTH_BYTES, "big") + data)
    pipe.flush()


def _read(pipe: IO[bytes] | None) -> bytes:
    """Reads one message. Raises EOFError at the end."""
    if pipe is None:
        raise EOFError
    length = pipe.read(LENGTH_BYTES)
    data = pipe.read(int.from_bytes(length, "big")) if len(length) == LENGTH_BYTES else b""
    if not data:
        raise EOFError
    return data
