"""How far the workspace's clock is ahead of this machine's, from the ``Date`` of its answers."""

from __future__ import annotations

import threading
from math import inf
from typing import Final

from provisioner.model.clock import Now, utc_now
from provisioner.workspace.retries import unix_time

PRECISION_S: Final = 2.0
"""``Date`` has whole seconds, and may be written at any moment of the request."""


class ClockSkew:
    """The best measurement so far. Thread-safe."""

    def __init__(self, now: Now = utc_now) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._seconds = 0.0
        self._duration_s = inf

    @property
    def seconds(self) -> float:
        """Seconds ahead; 0.0 where the difference is below the precision."""
        with self._lock:
            return self._seconds if abs(self._seconds) > PRECISION_S else 0.0

    def measure(self, date: str, duration_s: float) -> None:
        """Takes in the ``Date`` of an answer to a request that took ``duration_s``."""
        at = unix_time(date)
        if at is None:
            return
        with self._lock:
            # The shorter the request, the less is unknown about the moment of the date.
            if duration_s <= self._duration_s:
                self._duration_s = duration_s
                # Half a second, because `Date` is cut to whole seconds.
                self._seconds = at + 0.5 - (self._now().timestamp() - duration_s / 2)
