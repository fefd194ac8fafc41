"""What one step asks of the service, in order, and what it makes of each answer.

A script yields requests and is sent their answers: it makes no request itself and knows
no thread and no clock. So a step can be read from top to bottom, and occupies nobody
while it waits.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.applying import endings
from provisioner.applying.endings import Ending, Halt, Progress
from provisioner.applying.waiting import Goal, Waited
from provisioner.errors import LostAnswerError, ProvisionerError, ServiceError, WorkspaceError
from provisioner.outcome import Status
from provisioner.plan import DESTRUCTIVE, Action, FieldChange, Operation, Step
from provisioner.resource import Live, Phase

SOON_S = (0.2, 0.4, 0.8, 1.6)
SETTLING_S = (*SOON_S, 3.2, 5.0, 5.0, 5.0, 5.0, 5.0)
"""Pauses between reads until a write shows. Half a minute in all: how long the service's
reads may lag is not documented, and a wrong "did not converge" is worse than the wait."""

READING, WAITING, READING_BACK = "reading it", "waiting for it", "reading it back"


@dataclass(frozen=True, slots=True)
class Read:
    """Read the resource. Answered with what is live, or None."""


@dataclass(frozen=True, slots=True)
class Call:
    """Make a call. Answered with the resource's identity, as ``Driver.perform`` returns it."""

    operation: Operation
    identity: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for the service. Answered with a ``Waited``."""

    goal: Goal
    failed_before: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """Let some time pass. Answered with None."""

    seconds: float


Request = Read | Call | Wait | Pause
Asking = Generator[Request, Any, None]
Remaining = Callable[[Step, Live | None], tuple[FieldChange, ...]]


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every step: our mark, whether to wait, and how to compare."""

    owner: str
    wait: bool
    remaining: Remaining


class Script:
    """One step. ``run`` yields what to ask and returns how it ended.

    Raises nothing but defects: errors of the workspace become endings.
    """

    def __init__(self, step: Step, terms: Terms) -> None:
        self.step = step
        self.terms = terms
        self.done: list[str] = []
        self.at = ""
        self.unsure = False
        self._exists = bool(step.live_fingerprint)
        self._identity = ""
        self._before: Live | None = None
        self._idle = False

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        return Progress(self.step, tuple(self.done), self.at)

    def run(self) -> Generator[Request, Any, Ending]:
        try:
            yield from self._check()
            for operation in self.step.operations:
                yield from self._carry_out(operation)
            yield from self._verify()
        except Halt as halt:
            return halt.ending
        except ProvisionerError as error:
            return endings.failed(self.progress, self._status_of(error), error)
        return Ending(Status.DONE)

    def _status_of(self, error: ProvisionerError) -> Status:
        sent_all_it_could = self.at in (WAITING, READING_BACK) and self.done
        unknown = self.unsure or sent_all_it_could or isinstance(error, LostAnswerError)
        return Status.UNKNOWN if unknown else Status.FAILED

    def _check(self) -> Asking:
        """Nothing is written to what is not as it was planned against."""
        if not self.step.live_fingerprint:
            return  # Planned as absent: the service refuses a create whose name is taken.
        self.at = READING
        live: Live | None = yield Read()
        if live is None and self.step.action is Action.DELETE:
            raise Halt(endings.already_gone())
        if live is None or live.fingerprint != self.step.live_fingerprint:
            raise Halt(endings.stale(self.progress))
        self._before, self._identity = live, live.identity
        self._idle = live.readiness.phase is not Phase.UPDATING

    def _carry_out(self, operation: Operation) -> Asking:
        if operation.after_idle and self._exists and not self._idle:
            yield from self._until_idle()
        yield from self._send(operation)
        self.done.append(operation.call)
        if self._removes(operation):
            yield from self._until_gone()
            return
        self._idle = self._idle and not operation.wait
        self._exists = True
        if operation.wait:
            yield from self._until_ready()

    def _removes(self, operation: Operation) -> bool:
        return self.step.action in DESTRUCTIVE and operation.method == "DELETE"

    def _send(self, operation: Operation) -> Asking:
        """Make one call, and once more where that is the right thing to do."""
        error = yield from self._attempt(operation)
        if error is None:
            return
        if self._removes(operation) and _status(error) == 404:
            return
        if not self._exists and isinstance(error, LostAnswerError):
            yield from self._find_created(operation)
        elif not self._exists and _taken(error) and not self.done:
            raise Halt(endings.stale(self.progress))
        elif self._exists and _status(error) == 409:
            yield from self._until_idle()
            again = yield from self._attempt(operation)
            if again is not None:
                raise again
        else:
            raise error

    def _attempt(self, operation: Operation) -> Generator[Request, Any, WorkspaceError | None]:
        """Make one call; a refusal and a lost answer are returned, other errors raised."""
        if "{id}" in operation.path and not self._identity:
            self.at = READING_BACK
            live = yield from self._read_until(_is_there, SETTLING_S)
            self._identity = live.identity if live else ""
        self.at = operation.call
        try:
            identity: str = yield Call(operation, self._identity)
        except (ServiceError, LostAnswerError) as error:
            return error
        self._identity = identity or self._identity
        return None

    def _find_created(self, operation: Operation) -> Asking:
        """The answer to a create was lost: find out what became of it."""
        self.unsure = True
        live = yield from self._read_until(_is_there, SOON_S)
        if live is None:
            error = yield from self._attempt(operation)
            self.unsure = error is not None
            if error is None:
                return
            if not isinstance(error, LostAnswerError) and not _taken(error):
                self.unsure = False
                raise error
            # The first one did arrive and is seen late, or the second was lost as well.
            live = yield from self._read_until(_is_there, SETTLING_S)
        if live is None:
            raise Halt(endings.not_known(self.progress))
        if not self._is_ours(operation, live):
            raise Halt(endings.not_ours(self.progress))
        self._identity, self.unsure = live.identity, False

    def _is_ours(self, operation: Operation, live: Live) -> bool:
        """Whether ``live`` is what this create sent: the mark in it, and every field."""
        payload = operation.payload or {}
        # Not every kind carries a mark; then only the fields can tell.
        mark = self.terms.owner if _mentions(payload, self.terms.owner) else ""
        # What later calls will set cannot be there yet.
        left = [c for c in self.terms.remaining(self.step, live) if str(c.path[0]) in payload]
        return live.marks.owner == mark and not left

    def _until_idle(self) -> Asking:
        call, self.at = self.at, "waiting until it is idle"
        waited: Waited = yield Wait(Goal.IDLE, failed_before=False)
        if not waited.in_time:
            raise Halt(endings.time_up(self.progress, waited.readiness))
        if waited.readiness.phase is Phase.ABSENT:
            raise Halt(endings.gone(self.progress))
        self._idle, self.at = True, call
        if not self.done:
            yield from self._check_again()

    def _check_again(self) -> Asking:
        """After an update of others: is the live side what that update was to bring?"""
        before: Live | None = self._before
        live: Live | None = yield Read()
        # The fingerprint covers versions, and these move when an update becomes active.
        same = live is not None and (
            live.fingerprint == self.step.live_fingerprint
            or (before is not None and _content(live) == _content(before))
        )
        if not same:
            raise Halt(endings.stale(self.progress))

    def _until_ready(self) -> Asking:
        if not self.terms.wait:
            raise Halt(endings.accepted(self.progress))
        self.at = WAITING
        before = self._before.readiness.phase if self._before else None
        waited: Waited = yield Wait(Goal.READY, failed_before=before is Phase.FAILED)
        if not waited.in_time:
            raise Halt(endings.time_up(self.progress, waited.readiness))
        ending = endings.by_readiness(self.progress, waited.readiness)
        if ending:
            raise Halt(ending)
        self._idle = True

    def _until_gone(self) -> Asking:
        self.at = READING_BACK
        identity = self._identity
        live = yield from self._read_until(
            lambda live: live is None or live.identity != identity, SETTLING_S
        )
        if live is not None and live.identity == identity:
            raise Halt(endings.still_there(self.progress))
        self._exists, self._identity, self._before = False, "", None

    def _verify(self) -> Asking:
        """Read the resource back until it is as the manifest says, for a bounded time."""
        if not self._exists:
            return
        self.at = READING_BACK
        waits = any(operation.wait for operation in self.step.operations)
        for pause in (0.0, *SETTLING_S):
            if pause:
                yield Pause(pause)
            live: Live | None = yield Read()
            if waits and live is not None and live.readiness.phase is Phase.UPDATING:
                # The look that said "ready" was older than our update.
                yield from self._until_ready()
                live = yield Read()
            left = self.terms.remaining(self.step, live)
            if live is not None and not left:
                return
        raise Halt(endings.not_converged(self.progress, left, found=live is not None))

    def _read_until(
        self, wanted: Callable[[Live | None], bool], pauses: tuple[float, ...]
    ) -> Generator[Request, Any, Live | None]:
        live: Live | None = yield Read()
        for pause in pauses:
            if wanted(live):
                break
            yield Pause(pause)
            live = yield Read()
        return live


def _is_there(live: Live | None) -> bool:
    return live is not None


def _content(live: Live) -> tuple[Any, ...]:
    return (live.identity, live.document, live.marks)


def _status(error: WorkspaceError) -> int:
    return error.status if isinstance(error, ServiceError) else 0


def _taken(error: WorkspaceError) -> bool:
    """Whether a create was refused because of its name. The HTTP status of that varies."""
    return isinstance(error, ServiceError) and error.error_code.endswith("ALREADY_EXISTS")


def _mentions(value: Any, text: str) -> bool:
    """Whether ``text`` is a value anywhere inside JSON data."""
    if isinstance(value, Mapping):
        return any(_mentions(inner, text) for inner in value.values())
    if isinstance(value, list | tuple):
        return any(_mentions(inner, text) for inner in value)
    return bool(value == text)
