"""Carries out a plan. It decides nothing: what to call is in the plan already.

    step_procedure  the requests of one step, in order  (pure, a generator)
    step_run    one step, its last request and its state
    waits       which resources are waited for, and when to poll (pure, times are arguments)
    dispatcher  carries out requests                    (workers, watches, the clock)
    executor    the order of steps, and their outcomes  (one loop, on the calling thread)

A step that waits is parked and occupies no worker. A failure ends its own step, and those
that need it; nothing is ever deleted because of a failure or a timeout.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from provisioner.applying import step_results
from provisioner.applying.clock import ExecutorClock, RealClock
from provisioner.applying.dispatcher import Dispatcher, Workers
from provisioner.applying.requests import Remaining, RequestResult, StepTerms
from provisioner.applying.step_results import StepResult
from provisioner.applying.step_run import StepRun
from provisioner.model.kind import Driver
from provisioner.model.outcome import WENT_WELL, Announce, Defect, Event, Outcome, Status, What
from provisioner.model.plan import Action, Address, Plan, Step

__all__ = ["Defect", "Event", "Hooks", "Options", "Outcome", "Status", "What", "apply"]

PATIENCE_S = 4.0
"""How long a stop waits for requests in flight; a report has to be there within 5 s."""


@dataclass(frozen=True, slots=True)
class Options:
    """``parallelism``: so many requests at once. ``timeout_s``: for all waiting of a step.

    Without ``wait`` apply does not wait for readiness: a step ends as accepted at the first call
    that would be waited for, and calls that have to come after it are not sent but named
    in the outcome; the next apply sends them. A wait until an update that was in progress
    before has ended still happens: without it there would be nothing to accept.
    """

    parallelism: int = 8
    timeout_s: float = 3600.0
    wait: bool = True


@dataclass(frozen=True, slots=True)
class Hooks:
    """What applying needs from outside; everything is called on the thread of ``apply``.

    ``remaining`` tells what still differs between a step and what is live. ``stop`` may be
    set at any time, from a signal handler too.
    """

    announce: Announce = lambda event: None
    remaining: Remaining = lambda step, live: ()
    stop: threading.Event = field(default_factory=threading.Event)
    clock: ExecutorClock = field(default_factory=RealClock)


def apply(
    plan: Plan, drivers: Mapping[str, Driver], options: Options, hooks: Hooks
) -> tuple[Outcome, ...]:
    """Carry out ``plan``; returns how its steps ended, in its order.

    Of those that have nothing to call only the ones that are waited for are among them.

    ``drivers`` by kind name. Whatever the workspace does ends in an outcome. After a
    KeyboardInterrupt the outcomes come at once and ``hooks.stop`` is set. Raises Defect,
    when all is over, if an unexpected error happened.
    """
    return _Executor(plan, drivers, options, hooks).run()


class _Executor:
    def __init__(
        self, plan: Plan, drivers: Mapping[str, Driver], options: Options, hooks: Hooks
    ) -> None:
        self._steps = {step.address: step for step in plan.steps}
        self._drivers = {
            s.address: drivers[s.address.kind]
            for s in plan.steps
            if s.operations or (options.wait and s.only_waits)
        }
        self._terms = StepTerms(f"{plan.project}/{plan.environment}", options.wait, hooks.remaining)
        self._hooks = hooks
        self._order = TopologicalSorter(
            {s.address: [n for n in s.needs if n in self._steps] for s in plan.steps}
        )
        self._ready: deque[Step] = deque()
        self._courses: dict[Address, StepRun] = {}
        self._outcomes: dict[Address, Outcome] = {}
        self._defects: list[Exception] = []
        self._deaf = False
        self._workers = Workers(options.parallelism)
        self._dispatcher = Dispatcher(
            hooks.clock, self._workers, options.timeout_s, self._announce, self._resume
        )

    def run(self) -> tuple[Outcome, ...]:
        try:
            self._order.prepare()
            self._take_ready()
            self._work()
            self._let_finish()
        except KeyboardInterrupt:
            # The second signal: what is on its way now stays unknown.
            self._hooks.stop.set()
        finally:
            self._workers.close()
        self._end_the_rest()
        outcomes = tuple(self._outcomes[address] for address in self._drivers)
        if self._defects:
            raise Defect(outcomes) from self._defects[0]
        return outcomes

    def _work(self) -> None:
        self._hand_out()
        while (self._ready or self._courses) and not self._hooks.stop.is_set():
            self._receive(self._dispatcher.due())
            self._dispatcher.on_time()
            self._hand_out()

    def _hand_out(self) -> None:
        if self._hooks.stop.is_set():
            return
        self._dispatcher.hand_out()
        # Begun steps come first: there is little time between their check and their write.
        while self._ready and self._workers.free:
            self._begin(self._ready.popleft())
            self._dispatcher.hand_out()

    def _receive(self, until: float) -> None:
        busy = self._workers.running > 0
        done = self._hooks.clock.wait(self._workers.inbox, until, busy=busy)
        if done:
            self._workers.received(done)

    def _let_finish(self) -> None:
        """After a stop: take in what is on its way, for a bounded time; send nothing."""
        for course in self._courses.values():
            if course.in_flight:
                self._announce(Event(course.step.address, course.step.name, What.STOPPING))
        until = self._hooks.clock.now() + PATIENCE_S
        while self._courses and self._workers.running and self._hooks.clock.now() < until:
            self._receive(until)

    def _end_the_rest(self) -> None:
        for course in tuple(self._courses.values()):
            self._finish(course, course.interrupted())
        for address in self._drivers:
            if address not in self._outcomes:
                self._record(self._steps[address], step_results.not_started("interrupted"))

    def _take_ready(self) -> None:
        """Queue the steps whose needs have come to an end; the empty ones end at once."""
        while addresses := self._order.get_ready():
            for address in addresses:
                if address in self._drivers:
                    self._ready.append(self._steps[address])
                else:
                    self._order.done(address)

    def _begin(self, step: Step) -> None:
        unmet = self._unmet(step)
        if unmet:
            self._record(step, unmet)
            return
        now = self._hooks.clock.now()
        course = StepRun(step, self._terms, self._drivers[step.address], now)
        self._courses[step.address] = course
        self._announce(Event(step.address, step.name, What.STARTED))
        self._resume(course, RequestResult())

    def _unmet(self, step: Step) -> StepResult | None:
        for address in step.needs:
            need = self._steps.get(address)
            outcome = self._outcomes.get(address)
            blocked = need is not None and need.action is Action.BLOCKED
            if need and (blocked or (outcome and outcome.status not in WENT_WELL)):
                return step_results.unmet(need, outcome.status if outcome else None)
            # Accepted without waiting, or still at an update that an earlier run sent.
            is_ready = outcome.status is Status.DONE if outcome else not (need and need.updating)
            if need and address in step.after_ready and not is_ready:
                return step_results.not_ready(need)
        return None

    def _resume(self, course: StepRun, answer: RequestResult) -> None:
        try:
            result = course.go_on(answer)
        except Exception as defect:  # the other steps must not suffer; raised at the end
            self._defects.append(defect)
            result = StepResult(Status.UNKNOWN, f"a bug in provisioner: {defect!r}")
        if isinstance(result, StepResult):
            self._finish(course, result)
        else:
            self._dispatcher.take(course, result)

    def _finish(self, course: StepRun, result: StepResult) -> None:
        del self._courses[course.step.address]
        seconds = self._hooks.clock.now() - course.started
        self._record(course.step, result, course.done, seconds)

    def _record(
        self, step: Step, result: StepResult, done: tuple[str, ...] = (), seconds: float = 0.0
    ) -> None:
        outcome = Outcome(step, result.status, done, result.error, result.message, seconds)
        self._outcomes[step.address] = outcome
        self._announce(
            Event(
                step.address,
                step.name,
                What.FINISHED,
                status=result.status,
                message=outcome.told,
                seconds=seconds,
            )
        )
        if not self._hooks.stop.is_set():  # After a stop nothing becomes ready any more.
            self._order.done(step.address)
            self._take_ready()

    def _announce(self, event: Event) -> None:
        """Tell who listens. One that fails is left alone, and its error raised at the end."""
        if self._deaf:
            return
        try:
            self._hooks.announce(event)
        except Exception as defect:
            self._deaf = True
            self._defects.append(defect)
