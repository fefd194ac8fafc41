"""Moves gradual rollouts: looks at what is live, judges, and makes at most one move each.

Nothing is remembered between two runs: traffic, live versions and one tag are all there is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from provisioner.errors import Problem, ProvisionerError, ServiceError, Severity, UnreachableError
from provisioner.kinds import KINDS
from provisioner.model.clock import Clock, Now, SystemClock, utc_now
from provisioner.model.kind import Driver
from provisioner.model.live import Live, Phase
from provisioner.model.plan import Action, Address, Operation, Step
from provisioner.model.resource import Resource
from provisioner.model.rollout import Move, MoveKind, RolloutRole, RolloutTag, Why
from provisioner.model.rollout_block import RolloutSpec
from provisioner.planning.comparison import pending_changes
from provisioner.planning.planner import deployed_capacity
from provisioner.planning.rollout import decide
from provisioner.planning.rollout_plan import shares_after, state_of
from provisioner.planning.rollout_procedure import (
    Delay,
    Divide,
    Ending,
    Look,
    MoveRequest,
    WriteTag,
    carry_out,
)
from provisioner.planning.rollout_state import CHANGING, RAISING, UNJUDGED, Occasion, Rollout
from provisioner.workflow.parallel import map_parallel
from provisioner.workflow.rollout_analysis import Measuring, judged
from provisioner.workflow.session import Session

MOST_MOVES: Final = 40
"""Within ``WINDOW_S``. The service takes 50 changes in five minutes for the whole workspace, and
rollouts are not all that makes some. [serving-api 3.6]"""
WINDOW_S: Final = 300
PARALLELISM: Final = 8
WAIT_S: Final = 3600.0
FIRST_PAUSE_S, LONGEST_PAUSE_S, GROWTH = 0.5, 10.0, 1.5
LAG_PAUSES_S: Final = (0.3, 0.9, 2.7)
CONFLICT: Final = 409
StepJudge = Callable[[Sequence[Step]], Sequence[tuple[Problem, ...]]]
"""Returns the violations of each step, in their order."""


@dataclass(frozen=True, slots=True)
class RolloutReport:
    """What one run saw of a rollout, and did.

    ``state`` is as it is after the run, None where the resource is not there. ``move`` was
    decided; ``ending`` says what became of it. ``deferred``: it is left to the next run.
    ``problems`` stopped the move, ``warnings`` did not.
    """

    address: Address
    name: str
    state: Rollout | None
    move: Move
    ending: Ending = Ending.NOTHING
    deferred: bool = False
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def has_stepped_back(self) -> bool:
        """Whether this run took the traffic away from the new version."""
        return self.ending is Ending.MOVED and self.move.kind is MoveKind.BACK


@dataclass(frozen=True, slots=True)
class RolloutOptions:
    """Why a run moves rollouts. ``takes_over``: hand-made traffic counts as a step.

    ``most_moves`` is within five minutes: what takes traffic away from a new version is always
    made. ``judge`` may refuse moves towards a new version.
    """

    occasion: Occasion = Occasion.ADVANCE
    takes_over: bool = False
    most_moves: int = MOST_MOVES
    judge: StepJudge | None = None
    clock: Clock = field(default_factory=SystemClock)
    now: Now = utc_now


def rolled_out(session: Session, resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """Those of ``resources`` that declare a rollout."""
    return tuple(
        resource
        for resource in resources
        if KINDS[resource.address.kind].rollout and resource.rollout is not None
    )


def move_all(
    session: Session, resources: Sequence[Resource], options: RolloutOptions
) -> tuple[RolloutReport, ...]:
    """At most one move for each of ``resources``, in their order."""
    runs = [RolloutRun(session, resource, options) for resource in resources]
    decided = _judged(runs, map_parallel(RolloutRun.decided, runs, PARALLELISM), options.judge)
    allowed = _allowed(decided, options.most_moves)

    def carried(number: int) -> RolloutReport:
        report = decided[number]
        if report.move.kind is MoveKind.NOTHING or report.problems:
            return report
        if report.move.kind in CHANGING and number not in allowed:
            return replace(report, deferred=True)
        return runs[number].carried_out(report)

    return map_parallel(carried, range(len(runs)), PARALLELISM)


def _judged(
    runs: Sequence[RolloutRun], decided: Sequence[RolloutReport], judge: StepJudge | None
) -> list[RolloutReport]:
    """The reports with what ``judge`` says about moves towards a new version."""
    reports = list(decided)
    moving = ((at, each) for at, each in enumerate(decided) if not each.problems)
    raising = [at for at, report in moving if report.move.kind in RAISING]
    if judge is None or not raising:
        return reports
    violations = judge([runs[number].step(reports[number]) for number in raising])
    for number, problems in zip(raising, violations, strict=True):
        errors = tuple(each for each in problems if each.severity is Severity.ERROR)
        warnings = tuple(each for each in problems if each.severity is not Severity.ERROR)
        reports[number] = replace(reports[number], problems=errors, warnings=warnings)
    return reports


def _allowed(decided: Sequence[RolloutReport], most: int) -> set[int]:
    """The numbers of those that may change their resource in this run.

    The tags tell how many changes earlier runs made a moment ago. What waits the longest comes
    first, so that none is put off for ever; what takes traffic away is never put off.
    """
    room = most - sum(map(_moved_lately, decided))
    moving = [number for number, report in enumerate(decided) if report.move.kind in CHANGING]
    order = sorted(moving, key=lambda number: _since_s(decided[number]))
    order.sort(key=lambda number: not _takes_away(decided[number]))
    return {
        number for place, number in enumerate(order) if place < room or _takes_away(decided[number])
    }


def _since_s(report: RolloutReport) -> int:
    """Since when the rollout is where it is; 0 for a move that was interrupted."""
    return report.state.tag.since_s if report.state and report.state.tag else 0


def _moved_lately(report: RolloutReport) -> bool:
    since_s = _since_s(report)
    return bool(since_s and report.state and report.state.now_s - since_s < WINDOW_S)


def look_at_all(
    session: Session, resources: Sequence[Resource], options: RolloutOptions
) -> tuple[RolloutReport, ...]:
    """The state of each rollout, with one sample of its metrics. Nothing moves, and no model
    and no command is asked.
    """
    options = replace(options, occasion=Occasion.LOOK)
    runs = [RolloutRun(session, resource, options) for resource in resources]
    return map_parallel(RolloutRun.decided, runs, PARALLELISM)


def standing_in(session: Session, resource: Resource, live: Live) -> RolloutReport | None:
    """Where the rollout of ``resource`` stands by ``live`` alone, without a request.

    None where there is none, and where the rollout that there was is over.
    """
    role = KINDS[resource.address.kind].rollout
    if role is None or resource.existing or not (resource.rollout or live.ownership.rollout):
        return None
    bare = resource if resource.rollout is not None else replace(resource, rollout={})
    spec = role.spec(bare)
    state = state_of(role, bare, spec, live) if spec else None
    if state is None:
        return None
    now_s = int(utc_now().timestamp() + session.connection.clock_skew_s)
    removed = resource.rollout is None
    state = replace(state, now_s=now_s, occasion=Occasion.LOOK, removed=removed)
    move = decide(state)
    is_over = move.why is Why.STEADY or (removed and move.why is not Why.BLOCK_REMOVED)
    report = RolloutReport(resource.address, resource.name, state, move)
    return None if is_over else report


def _takes_away(report: RolloutReport) -> bool:
    return report.move.kind in (MoveKind.BACK, MoveKind.RETURN, MoveKind.HOLD)


class RolloutRun:
    """One resource in one run."""

    def __init__(self, session: Session, resource: Resource, options: RolloutOptions) -> None:
        self.session = session
        self.resource = resource
        self.options = options
        role = KINDS[resource.address.kind].rollout
        if role is None:
            raise TypeError(f"{resource.address.kind} does not support rollouts")
        self.role: RolloutRole = role
        self._bare = resource if resource.rollout is not None else replace(resource, rollout={})
        self._spec: RolloutSpec | None = role.spec(self._bare)
        self._driver: Driver = session.drivers[resource.address.kind]
        self._live: Live | None = None
        self._verdict: Any = None
        self._written_tag: str | None = None
        self._written_shares: dict[str, int] | None = None
        self._message = ""

    def seen(self) -> RolloutReport:
        """What is live, and what would be due if the verdict were good."""
        try:
            state = self._look()
        except ProvisionerError as error:
            return self._failed(None, error)
        move = decide(state) if state else Move(MoveKind.NOTHING, Why.NOT_STARTED)
        return RolloutReport(self.resource.address, self.resource.name, state, move)

    def decided(self) -> RolloutReport:
        """What is live, the verdict where there is something to judge, and the move."""
        report = self.seen()
        if report.state is None or report.problems or not self._needs_verdict(report):
            return report
        try:
            measuring = Measuring(
                self.session, self.resource, self.role, report.state, self.options.clock
            )
            state = judged(measuring)
        except ProvisionerError as error:
            return self._failed(report.state, error)
        self._verdict = state.verdict
        # Measuring takes minutes: the time of the step goes on meanwhile.
        state = replace(state, now_s=self._now_s())
        return replace(report, state=state, move=decide(state))

    def _needs_verdict(self, report: RolloutReport) -> bool:
        state = report.state
        judging = {*Occasion} - {Occasion.HOLD, Occasion.BACK, Occasion.RETRY}
        return (
            state is not None
            and state.occasion in judging
            and state.is_pair
            and state.is_under_way
            and report.move.why not in UNJUDGED
        )

    def step(self, report: RolloutReport) -> Step:
        """The move of ``report`` as a step of a plan."""
        state, live = report.state, self._live
        shares = shares_after(state, report.move) if state else None
        if state is None or live is None or self._spec is None or shares is None:
            raise self._gone()
        document = self.role.declared(self._bare, self._spec, live, shares)
        desired = replace(self._bare, document=document)
        before = state.versions.shares
        kind = KINDS[self.resource.address.kind]
        # Both versions are paid for already in any other move, and only its end stops that.
        starts = report.move.kind is MoveKind.START
        bare = self._bare.document
        return Step(
            self.resource.address,
            self.resource.name,
            Action.UPDATE,
            pending_changes(desired, live, kind),
            desired=document,
            capacity=deployed_capacity(kind, live.document, document, bare) if starts else None,
            traffic={name: (before.get(name, 0), share) for name, share in shares.items()},
        )

    def carried_out(self, report: RolloutReport) -> RolloutReport:
        """Make the move of ``report``; what became of it is in the result."""
        procedure = carry_out(report.move)
        answer: Any = None
        try:
            request: MoveRequest = next(procedure)
            while True:
                answer = self._answer(request)
                request = procedure.send(answer)
        except StopIteration as end:
            state = self._look()
            ending: Ending = end.value
            return replace(report, state=state, ending=ending)
        except ProvisionerError as error:
            return replace(
                self._failed(report.state, error), move=report.move, ending=Ending.OVERTAKEN
            )

    def _answer(self, request: MoveRequest) -> Any:
        match request:
            case Look():
                state = self._look()
                if state is None:
                    raise self._gone()
                return state
            case WriteTag(text):
                self._send(self.role.mark(self.resource.name, text))
                self._written_tag = text
                return None
            case Delay(seconds):
                self.options.clock.sleep(seconds)
                return None
            case Divide(shares):
                return self._divide(dict(shares))

    def _divide(self, shares: dict[str, int]) -> bool:
        if self._live is None or self._spec is None:
            raise self._gone()
        try:
            self._send(self.role.divide(self._bare, self._spec, self._live, shares))
        except ServiceError as error:
            if error.status != CONFLICT:
                raise
            # Somebody else's update: the tag has to be looked at again before the next try.
            self._wait()
            return False
        if self._wait() is Phase.FAILED:
            raise UnreachableError.of(
                "E797",
                f"the update of `{self.resource.name}` failed: {self._message}",
                hint="the traffic is unchanged; `provisioner status` shows more",
            )
        self._written_shares = shares
        return True

    def _wait(self) -> Phase:
        """Wait until no update is in progress; returns where the resource stands then."""
        clock, pause_s = self.options.clock, FIRST_PAUSE_S
        until = clock.now() + WAIT_S
        while True:
            readiness = self._driver.confirm(self.resource.name)
            self._message = readiness.message
            if readiness.phase is not Phase.UPDATING:
                return readiness.phase
            if clock.now() >= until:
                raise UnreachableError.of(
                    "E798",
                    f"the update of `{self.resource.name}` continues after the timeout",
                    hint="run `provisioner rollout advance` again",
                )
            clock.sleep(pause_s)
            pause_s = min(pause_s * GROWTH, LONGEST_PAUSE_S)

    def _send(self, operation: Operation) -> None:
        self._driver.perform(operation, self._live.identity if self._live else "")

    def _look(self) -> Rollout | None:
        """The resource as it is, once it shows what this run wrote last."""
        live = self._driver.read(self._bare)
        for pause_s in LAG_PAUSES_S:
            if live is None or self._shows_own_writes(live):
                break
            # A read may lag behind a write. What another run wrote since shows after the pauses.
            self.options.clock.sleep(pause_s)
            live = self._driver.read(self._bare)
        self._live, self._written_tag, self._written_shares = live, None, None
        if live is None or self._spec is None:
            return None
        state = state_of(self.role, self._bare, self._spec, live)
        if state is None:
            return None
        return replace(
            state,
            tag=RolloutTag.parse(live.ownership.rollout),
            now_s=self._now_s(),
            occasion=self.options.occasion,
            takes_over=self.options.takes_over,
            verdict=self._verdict,
            removed=self.resource.rollout is None,
        )

    def _shows_own_writes(self, live: Live) -> bool:
        """Whether ``live`` has the tag and the traffic that this run wrote last."""
        if self._written_tag is not None and live.ownership.rollout != self._written_tag:
            return False
        if self._written_shares is None or self._spec is None:
            return True
        versions = self.role.versions(self._bare, self._spec, live)
        return versions is not None and dict(versions.shares) == self._written_shares

    def _now_s(self) -> int:
        """The service's time: the clock of a runner may be wrong by hours."""
        return int(self.options.now().timestamp() + self.session.connection.clock_skew_s)

    def _failed(self, state: Rollout | None, error: ProvisionerError) -> RolloutReport:
        move = Move(MoveKind.NOTHING, Why.UNKNOWN)
        address, name = self.resource.address, self.resource.name
        return RolloutReport(address, name, state, move, problems=tuple(error.problems))

    def _gone(self) -> UnreachableError:
        return UnreachableError.of("E799", f"`{self.resource.name}` no longer exists")
