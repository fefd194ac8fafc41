"""How long and how often one call is tried. Decides; the transport waits."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioner.errors import ProvisionerError, UnreachableError
from provisioner.workspace.faults import LOST, RETRIED, ApiCall, Failure, final_error

_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Bounds of one call. ``read_s`` and ``send_s`` bound one attempt from connecting to
    the last byte, ``budget_s`` all attempts with the waiting in between.

    ``attempts`` does not count those the service put off: they end with the budget.
    """

    connect_s: float = 10.0
    read_s: float = 60.0
    send_s: float = 120.0
    budget_s: float = 300.0
    attempts: int = 5
    answer_bytes: int = 16 * 1024 * 1024


@dataclass(slots=True)
class Tries:
    """The attempts of one call. ``in_doubt`` once one of them may have been carried out."""

    call: ApiCall
    limits: CallLimits
    deadline: float
    count: int = 0
    in_doubt: bool = False
    _counted: int = field(default=0, repr=False)
    _wait_s: float = field(default=_FIRST_WAIT_S, repr=False)
    _last: Failure | None = field(default=None, repr=False)

    def wait_after(self, failure: Failure, now: float) -> float | None:
        """Seconds to wait before the next attempt, ``None`` to give up."""
        self.count += 1
        self._counted += not failure.throttled
        self._last = failure
        self.in_doubt |= failure.fault in LOST[self.call.mode]
        if failure.fault not in RETRIED[self.call.mode] or self._counted >= self.limits.attempts:
            return None
        wait_s = self._next_wait_s() if failure.wait_s is None else failure.wait_s
        return wait_s if now + wait_s < self.deadline else None

    def put_off(self) -> ProvisionerError:
        """What to raise for a call that the limiter does not let out in time."""
        if self._last is not None:
            return final_error(self.call, self._last, self.in_doubt, self.count)
        return UnreachableError.of(
            "E417",
            f"{self.call}: not sent: the workspace asks to slow down for longer than "
            f"{self.limits.budget_s:g} s",
            hint="other programs that use the workspace count too; try again later",
        )

    def _next_wait_s(self) -> float:
        # Decorrelated jitter: many workers that fail at once do not come back at once.
        self._wait_s = min(_LONGEST_WAIT_S, random.uniform(_FIRST_WAIT_S, self._wait_s * 3))
        return self._wait_s


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that the service asks to wait, from ``Retry-After`` as a number or a date.

    A date is read against the answer's own ``Date``: our clocks need not agree.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    at = unix_time(text)
    if at is None:
        return None
    sent = unix_time(headers.get("Date", ""))
    return max(0.0, at - (time.time() if sent is None else sent))


def unix_time(text: str) -> float | None:
    """Returns an HTTP date as seconds since 1970; None for anything else."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
