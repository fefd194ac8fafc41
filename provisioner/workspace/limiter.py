"""One brake for all workers: a gate, a pace and a slow start.

When the service says that it is too much, everybody waits at the gate. Behind it requests
are paced at the rate that was really accepted from one throttling to the next: within a
burst that rate means nothing, it is many times what the service sustains. The pace then
rises, slowly at first, so that a throttled run is as fast as it can be and still polite,
and a service that recovers is used fully again.
"""

from __future__ import annotations

import math
import threading

from provisioner.model.clock import Clock

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
