"""What can go wrong with one request, and what each of it means for the next step.

A table, not a ladder: ``RETRIED`` says what is tried again, ``LOST`` what leaves a write
in doubt. Nothing here sends, waits or raises.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, NamedTuple

from provisioner.errors import LostAnswerError, Problem, UnreachableError, WorkspaceError


class Mode(StrEnum):
    """What a request may cost when it is sent twice."""

    READ = "read"
    REPEATABLE = "write that does no harm twice"
    ONCE = "write that must not be repeated"
    FENCED = "write that is checked again before it is repeated"


class Fault(StrEnum):
    """Why there is no answer to go on with."""

    UNSENT = "nothing was sent"
    CUT = "sent, but no complete answer came"
    UNREADABLE = "an answer that cannot be believed"
    FAILED = "408, 500, 502 or 504"
    BUSY = "429 or 503: not taken"
    FINAL = "would end the same way again"


_ANY: Final = frozenset({Fault.UNSENT, Fault.CUT, Fault.UNREADABLE, Fault.FAILED, Fault.BUSY})

RETRIED: Final = {
    Mode.READ: _ANY,
    Mode.REPEATABLE: _ANY,
    # Only where the service surely has not taken it. The SDK repeats these too, and then
    # reports that the endpoint which it has just created exists already.
    Mode.ONCE: frozenset({Fault.UNSENT, Fault.BUSY}),
    # While it was put off, another runner may have done the same and created a new one.
    Mode.FENCED: frozenset[Fault](),
}

LOST: Final = {
    Mode.READ: frozenset[Fault](),
    Mode.REPEATABLE: frozenset({Fault.CUT, Fault.UNREADABLE}),
    Mode.ONCE: frozenset({Fault.CUT, Fault.UNREADABLE, Fault.FAILED}),
    Mode.FENCED: frozenset({Fault.CUT, Fault.UNREADABLE, Fault.FAILED}),
}


class ApiCall(NamedTuple):
    """One request to make.

    ``target`` is ``path`` with its query. ``secrets`` are values in ``body`` that no message
    may repeat. ``absent`` are the error codes with which a 404 says "there is none".
    """

    method: str
    path: str
    target: str
    mode: Mode
    body: bytes | None = None
    secrets: tuple[str, ...] = ()
    absent: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        # Neither the body nor the secrets may stray into a traceback or a log.
        return f"ApiCall({self})"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Failure:
    """A request without a usable answer.

    ``error`` is what to raise when it is not tried again. ``wait_s`` is how long the
    service asked everybody to wait, ``None`` when it did not.
    """

    fault: Fault
    error: WorkspaceError
    wait_s: float | None = None
    throttled: bool = False


def unreachable(fault: Fault, code: str, message: str, hint: str = "") -> Failure:
    """A failure in which the service itself did not speak."""
    return Failure(fault, UnreachableError((Problem(code, message, hint=hint),)))


def final_error(call: ApiCall, failure: Failure, in_doubt: bool, attempts: int) -> WorkspaceError:
    """What to raise for a call that is given up.

    ``in_doubt``: an attempt may have been carried out, and no later one was answered.
    """
    error, problem = failure.error, failure.error.problems[0]
    tries = f" (tried {attempts} times)" if attempts > 1 else ""
    if in_doubt and failure.fault is not Fault.FINAL:
        message = f"{problem.message}{tries}; it is unknown whether the request took effect"
        hint = "run the same command again: it continues from the current state of the workspace"
        return LostAnswerError((Problem("E416", message, hint=hint),))
    if tries and isinstance(error, UnreachableError):
        return UnreachableError((replace(problem, message=problem.message + tries),))
    return error
