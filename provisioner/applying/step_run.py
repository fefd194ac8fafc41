"""One step on its way: its script, what it last asked for, and whether that is out."""

from __future__ import annotations

from collections.abc import Callable

from provisioner.applying import step_results
from provisioner.applying.reading_back import (
    SETTLING_S,
    SOON_S,
    Reads,
    http_status,
    is_absence,
    is_there,
    is_what_was_sent,
    name_taken,
    removes,
    same_content,
)
from provisioner.applying.requests import (
    Examine,
    Pause,
    Perform,
    Procedure,
    Read,
    Request,
    RequestResult,
    StepTerms,
    Wait,
    ask,
)
from provisioner.applying.step_results import Progress, StepResult, StopStep
from provisioner.applying.waiting import Goal, Waited
from provisioner.errors import LostAnswerError, ProvisionerError, ServiceError, WorkspaceError
from provisioner.model.kind import Driver
from provisioner.model.live import Live, Phase
from provisioner.model.outcome import Status
from provisioner.model.plan import Action, Operation, Step
from provisioner.model.resource import Resource

READING, WAITING, READING_BACK = "reading it", "waiting for it", "reading it back"


class StepProcedure:
    """One step. ``run`` yields what to ask and returns how it ended.

    Raises nothing but defects: errors of the workspace become endings.
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
        self._idle = False

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        return Progress(self.step, tuple(self.done), self.at)

    def run(self) -> Procedure[StepResult]:
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
        """Nothing is written to what is not as it was planned against, or was not there.

        A create is no exception: not every kind's is refused where the name is taken.
        """
        self.at = READING
        live: Live | None = yield from ask(Read())
        if live is None and self.step.action is Action.DELETE:
            raise StopStep(step_results.already_gone())
        if (live.fingerprint if live else "") != self.step.live_fingerprint:
            raise StopStep(step_results.stale(self.progress))
        if live is None:
            return
        if self.step.action is Action.REPLACE:
            # The fingerprint does not cover what no manifest declares, such as new grants.
            examined: Live = yield from ask(Examine(live))
            if examined.at_stake:
                raise StopStep(step_results.would_lose(self.progress, examined.at_stake))
        self._before, self._identity = live, live.identity
        self._idle = live.readiness.phase is not Phase.UPDATING

    def _carry_out(self, operation: Operation) -> Procedure[None]:
        if operation.after_idle and self._exists and not self._idle:
            yield from self._until_idle()
        yield from self._send(operation)
        self.done.append(operation.call)
        if removes(self.step, operation):
            yield from self._until_gone()
            return
        self._exists = True
        if operation.wait:
            yield from self._until_ready()

    def _send(self, operation: Operation) -> Procedure[None]:
        """Make one call, and once more where that is the right thing to do."""
        error = yield from self._attempt(operation)
        if error is None:
            return
        if self._exists and http_status(error) == 409:
            yield from self._until_idle()
            again = yield from self._attempt(operation)
            if again is not None:
                raise again
        elif removes(self.step, operation):
            yield from self._find_removed(operation, error)
        elif not self._exists and isinstance(error, LostAnswerError):
            yield from self._find_created(operation)
        elif not self._exists and name_taken(error) and not self.done:
            raise StopStep(step_results.stale(self.progress))
        else:
            raise error

    def _attempt(self, operation: Operation) -> Procedure[WorkspaceError | None]:
        """Make one call; a refusal and a lost answer are returned, other errors raised."""
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
        """The answer to a create was lost: find out what became of it."""
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

    def _find_removed(self, operation: Operation, error: WorkspaceError) -> Procedure[None]:
        """A deletion was not confirmed: done all the same, or to be sent once more."""
        if is_absence(error):
            return
        if not isinstance(error, LostAnswerError):
            raise error
        live = yield from self._read_until(self._is_gone, SOON_S)
        if self._is_gone(live):
            return
        again = yield from self._attempt(operation)
        if again is not None and not is_absence(again):
            raise again

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
        """After an update of others: is the live side what that update was to bring?"""
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
        """Whether the one that was there is: another one of that name is not ours to judge."""
        return live is None or live.identity != self._identity

    def _verify(self) -> Procedure[None]:
        """Read the resource back until it is as the manifest says, for a bounded time."""
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
                # The look that said "ready" was older than our update.
                yield from self._until_ready()
                live = yield from ask(Read())
            left = self.terms.remaining(self.step, live)
            if live is not None and not left:
                return
            if reads.have_settled(live, pause):
                break
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


class StepRun:
    """``started`` and ``deadline`` in seconds of the executor's clock.

    ``deadline`` is None until the step waits for the first time. ``in_flight``: the
    request is being made right now.
    """

    def __init__(self, step: Step, terms: StepTerms, driver: Driver, started: float) -> None:
        self.step = step
        self.driver = driver
        self.started = started
        self.resource = Resource(
            step.address, step.name, step.desired or {}, existing=step.existing
        )
        self.deadline: float | None = None
        self.request: Request | None = None
        self.in_flight = False
        self._script = StepProcedure(step, terms)
        self._run = self._script.run()

    @property
    def done(self) -> tuple[str, ...]:
        return tuple(self._script.done)

    def go_on(self, answer: RequestResult) -> Request | StepResult:
        """Give the answer to the last request; returns the next one, or the end.

        Raises what the script does not expect, which is a defect.
        """
        self.in_flight = False
        try:
            self.request = next(self._run) if self.request is None else self._run.send(answer)
        except StopIteration as end:
            result: StepResult = end.value
            return result
        return self.request

    def interrupted(self) -> StepResult:
        """End here, whatever it was at."""
        self._run.close()
        calling = self.in_flight and isinstance(self.request, Perform)
        updating = isinstance(self.request, Wait) and self.request.goal is Goal.READY
        return step_results.interrupted(
            self._script.progress, in_flight=calling or self._script.unsure, updating=updating
        )
