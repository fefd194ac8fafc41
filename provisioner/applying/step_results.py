"""The results of a step, in words. Pure.

Each function takes how far the step came and returns its status, a line for the summary
and the problem to show, if there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from provisioner.applying.requests import StepTerms
from provisioner.errors import (
    LostAnswerError,
    Problem,
    ProvisionerError,
    ServiceError,
    WorkspaceError,
)
from provisioner.errors.wording import listed
from provisioner.model.connection import MISSING
from provisioner.model.live import Live, Phase, Readiness
from provisioner.model.outcome import Status
from provisioner.model.paths import path_text
from provisioner.model.plan import DESTRUCTIVE, Action, FieldChange, Operation, Step

AGAIN = "plan and apply again"


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step ended, without its calls and its duration: the executor adds those."""

    status: Status
    message: str = ""
    error: ProvisionerError | None = None


class StopStep(Exception):
    """Ends a step procedure from anywhere inside it, with ``result``."""

    def __init__(self, result: StepResult) -> None:
        self.result = result
        super().__init__(result.message)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step has come. ``at`` names the call or the wait that is or was in progress."""

    step: Step
    done: tuple[str, ...]
    at: str

    @property
    def left(self) -> tuple[Operation, ...]:
        return self.step.operations[len(self.done) :]

    @property
    def subject(self) -> str:
        return f"{self.step.address}, {self.at}" if self.at else str(self.step.address)

    @property
    def so_far(self) -> str:
        """``; before that `patch_tags` went through``, or nothing."""
        return f"; before that, {names(self.done)} succeeded" if self.done else ""

    @property
    def not_sent(self) -> str:
        """``; not sent: `put_ai_gateway```, or nothing."""
        return f"; not sent: {names(o.call for o in self.left)}" if self.left else ""


def names(calls: Iterable[str]) -> str:
    """The names in backticks, with commas between them."""
    return listed(calls)


def problem(progress: Progress, status: Status, reported: Problem) -> StepResult:
    """Returns a result whose message is that of its problem."""
    shown = replace(reported, subject=progress.subject)
    return StepResult(status, reported.message, ProvisionerError((shown,)))


def failed(progress: Progress, status: Status, error: ProvisionerError) -> StepResult:
    """Returns the result for an error, with the calls that went through before it."""
    problems = [
        replace(
            reported,
            message=f"{reported.message}{progress.so_far}",
            subject=progress.subject,
            hint=reported.hint or _hint_after(error, progress),
        )
        for reported in error.problems
    ]
    shown = ProvisionerError(problems)
    shown.__cause__ = error
    return StepResult(status, str(shown), shown)


def _hint_after(error: ProvisionerError, progress: Progress) -> str:
    if isinstance(error, LostAnswerError):
        return "apply again: calls that succeeded are not repeated"
    return "apply again: only the missing calls are sent" if progress.done else ""


def stale(progress: Progress) -> StepResult:
    """The live resource is not the one that the step was planned against."""
    name = progress.step.name
    is_create = progress.step.action is Action.CREATE
    exists = "exists now" if is_create else "has changed since the plan was made"
    message = f"`{name}` {exists}; nothing was written to it"
    return problem(replace(progress, at=""), Status.STALE, Problem("E601", message, hint=AGAIN))


def would_lose(progress: Progress, at_stake: tuple[str, ...]) -> StepResult:
    """Since the plan was made the resource has got what a replacement would take away."""
    message = (
        f"replacing `{progress.step.name}` would lose changes since the plan: "
        f"{'; '.join(at_stake)}; nothing was written to it"
    )
    return problem(replace(progress, at=""), Status.STALE, Problem("E601", message, hint=AGAIN))


def update_failed(progress: Progress, readiness: Readiness) -> StepResult:
    """The service gave up on what we sent; whatever served before still does."""
    why = f": {readiness.message}" if readiness.message else ""
    message = f"the update of `{progress.step.name}` failed{why}{progress.not_sent}"
    removed = any(
        operation.method == "DELETE" and operation.call in progress.done
        for operation in progress.step.operations
    )
    kept = "" if removed else "nothing was deleted; "
    hint = f"{kept}fix the problem that the log shows, and apply again"
    reported = Problem("E602", message, hint=hint, log=readiness.detail)
    result = problem(progress, Status.FAILED, reported)
    return replace(result, message=readiness.message or "the update failed")


def stopped(progress: Progress) -> StepResult:
    """Somebody stopped the resource: it takes changes, and does not serve them."""
    message = f"`{progress.step.name}` is stopped, so it does not become ready{progress.not_sent}"
    hint = "start it in the workspace, then apply again"
    return problem(progress, Status.FAILED, Problem("E603", message, hint=hint))


def gone(progress: Progress) -> StepResult:
    """The resource was there, or was created, and stays invisible."""
    message = f"`{progress.step.name}` no longer exists{progress.so_far}"
    hint = "it may have been deleted; " + AGAIN
    return problem(progress, Status.FAILED, Problem("E604", message, hint=hint))


def time_up(progress: Progress, readiness: Readiness) -> StepResult:
    """The wait took too long; the service goes on without us."""
    what = "an update" if progress.done else "an update that was already in progress"
    state = f"{readiness.phase}: {readiness.message}" if readiness.message else readiness.phase
    message = f"{what} continues after the timeout (last seen: {state}){progress.not_sent}"
    then = ", then apply again" if progress.left else ""
    hint = f"to wait for it, run `provisioner status --wait`{then}"
    return problem(progress, Status.STILL_UPDATING, Problem("E605", message, hint=hint))


def not_converged(progress: Progress, left: Sequence[FieldChange], is_there: bool) -> StepResult:
    """All calls went through, and the workspace still differs from the manifest."""
    fields = names(sorted({path_text(change.path) for change in left}))
    after = f"after {names(progress.done) or 'the update'}"
    what = f"{after}, these fields still differ: {fields}"
    if not is_there:
        what = f"{after}, `{progress.step.name}` does not exist"
    hint = "run `provisioner plan`: the service or another user may have changed a value"
    return problem(progress, Status.DID_NOT_CONVERGE, Problem("E606", what, hint=hint))


def not_visible(progress: Progress, left: Sequence[FieldChange]) -> StepResult:
    """Returns the result of a step whose calls all succeeded, and whose reads lag behind."""
    fields = names(sorted({path_text(change.path) for change in left}))
    message = (
        f"all calls succeeded, but the service does not show {fields} yet: run "
        "`provisioner plan` later"
    )
    return StepResult(Status.ACCEPTED, message)


def fence_not_visible(progress: Progress) -> StepResult:
    """Returns the result of a deletion that was not sent: its fence never showed."""
    message = (
        f"`{progress.step.name}` does not show the new value of the tag "
        "`provisioner_fence`, so another run may be changing it; nothing was deleted"
    )
    return problem(replace(progress, at=""), Status.STALE, Problem("E610", message, hint=AGAIN))


def fence_taken(progress: Progress) -> StepResult:
    """Returns the result of a deletion that was not sent: another run does the same."""
    message = (
        f"another run is replacing or deleting `{progress.step.name}` right now; this "
        f"run deleted nothing{progress.so_far}"
    )
    return problem(replace(progress, at=""), Status.STALE, Problem("E610", message, hint=AGAIN))


def still_there(progress: Progress) -> StepResult:
    """The service took the deletion and goes on showing the resource."""
    message = (
        f"`{progress.step.name}` was deleted, but the service still returns it{progress.not_sent}"
    )
    hint = "the service may need longer; " + AGAIN
    return problem(progress, Status.DID_NOT_CONVERGE, Problem("E607", message, hint=hint))


def not_ours(progress: Progress) -> StepResult:
    """The answer to a create was lost, and another client created what is there now."""
    message = (
        f"the response to `{progress.at}` was lost, and another run or user created "
        f"the `{progress.step.name}` that exists now; it was not changed"
    )
    return problem(progress, Status.FAILED, Problem("E608", message, hint=AGAIN))


def not_known(progress: Progress) -> StepResult:
    """A request went out, and what became of it could not be found out."""
    message = f"it is unknown whether `{progress.at}` took effect{progress.so_far}"
    hint = "apply again: calls that succeeded are not repeated"
    return problem(progress, Status.UNKNOWN, Problem("E609", message, hint=hint))


def accepted(progress: Progress) -> StepResult:
    """Sent, and not waited for. What has to come after the update is not sent at all."""
    if not progress.left:
        return StepResult(Status.ACCEPTED, "not waited for")
    then = "run apply again when it is ready"
    return StepResult(Status.ACCEPTED, f"not waited for{progress.not_sent}: {then}")


def already_gone() -> StepResult:
    return StepResult(Status.DONE, "already deleted")


def contradicted(progress: Progress) -> StepResult:
    """A read by name finds nothing, and the list of the kind has the resource."""
    message = (
        f"the workspace lists `{progress.step.name}`, but returns 404 for it; nothing was deleted"
    )
    return problem(progress, Status.FAILED, Problem("E437", message, hint=AGAIN))


def not_started(reason: str) -> StepResult:
    return StepResult(Status.NOT_STARTED, reason)


def interrupted(progress: Progress, *, in_flight: bool, updating: bool) -> StepResult:
    """What a signal left behind. ``updating``: the service is at work on what we sent."""
    if in_flight:
        return not_known(progress)
    if updating:
        return StepResult(Status.STILL_UPDATING, f"on the server{progress.not_sent}")
    if not progress.done:
        return not_started("interrupted")
    if progress.left:
        sent = f"{names(progress.done)} succeeded"
        return StepResult(Status.INTERRUPTED, f"{sent}{progress.not_sent}")
    return StepResult(Status.DONE, "interrupted before it was read back")


def by_readiness(progress: Progress, readiness: Readiness) -> StepResult | None:
    """How waiting for readiness ended, or None when all is well."""
    match readiness.phase:
        case Phase.FAILED:
            return update_failed(progress, readiness)
        case Phase.STOPPED:
            return stopped(progress)
        case Phase.ABSENT:
            return gone(progress)
    return None


def not_ready(need: Step) -> StepResult:
    """Not begun because ``need`` does not serve yet."""
    return not_started(f"needs {need.address}, which is not ready yet")


def unmet(need: Step, status: Status | None) -> StepResult:
    """Not begun because of ``need``, which did not end well or is blocked."""
    why = "is blocked" if need.action is Action.BLOCKED else f"ended as: {status}"
    return not_started(f"needs {need.address}, which {why}")


# What refusals and live resources mean for the step that met them. Pure.

SOON_S = (0.2, 0.4, 0.8, 1.6)
SETTLING_S = (*SOON_S, 3.2, 5.0, 5.0, 5.0, 5.0, 5.0)
"""Pauses between reads until a write shows. Half a minute in all: how long the service's
reads may lag is not documented, and a wrong "did not converge" is worse than the wait."""

SETTLED_S = 3.0
"""Reads that show a write and are equal for so long will not show more of it."""


class Reads:
    """The reads after the writes of a step: whether they show those, and since when all of it."""

    def __init__(self, before: Live | None) -> None:
        self._before = self._last = _traces(before)
        self._equal_s = 0.0

    def have_settled(self, live: Live | None, pause_s: float) -> bool:
        """Take in a read that came ``pause_s`` after the one before it."""
        seen = _traces(live)
        self._equal_s = self._equal_s + pause_s if seen == self._last else 0.0
        self._last = seen
        # A read that is older than the last write says nothing about what that write did.
        is_current = live is not None and live.shows_last_write is not False
        return is_current and seen != self._before and self._equal_s >= SETTLED_S


def _traces(live: Live | None) -> tuple[str, str]:
    """What of a resource no write leaves as it was."""
    return (live.fingerprint, live.touched) if live else ("", "")


def removes(step: Step, operation: Operation) -> bool:
    """Whether ``operation`` takes the resource itself away, not just a part of it."""
    return step.action in DESTRUCTIVE and operation.method == "DELETE"


def http_status(error: WorkspaceError) -> int:
    """The status of a refusal; 0 when the service did not answer."""
    return error.status if isinstance(error, ServiceError) else 0


def is_absence(error: WorkspaceError) -> bool:
    """Returns whether the service itself says that the resource does not exist."""
    return isinstance(error, ServiceError) and error.error_code in MISSING


def name_taken(error: WorkspaceError) -> bool:
    """Whether a create was refused because of its name: 400 or 409, the code is the same."""
    return isinstance(error, ServiceError) and error.error_code.endswith("ALREADY_EXISTS")


def is_there(live: Live | None) -> bool:
    return live is not None


def same_content(live: Live | None, other: Live | None) -> bool:
    """Whether both are the same resource with the same fields, whatever their versions."""
    return (
        live is not None
        and other is not None
        and (live.identity, live.ownership) == (other.identity, other.ownership)
        and live.document == other.document
    )


def is_what_was_sent(terms: StepTerms, step: Step, create: Operation, live: Live) -> bool:
    """Whether ``live`` came from this create: our mark, and every field that was sent."""
    payload = create.payload or {}
    # Not every kind carries a mark; where none was sent only the fields can tell.
    mark = terms.owner if _carries(payload, terms.owner) else ""
    # What later calls will set cannot be there yet.
    left = [
        change
        for change in terms.remaining(step, live)
        if not change.path or str(change.path[0]) in payload
    ]
    return live.ownership.owner == mark and not left


def _carries(payload: Any, owner: str) -> bool:
    """Whether ``payload`` holds ``owner``: its parts as values (tags), or whole in a text."""
    texts = set(_texts(payload))
    return set(owner.split("/")) <= texts or any(owner in text for text in texts)


def _texts(value: Any) -> Iterator[str]:
    """Every text anywhere inside JSON data."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value
