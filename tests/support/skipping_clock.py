"""A clock that skips the waits of the tool, so that tests take no real time."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

import pytest

from provisioner.applying.clock import RealClock
from provisioner.model.clock import SystemClock

# A wait still gives the processor away: another thread may be about to send its request.
REST_S = 0.002
# How long to wait for the answer of a worker before the executor looks at its own duties.
BUSY_S = 0.2


class SkippingClock:
    """The machine's clock plus all waits so far. Thread-safe.

    Satisfies ``model.clock.Clock`` and ``applying.clock.ExecutorClock``.
    """

    def __init__(self) -> None:
        self._skipped_s = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return time.monotonic() + self._skipped_s

    def sleep(self, seconds: float) -> None:
        rest_s = min(max(seconds, 0.0), REST_S)
        time.sleep(rest_s)
        self._skip(seconds - rest_s)

    def wait(self, inbox: queue.SimpleQueue[Any], until: float, *, busy: bool) -> Any:
        """The next item; without a worker at work, ``until`` comes at once."""
        if not busy:
            self._skip(until - self.now())
            return None
        try:
            return inbox.get(timeout=BUSY_S)
        except queue.Empty:
            return None

    def _skip(self, seconds: float) -> None:
        with self._lock:
            self._skipped_s += max(0.0, seconds)


def install(patch: pytest.MonkeyPatch) -> SkippingClock:
    """Replaces the clocks of this process, also those that are already in use."""
    clock = SkippingClock()
    patch.setattr(SystemClock, "now", staticmethod(clock.now))
    patch.setattr(SystemClock, "sleep", staticmethod(clock.sleep))
    patch.setattr(RealClock, "now", staticmethod(clock.now))
    patch.setattr(RealClock, "wait", staticmethod(clock.wait))
    return clock
