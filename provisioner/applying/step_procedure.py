"""The procedure of one step: its requests in order, as a generator, and its result. Pure.

A deletion is fenced, so that two runs never do it twice: the run writes a random value to the
tag ``provisioner_fence``, reads the endpoint back, and deletes only while the id is the planned
one and the value its own. The last writer wins, nothing expires and nothing blocks.

The service deletes by name. So one window remains: between the last read of the fence and the
moment the DELETE is carried out. Another run would have to write its fence after that read, and
then see it twice, with a pause in between that is longer than two requests, before the DELETE
arrives. Only a DELETE that is under way for longer than that pause leaves the window open.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from functools import partial
from typing import Final

from provisioner.applying import step_results
from provisioner.applying.requests import (
    Enumerate,
    Examine,
    Fence,
    Pause,
    Perform,
    Procedure,
    Read,
    StepTerms,
    Wait,
    ask,
)
from provisioner.applying.step_results import (
    AGAIN,
    SETTLING_S,
    SOON_S,
    Progress,
    Reads,
    StepResult,
    StopStep,
    http_status,
    is_absence,
    is_there,
    is_what_was_sent,
    name_taken,
    removes,
    same_content,
)
from provisioner.applying.waits import Goal, Waited
from provisioner.errors import LostAnswerError, ProvisionerError, ServiceError, WorkspaceError
from provisioner.model.live import Live, Phase
from provisioner.model.outcome import Status
from provisioner.model.plan import Action, Operation, Step

READING, WAITING, READING_BACK = "reading it", "waiting for it", "reading it back"
FENCING: Final = "looking for other runs"
CONFLICT: Final = 409


FENCE_PAUSE_S: Final = 0.5
"""The least time between the first and the second read that have to show the fence."""

FENCE_LAGS: Final = 1.5
"""How many times as long as the fence took to show the pause is: reads may lag behind."""

DELETE_PAUSES_S: Final = (1.0, 2.0, 4.0, 8.0)
"""Before a deletion that was not confirmed is fenced and sent again."""

THROTTLED: Final = (429, 503)
"""Statuses of a request that the service has not taken."""


class _DeletedError(Exception):
    """The resource is gone after a DELETE of this run whose answer was lost."""


class StepProcedure:
    """Yields the requests of one step, and returns its result.

    Errors of the workspace become results; only defects are raised.
    """

    def __init__(self, step: Step, terms: StepTerms) -> None:
        self.step = step
        self.terms = terms
        self.done: list[str] = []
        self.at = ""
        self.unsure = False
        self._exists = bool(step.live_fingerprint)
        self._identity = ""
        self._before: Live | None = None
        self._last_fence = ""
        self._delete_sent = False
        self._idle = False

    @property
    def progress(self) -> Progress:
        """How far the step has come."""
        return Progress(self.step, tuple(self.done), self.at)

    def run(self) -> Procedure[StepResult]:
        """Yields the requests of the step, in order."""
        try:
            if self.step.only_waits:
                # Not compared before: its version moves when the update becomes active.
                yield from self._until_ready()
            else:
                yield from self._check()
            for operation in self.step.operations:
                yield from self._carry_out(operation)
            yield from self._verify()
        except StopStep as stop:
            return stop.result
        except ProvisionerError as error:
            return step_results.failed(self.progress, self._status_of(error), error)
        return StepResult(Status.DONE)

    def _status_of(self, error: ProvisionerError) -> Status:
        sent_all_it_could = self.at in (WAITING, READING_BACK) and self.done
        unknown = self.unsure or sent_all_it_could or isinstance(error, LostAnswerError)
        return Status.UNKNOWN if unknown else Status.FAILED

    def _check(self) -> Procedure[None]:
        """Stops the step where the resource is not as it was when the plan was made.

        A create is checked too: not every kind refuses a name that is taken.
        """
        self.at = READING
        live: Live | None = yield from ask(Read())
        if live is None and self.step.action is Action.DELETE:
            raise (yield from self._gone_already())
        if (live.fingerprint if live else "") != self.step.live_fingerprint:
            raise StopStep(step_results.stale(self.progress))
        if live is None:
            return
        if self.step.action is Action.REPLACE:
            # The fingerprint does not cover what no manifest declares, such as new grants.
            examined: Live = yield from ask(Examine(live))
            if examined.at_stake:
                raise StopStep(step_results.would_lose(self.progress, examined.at_stake))
        self._before, self._identity, self._last_fence = live, live.identity, live.fence
        self._idle = live.readiness.phase is not Phase.UPDATING

    def _carry_out(self, operation: Operation) -> Procedure[None]:
        if operation.after_idle and self._exists and not self._idle:
            yield from self._until_idle()
        if removes(self.step, operation):
            yield from self._delete(operation)
            self.done.append(operation.call)
            yield from self._until_gone()
            return
        yield from self._send(operation)
        self.done.append(operation.call)
        self._exists = True
        if operation.wait:
            yield from self._until_ready()

    def _send(self, operation: Operation) -> Procedure[None]:
        """Makes one call, and repeats it after a conflict or a lost create."""
        error = yield from self._attempt(operation)
        if error is None:
            return
        if self._exists and http_status(error) == 409:
            yield from self._until_idle()
            again = yield from self._attempt(operation)
            if again is not None:
                raise again
        elif not self._exists and isinstance(error, LostAnswerError):
            yield from self._find_created(operation)
        elif not self._exists and name_taken(error) and not self.done:
            raise StopStep(step_results.stale(self.progress))
        else:
            raise error

    def _attempt(self, operation: Operation) -> Procedure[WorkspaceError | None]:
        """Makes one call. Returns a refusal or a lost answer; raises other errors."""
        if "{id}" in operation.path and not self._identity:
            self.at = READING_BACK
            live = yield from self._read_until(is_there, SETTLING_S)
            self._identity = live.identity if live else ""
        self.at = operation.call
        try:
            identity: str = yield from ask(Perform(operation, self._identity))
        except (ServiceError, LostAnswerError) as error:
            return error
        if not self._exists:
            # Only a create makes an identity, whatever the answer to another call holds.
            self._identity = identity or self._identity
        return None

    def _find_created(self, operation: Operation) -> Procedure[None]:
        """Finds out what became of a create whose answer was lost."""
        self.unsure = True
        live = yield from self._read_until(is_there, SOON_S)
        if live is None:
            error = yield from self._attempt(operation)
            if error is None or not (isinstance(error, LostAnswerError) or name_taken(error)):
                self.unsure = False
                if error:
                    raise error
                return
            # The first one did arrive and is seen late, or the second was lost as well.
            live = yield from self._read_until(is_there, SETTLING_S)
        if live is None:
            raise StopStep(step_results.not_known(self.progress))
        if not is_what_was_sent(self.terms, self.step, operation, live):
            raise StopStep(step_results.not_ours(self.progress))
        self._identity, self.unsure = live.identity, False

    def _delete(self, operation: Operation) -> Procedure[None]:
        """Deletes the resource with the planned id, and makes sure that it is gone.

        A DELETE is never repeated unseen: after a lost answer another client may have created a new
        resource of the same name.
        """
        for pause_s in (*DELETE_PAUSES_S, None):
            try:
                yield from self._fence()
            except _DeletedError:
                return
            self._delete_sent = True
            error = yield from self._attempt(operation)
            if error is None or is_absence(error):
                return
            if isinstance(error, LostAnswerError):
                live = yield from self._read_until(self._is_gone, SOON_S)
                if self._is_gone(live):
                    return
            elif http_status(error) == CONFLICT:
                yield from self._until_idle()
            elif http_status(error) not in THROTTLED:
                raise error
            if pause_s is None:
                raise error
            yield from ask(Pause(pause_s))

    def _fence(self) -> Procedure[None]:
        """Stops the step unless two reads show the planned id with this run's own fence."""
        call, self.at = self.at, FENCING
        value = self.terms.new_fence()
        before, self._last_fence = self._last_fence, value
        started_s: float = yield from ask(Pause(0.0))
        carries_tags = yield from self._write_fence(value)
        if not carries_tags:
            return
        shows = partial(self._shows_fence, before)
        live = yield from self._read_until(shows, SETTLING_S)
        yield from self._expect_fence(value, live, before)
        shown_s: float = yield from ask(Pause(0.0))
        # Longer than reads lag: then the second one shows whatever another run did before it
        # stopped or went on, also its deletion.
        yield from ask(Pause(max(FENCE_PAUSE_S, FENCE_LAGS * (shown_s - started_s))))
        live = yield from ask(Read())
        yield from self._expect_fence(value, live, before)
        self.at = call

    def _write_fence(self, value: str) -> Procedure[bool]:
        """Writes the fence. Returns False for a kind without tags."""
        try:
            carries_tags: bool = yield from ask(Fence(value))
            return carries_tags
        except ServiceError as error:
            if not is_absence(error):
                raise
            refusal = error
        # Only the resource's own route says that the resource is gone: its tags have another.
        live = yield from self._read_until(self._is_gone, SETTLING_S)
        if live is None:
            raise (yield from self._vanished())
        if self._is_gone(live):
            raise StopStep(step_results.stale(self.progress))
        name = self.step.name
        raise refusal.with_hint(f"`{name}` itself exists, so nothing was deleted: {AGAIN}")

    def _shows_fence(self, before: str, live: Live | None) -> bool:
        """Whether a read shows more than what was there before this run's fence."""
        return live is None or live.identity != self._identity or live.fence != before

    def _vanished(self) -> Procedure[Exception]:
        """What to raise where the resource is gone before the deletion was confirmed."""
        if self._delete_sent:
            return _DeletedError()
        if self.step.action is Action.DELETE:
            return (yield from self._gone_already())
        return StopStep(step_results.stale(self.progress))

    def _gone_already(self) -> Procedure[StopStep]:
        """What to raise where a read finds nothing to delete: done, if the list agrees.

        A 404 by name alone may be wrong, and would then be a deletion that was never made.
        """
        for pause_s in (*SOON_S, None):
            listed: Container[str] = yield from ask(Enumerate())
            if self.step.name not in listed:
                return StopStep(step_results.already_gone())
            if pause_s is not None:
                yield from ask(Pause(pause_s))
        return StopStep(step_results.contradicted(self.progress))

    def _expect_fence(self, value: str, live: Live | None, before: str) -> Procedure[None]:
        if live is None:
            raise (yield from self._vanished())
        if live.identity != self._identity:
            if live.fence == value:
                # The tag went to a new resource of that name, to which it does not belong.
                yield from ask(Fence(""))
            raise StopStep(step_results.stale(self.progress))
        if live.fence == before != value:
            raise StopStep(step_results.fence_not_visible(self.progress))
        if live.fence != value:
            raise StopStep(step_results.fence_taken(self.progress))

    def _until_idle(self) -> Procedure[None]:
        call, self.at = self.at, "waiting until it is idle"
        waited: Waited = yield from ask(Wait(Goal.IDLE))
        if not waited.in_time:
            raise StopStep(step_results.time_up(self.progress, waited.readiness))
        if waited.readiness.phase is Phase.ABSENT:
            raise StopStep(step_results.gone(self.progress))
        self._idle, self.at = True, call
        if not self.done:
            yield from self._check_again()

    def _check_again(self) -> Procedure[None]:
        """Stops the step unless an update of others brought what it was to bring."""
        live: Live | None = yield from ask(Read())
        # Not the fingerprint: versions move when an update becomes active.
        if not same_content(live, self._before):
            raise StopStep(step_results.stale(self.progress))

    def _until_ready(self) -> Procedure[None]:
        if not self.terms.wait:
            raise StopStep(step_results.accepted(self.progress))
        self.at = WAITING
        before = self._before.readiness.phase if self._before else None
        waited: Waited = yield from ask(Wait(Goal.READY, failed_before=before is Phase.FAILED))
        if not waited.in_time:
            raise StopStep(step_results.time_up(self.progress, waited.readiness))
        result = step_results.by_readiness(self.progress, waited.readiness)
        if result:
            raise StopStep(result)
        self._idle = True

    def _until_gone(self) -> Procedure[None]:
        self.at = READING_BACK
        live = yield from self._read_until(self._is_gone, SETTLING_S)
        if not self._is_gone(live):
            raise StopStep(step_results.still_there(self.progress))
        self._exists, self._idle, self._identity, self._before = False, False, "", None

    def _is_gone(self, live: Live | None) -> bool:
        """Whether the planned resource is gone: a new one of its name does not count."""
        return live is None or live.identity != self._identity

    def _verify(self) -> Procedure[None]:
        """Reads the resource back until it is as the manifest says, for a bounded time."""
        if not self._exists or self.step.desired is None:
            return
        self.at = READING_BACK
        waits = any(operation.wait for operation in self.step.operations)
        # Nor is it done while an update goes on that was in progress before.
        waits = waits or (self.step.updating and self.terms.wait)
        reads = Reads(self._before)
        for pause in (0.0, *SETTLING_S):
            if pause:
                yield from ask(Pause(pause))
            live: Live | None = yield from ask(Read())
            if waits and live is not None and live.readiness.phase is Phase.UPDATING:
                # The read that showed "ready" was older than this step's update.
                yield from self._until_ready()
                live = yield from ask(Read())
            left = self.terms.remaining(self.step, live)
            if live is not None and not left:
                return
            if reads.have_settled(live, pause):
                break
        if live is not None and live.shows_last_write is False:
            raise StopStep(step_results.not_visible(self.progress, left))
        raise StopStep(step_results.not_converged(self.progress, left, is_there=live is not None))

    def _read_until(
        self, wanted: Callable[[Live | None], bool], pauses: tuple[float, ...]
    ) -> Procedure[Live | None]:
        live: Live | None = yield from ask(Read())
        for pause in pauses:
            if wanted(live):
                break
            yield from ask(Pause(pause))
            live = yield from ask(Read())
        return live
