"""Who waits for which resource, when to look again, and what to make of what is seen.

Pure: times come in as arguments, requests are made by the executor. One poll serves all
waiters of a kind. Since a list may be older than the last write, no waiter is released before
a request of its own has confirmed what the list said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf

from provisioner.model.live import Phase, Readiness
from provisioner.model.plan import Address

# Looks after 0.2, 0.5, 0.95 s and so on, then every 10 s. External models are ready within seconds,
# custom models within minutes, and one list serves all of them.
FIRST_LOOK_S, LONGEST_PAUSE_S, GROWTH = 0.2, 10.0, 1.5
MOST_MISSES = 5
"""So many looks in a row may fail before a waiter is told; the transport retried each."""

# A read after a write may be answered from before the write: endpoints are listed from an index
# that follows. How far it may be behind is not documented; 30 s is assumed, and errs on the side of
# waiting. Until then ABSENT and a failure that was there before prove nothing.
VISIBLE_AFTER_S = 30.0
"""How long the service may go on showing what was before a write (not documented)."""


class Goal(StrEnum):
    """``IDLE``: no update in progress. ``READY``: serving, or clearly not going to."""

    IDLE = "idle"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Waited:
    """The end of a wait; ``in_time`` is False when the time was up before the goal."""

    readiness: Readiness
    in_time: bool = True


@dataclass(slots=True)
class Waiter:
    """One resource that is waited for. Times in seconds of the executor's clock.

    ``failed_before``: it showed a failed update before ours was sent.
    """

    name: str
    goal: Goal
    since: float
    deadline: float
    failed_before: bool = False
    last: Readiness = field(default_factory=lambda: Readiness(Phase.UPDATING))
    moved: bool = False
    misses: int = 0
    confirming: bool = False

    def looks_over(self, readiness: Readiness) -> bool:
        """Whether what the list says is worth a request of its own."""
        # STOPPED and FAILED end a wait too: nothing but a person or another call gets out of them.
        if self.goal is Goal.IDLE:
            return readiness.phase is not Phase.UPDATING
        return readiness.phase not in (Phase.UPDATING, Phase.NOT_READY)

    def is_over(self, readiness: Readiness, now: float) -> bool:
        """Whether a confirmed ``readiness`` ends the wait."""
        if not self.looks_over(readiness):
            return False
        if now - self.since >= VISIBLE_AFTER_S:
            return True
        # Not yet, where the service may still show what was before our call.
        if readiness.phase is Phase.FAILED and self.goal is Goal.READY:
            return self.moved or not self.failed_before
        return readiness.phase is not Phase.ABSENT

    def saw(self, readiness: Readiness) -> None:
        self.last = readiness
        self.moved = self.moved or readiness.phase is Phase.UPDATING


@dataclass(slots=True)
class Watch:
    """The waiters of one kind. ``next_look`` is when to poll; inf while a poll is out."""

    waiters: dict[Address, Waiter] = field(default_factory=dict)
    next_look: float = inf
    looking: bool = False
    pause: float = FIRST_LOOK_S

    def join(self, address: Address, waiter: Waiter) -> None:
        """Wait for ``address`` too. Something new is looked at soon."""
        self.waiters[address] = waiter
        self.pause = FIRST_LOOK_S
        # The pause starts anew for all: a poll is for a whole kind, and one more costs nothing
        # extra.
        self.next_look = min(self.next_look, waiter.since + FIRST_LOOK_S)

    def due(self) -> float:
        """When something has to be done next: a poll, or telling that time is up."""
        look = inf if self.looking or not self.waiters else self.next_look
        return min([look, *(waiter.deadline for waiter in self.waiters.values())])

    def start_look(self, now: float) -> bool:
        """Whether to poll now; the answer goes to ``saw`` or ``missed``."""
        if self.looking or not self.waiters or now < self.next_look:
            return False
        self.looking, self.next_look = True, inf
        return True

    def end_look(self, now: float) -> None:
        """The poll was answered, or failed."""
        self.looking = False
        self.pause = min(self.pause * GROWTH, LONGEST_PAUSE_S)
        self.next_look = min(self.next_look, now + self.pause)

    def saw(self, readiness: Mapping[str, Readiness]) -> list[Address]:
        """Take in a poll; returns who has to be confirmed."""
        worth_asking = []
        for address, waiter in self.waiters.items():
            waiter.saw(readiness.get(waiter.name, Readiness(Phase.ABSENT)))
            if not waiter.looks_over(waiter.last):
                waiter.misses = 0
            elif not waiter.confirming:
                waiter.confirming = True
                worth_asking.append(address)
        return worth_asking

    def confirmed(self, address: Address, readiness: Readiness, now: float) -> Waited | None:
        """Take in the answer of a confirming request; the end of the wait, or None."""
        waiter = self.waiters[address]
        waiter.confirming, waiter.misses = False, 0
        waiter.saw(readiness)
        if not waiter.is_over(readiness, now):
            return None
        del self.waiters[address]
        return Waited(readiness)

    def missed(self, addresses: Iterable[Address], *, at_once: bool) -> list[Address]:
        """Note that a look failed; returns who has seen too many of these, and lets them go.

        ``at_once``: it is no use to look again.
        """
        given_up = []
        for address in addresses:
            waiter = self.waiters[address]
            waiter.confirming = False
            waiter.misses += 1
            if at_once or waiter.misses >= MOST_MISSES:
                given_up.append(address)
        for address in given_up:
            del self.waiters[address]
        return given_up

    def expired(self, now: float) -> dict[Address, Waited]:
        """Whose time is up; they wait no longer."""
        late = [address for address, waiter in self.waiters.items() if waiter.deadline <= now]
        return {a: Waited(self.waiters.pop(a).last, in_time=False) for a in late}
