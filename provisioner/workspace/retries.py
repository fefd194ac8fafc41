"""How long and how often one call is tried. Decides; the transport waits."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioner.errors import ProvisionerError, UnreachableError
from provisioner.model.clock import Clock
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
            f"{self.call}: not sent: the workspace asks for a pause of more than "
            f"{self.limits.budget_s:g} s",
            hint="other programs may use up the rate limit of the workspace: try again later",
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


# One brake for all workers: a gate, a pace and a slow start.
# When the service says that it is too much, everybody waits at the gate. Behind it requests are
# paced at the rate that was really accepted from one throttling to the next: within a burst that
# rate means nothing, it is many times what the service sustains. The pace then rises, slowly at
# first, so that a throttled run is as fast as it can be and still polite, and a service that
# recovers is used fully again.

_FIRST_WINDOW = 16
_LEAST_RATE = 0.5  # requests/s
_FREE_RATE = 2000.0  # requests/s: more than any of our workers together can send
_GATE_S = 1.0
_LONGEST_GATE_S = 60.0
# A pause longer than this is ours (nothing to send), so it says nothing about the rate.
_IDLE_S = 1.0
# Requests that come late may catch up this far, or the sleeps' overshoot adds up.
_CREDIT_S = 0.05
# A service that saves up no tokens behind the gate takes more than the estimate says.
_CUT = 0.7


class Pace:
    """When the next request may go out. Told the time, never asks; not thread-safe.

    ``window`` is how many requests may be under way at once.
    """

    def __init__(self, parallel: int) -> None:
        self.window = min(_FIRST_WINDOW, parallel)
        self._parallel = parallel
        self._gate = -math.inf
        self._throttled_at = -math.inf
        self._rate = math.inf
        self._next = -math.inf
        self._last = -math.inf
        self._busy_s = 0.0
        self._accepted = 0
        self._since_wider = 0
        self._in_vain = 0

    def wait_s(self, now: float) -> float:
        """Seconds from ``now`` until a request may go out; 0 or less for at once."""
        return max(self._gate, self._next) - now

    def sent(self, now: float) -> None:
        self._busy_s += min(now - self._last, _IDLE_S) if self._last >= self._gate else 0.0
        self._last = now
        rate = self._rate * _growth(self._busy_s)
        if rate < _FREE_RATE:
            self._next = max(self._next, now - _CREDIT_S) + 1 / rate

    def accepted(self) -> None:
        """An answer came that is no throttling; widens the window while it is narrow."""
        self._accepted += 1
        self._in_vain = 0
        # Throttled once, and no rate known yet: a narrow window keeps the next burst small.
        if self._rate == math.inf and self._throttled_at > -math.inf:
            return
        self._since_wider += 1
        if self._since_wider >= self.window < self._parallel:
            self.window = min(2 * self.window, self._parallel)
            self._since_wider = 0

    def throttled(self, sent_at: float, now: float, wait_s: float | None) -> None:
        """The request sent at ``sent_at`` was put off; ``wait_s`` is the service's wish."""
        if sent_at > self._throttled_at:
            self._new_rate()
            self._throttled_at = now
            # "Try again in 0 s" from who has just refused is no wish to be taken literally.
            wait_s = wait_s or min(_GATE_S * 2**self._in_vain, _LONGEST_GATE_S)
            self._in_vain += 1
        self._gate = max(self._gate, now + (wait_s or 0.0))

    def _new_rate(self) -> None:
        """From the last throttling to this one, the gate included: tokens grew behind it."""
        if self._throttled_at > -math.inf:
            held_s = self._gate - self._throttled_at + self._busy_s
            paced = self._rate * _growth(self._busy_s) if self._rate < math.inf else 0.0
            self._rate = max(_LEAST_RATE, self._accepted / max(held_s, _CREDIT_S), _CUT * paced)
        self._accepted = 0
        self._busy_s = 0.0
        self._next = -math.inf
        self.window = min(_FIRST_WINDOW, self._parallel)
        self._since_wider = 0


def _growth(busy_s: float) -> float:
    # 5 % in the first second, twice after ten, a hundred times after forty.
    return math.exp(min(50.0, 0.05 * busy_s + 0.002 * busy_s * busy_s))


class Limiter:
    """``Pace`` for threads. Each ``enter`` that returns a time needs its ``leave``."""

    def __init__(self, clock: Clock, parallel: int) -> None:
        self._clock = clock
        self._pace = Pace(parallel)
        self._under_way = 0
        self._turn = threading.Lock()
        self._changed = threading.Condition()

    def enter(self, deadline: float) -> float | None:
        """Wait until a request may go out and return the time; None if not by ``deadline``.

        One worker waits for gate and pace, the others for that worker. None of them holds
        a later slot: it would fire while the gate is closed and spoil the estimate.
        """
        with self._turn:
            while True:
                with self._changed:
                    while self._under_way >= self._pace.window:
                        self._changed.wait()
                    now = self._clock.now()
                    wait_s = self._pace.wait_s(now)
                    if wait_s <= 0:
                        self._under_way += 1
                        self._pace.sent(now)
                        return now
                if now + wait_s > deadline:
                    return None
                self._clock.sleep(wait_s)

    def leave(self, sent_at: float, throttled: bool = False, wait_s: float | None = None) -> None:
        """The request of ``sent_at`` is over, whichever way."""
        with self._changed:
            self._under_way -= 1
            if throttled:
                self._pace.throttled(sent_at, self._clock.now(), wait_s)
            else:
                self._pace.accepted()
            self._changed.notify()
