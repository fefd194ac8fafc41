"""What a step can ask for while it is applied, and the terms on which it is."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from provisioner.applying.waits import Goal
from provisioner.model.live import Live
from provisioner.model.plan import FieldChange, Operation, Step


@dataclass(frozen=True, slots=True)
class Read:
    """Read the resource. Answered with what is live, or None."""


@dataclass(frozen=True, slots=True)
class Enumerate:
    """List the kind. Answered with what ``Driver.poll`` returns."""


@dataclass(frozen=True, slots=True)
class Examine:
    """Look for what a replacement would lose. Answered with a live one that says it."""

    live: Live


@dataclass(frozen=True, slots=True)
class Perform:
    """Make a call. Answered with the identity that ``Driver.perform`` returns."""

    operation: Operation
    identity: str


@dataclass(frozen=True, slots=True)
class Fence:
    """Write the fencing tag, or remove it with ``""``. Answered with None."""

    value: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for the service. Answered with a ``Waited``."""

    goal: Goal
    failed_before: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """Let some time pass. Answered with the time afterwards, in seconds of the clock."""

    seconds: float


Request = Read | Enumerate | Examine | Fence | Perform | Wait | Pause


@dataclass(frozen=True, slots=True)
class RequestResult:
    """What came of a request; ``error`` may be a defect of ours too."""

    value: Any = None
    error: Exception | None = None


T = TypeVar("T")
Procedure = Generator[Request, RequestResult, T]
"""What yields requests, is sent their answers, and returns something in the end."""


def ask(request: Request) -> Procedure[Any]:
    """Yield ``request``; returns the value of its answer, or raises its error."""
    # Errors are sent like values, not thrown in: Python 3.11 does not trace a generator
    # that is resumed by throw(), so neither coverage nor a debugger would see what follows.
    answer = yield request
    if answer.error is not None:
        raise answer.error
    return answer.value


Remaining = Callable[[Step, Live | None], tuple[FieldChange, ...]]


@dataclass(frozen=True, slots=True)
class StepTerms:
    """What holds for every step: the owner, whether to wait, how to compare.

    ``new_fence`` makes a value for the fencing tag that no other run has.
    """

    owner: str
    wait: bool
    remaining: Remaining
    new_fence: Callable[[], str] = lambda: secrets.token_hex(8)
