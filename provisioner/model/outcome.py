"""What happens while a plan is applied and how each step ended, as immutable data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from provisioner.errors import ProvisionerError
from provisioner.errors.codes import explanations
from provisioner.model.live import Phase
from provisioner.model.plan import Address, Step


class Status(StrEnum):
    """How a step ended. Only ``DONE`` says that the workspace was read back and is right.

    ``ACCEPTED``: sent, and not waited for. ``STALE``: not as it was planned against,
    nothing written. ``STILL_UPDATING``: the service goes on after we stopped looking.
    ``UNKNOWN``: whether it was carried out, or what became of it, could not be found out.
    ``INTERRUPTED``: stopped by a signal between two of its calls.
    """

    DONE = "done"
    ACCEPTED = "accepted"
    FAILED = "failed"
    STALE = "stale"
    DID_NOT_CONVERGE = "did not converge"
    STILL_UPDATING = "still updating"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"
    NOT_STARTED = "not started"


WENT_WELL: Final = frozenset({Status.DONE, Status.ACCEPTED})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one step ended.

    ``done`` are the calls that went through, in order. ``error`` has the problems to show;
    ``message`` is one line for a person, both may be empty.
    """

    step: Step
    status: Status
    done: tuple[str, ...] = ()
    error: ProvisionerError | None = None
    message: str = ""
    seconds: float = 0.0

    @property
    def unsent(self) -> tuple[str, ...]:
        """The calls of an accepted step that are not sent yet: they follow a config update."""
        calls = tuple(operation.call for operation in self.step.operations)
        return calls[len(self.done) :] if self.status is Status.ACCEPTED else ()

    @property
    def went_well(self) -> bool:
        """Whether all calls of the step were sent, and none was refused."""
        return self.status in WENT_WELL and not self.unsent

    @property
    def told(self) -> str:
        """The message, or what the codes of the problems mean: their texts are shown beside."""
        if self.error is None:
            return self.message
        codes = dict.fromkeys(problem.code for problem in self.error.problems)
        return ", ".join(f"{explanations()[code].title} ({code})" for code in codes)


class What(StrEnum):
    """What an event tells.

    ``WAITING`` comes again at every look, changed or not. ``STOPPING``: a request is on its
    way after a stop, and its answer is waited for some seconds longer.
    """

    STARTED = "started"
    CALLING = "calling"
    WAITING = "waiting"
    STOPPING = "stopping"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a resource, for whoever shows progress.

    ``call`` belongs to CALLING; ``phase`` and ``message`` to WAITING; ``status`` and
    ``message`` to FINISHED (it is ``Outcome.told``). ``seconds`` is how long the wait
    (WAITING) or the whole step (FINISHED) has taken.
    """

    address: Address
    name: str
    what: What
    call: str = ""
    phase: Phase | None = None
    status: Status | None = None
    message: str = ""
    seconds: float = 0.0


Announce = Callable[[Event], None]


class Defect(Exception):
    """A bug of ours that showed itself while applying; the bug itself is the cause.

    Raised when everything else has come to its end. ``outcomes`` are those of all steps.
    """

    def __init__(self, outcomes: tuple[Outcome, ...]) -> None:
        self.outcomes = outcomes
        ends = "; ".join(f"{outcome.step.address}: {outcome.status}" for outcome in outcomes)
        super().__init__(f"a bug in provisioner; the resources are now: {ends}")
