"""The clocks of the tool: one to wait by, one for the time of day. Tests replace both."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

Now = Callable[[], datetime]
"""Returns the time of day in UTC."""


def utc_now() -> datetime:
    """Returns the time of day of this machine, in UTC."""
    return datetime.now(UTC)


class Clock(Protocol):
    """``now`` never goes back, in seconds from some moment; ``sleep`` takes seconds."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's clock."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)
