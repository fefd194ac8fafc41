"""Time and the arrival of answers, behind one door so that tests need no real time."""

from __future__ import annotations

import queue
import time
from typing import Protocol, TypeVar

Item = TypeVar("Item")

LONGEST_SLEEP_S = 0.2
"""Python cannot wait for a queue and for an event: this late a stop may be noticed."""


class ExecutorClock(Protocol):
    """Seconds that only go forward."""

    def now(self) -> float: ...

    def wait(self, inbox: queue.SimpleQueue[Item], until: float, *, busy: bool) -> Item | None:
        """The next item, or None at ``until`` or some time before.

        ``busy``: a worker is at work on something that will arrive. When none is, a
        clock that is not real may jump.
        """
        ...


class RealClock:
    """The time of this machine, whatever happens to its date."""

    def now(self) -> float:
        return time.monotonic()

    def wait(self, inbox: queue.SimpleQueue[Item], until: float, *, busy: bool) -> Item | None:
        try:
            return inbox.get(timeout=max(0.0, min(until - self.now(), LONGEST_SLEEP_S)))
        except queue.Empty:
            return None
