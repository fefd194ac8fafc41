"""Time as the connection sees it, so that tests need not wait."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """``now`` never goes back, in seconds from some moment; ``sleep`` takes seconds."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's clock."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)
