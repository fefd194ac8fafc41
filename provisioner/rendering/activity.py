"""A line on stderr that moves while a command reads: counts, waits, elapsed time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TextIO

from provisioner.rendering.progress import duration
from provisioner.rendering.text import harmless_line

PATIENCE_S: Final = 0.3
"""Nothing is shown for what is over sooner."""
FRAME_S: Final = 0.1
REMINDER_S: Final = 30.0
"""In a pipe: how often a line is written."""
ERASE: Final = "\r\x1b[K"


class ActivityLine:
    """Implements ``model.activity.ActivityObserver`` on a stream.

    ``live``: the stream is a terminal, and the line is drawn over itself and erased at the end.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        live: bool,
        width: int,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._live, self._width, self._now = stream, live, width, now
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._label, self._total, self._done, self._since = "", 0, 0, 0.0
        self._wait, self._wait_until = "", 0.0

    def started(self, label: str, total: int) -> None:
        """See ``model.activity``. A task within a task is shown as a part of the outer one."""
        with self._lock:
            if self._thread is not None:
                return
            self._label, self._total, self._done = label, total, 0
            self._since, self._wait = self._now(), ""
            self._over = threading.Event()
            self._thread = threading.Thread(
                target=self._draw, args=(self._over,), name="activity", daemon=True
            )
            self._thread.start()

    def advanced(self) -> None:
        """See ``model.activity``."""
        with self._lock:
            self._done += 1

    def waiting(self, reason: str, seconds: float) -> None:
        """See ``model.activity``."""
        with self._lock:
            self._wait, self._wait_until = reason, self._now() + seconds

    def ended(self) -> None:
        """See ``model.activity``. The line is gone when this returns."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._over.set()
        if thread is not None:
            thread.join()

    def line(self) -> str:
        """The line as it is now, within the width."""
        with self._lock:
            counts = f"{self._done:,} of {self._total:,}"
            left_s = self._wait_until - self._now()
            wait = f"; {self._wait}, again in {duration(max(left_s, 1))}" if left_s > 0 else ""
            text = f"{self._label}: {counts} ({duration(self._now() - self._since)}){wait}"
        return harmless_line(text)[: self._width - 1]

    def _draw(self, over: threading.Event) -> None:
        if over.wait(PATIENCE_S if self._live else REMINDER_S):
            return
        while True:
            self._write(ERASE + self.line() if self._live else self.line() + "\n")
            if over.wait(FRAME_S if self._live else REMINDER_S):
                break
        if self._live:
            self._write(ERASE)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
