"""Has the requests of scripts carried out: on a worker, in a watch, or by the clock."""

from __future__ import annotations

import heapq
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

from provisioner.applying.clock import ExecutorClock
from provisioner.applying.requests import (
    Enumerate,
    Examine,
    Fence,
    Pause,
    Perform,
    Read,
    Request,
    RequestResult,
    Wait,
)
from provisioner.applying.step_run import StepRun
from provisioner.applying.waits import Waiter, Watch
from provisioner.errors import ProvisionerError
from provisioner.model.kind import Driver
from provisioner.model.outcome import Announce, Event, What
from provisioner.model.plan import Address


@dataclass(frozen=True, slots=True)
class Task:
    """``work`` is done on a worker, ``then`` is for whoever empties the inbox."""

    work: Callable[[], Any]
    then: Callable[[RequestResult], None]


class Workers:
    """At most ``count`` threads, started when they are needed.

    ``inbox`` receives the tasks that were done, with their answers. To be used by one
    thread.
    """

    def __init__(self, count: int) -> None:
        self.inbox: queue.SimpleQueue[tuple[Task, RequestResult]] = queue.SimpleQueue()
        self.running = 0
        self._count = count
        self._started = 0
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()

    @property
    def free(self) -> bool:
        """Whether a task would be begun at once."""
        return self.running < self._count

    def submit(self, task: Task) -> None:
        """Have ``task`` done. The caller makes sure that a worker is free."""
        self.running += 1
        if self._started < self.running:
            self._started += 1
            threading.Thread(target=self._work, name="apply", daemon=True).start()
        self._tasks.put(task)

    def received(self, done: tuple[Task, RequestResult]) -> None:
        """Go on with something taken out of the inbox."""
        self.running -= 1
        task, answer = done
        task.then(answer)

    def close(self) -> None:
        """Let the threads end when they have done what they are at."""
        for _ in range(self._started):
            self._tasks.put(None)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                answer = RequestResult(task.work())
            except Exception as error:  # told to whoever asked, not to this thread
                answer = RequestResult(error=error)
            self.inbox.put((task, answer))


Resume = Callable[[StepRun, RequestResult], None]


class Dispatcher:
    """Takes requests, and calls ``resume`` with each answer on the executor's thread."""

    def __init__(
        self,
        clock: ExecutorClock,
        workers: Workers,
        timeout_s: float,
        announce: Announce,
        resume: Resume,
    ) -> None:
        self._clock = clock
        self._workers = workers
        self._timeout_s = timeout_s
        self._announce = announce
        self._resume = resume
        self._backlog: deque[tuple[Task, StepRun | None]] = deque()
        self._pauses: list[tuple[float, int, StepRun]] = []
        self._pause_number = 0
        self._watches: dict[str, Watch] = {}
        self._parked: dict[Address, StepRun] = {}

    def take(self, course: StepRun, request: Request) -> None:
        """See to ``request``; returns at once."""
        driver = course.driver
        match request:
            case Read():
                self._queue(partial(driver.read, course.resource), course)
            case Enumerate():
                self._queue(driver.poll, course)
            case Examine(live):
                self._queue(partial(driver.examine, course.resource, live), course)
            case Fence(value):
                self._queue(partial(driver.fence, course.step.name, value), course)
            case Perform(operation, identity):
                self._queue(partial(driver.perform, operation, identity), course)
            case Wait():
                self._park(course, request)
            case Pause(seconds):
                self._pause_number += 1
                due = self._clock.now() + seconds
                heapq.heappush(self._pauses, (due, self._pause_number, course))

    def hand_out(self) -> None:
        """Give the workers what is there to do."""
        while self._backlog and self._workers.free:
            task, course = self._backlog.popleft()
            if course:
                course.in_flight = True
                if isinstance(course.request, Perform):
                    self._tell(course, What.CALLING, call=course.request.operation.call)
            self._workers.submit(task)

    def due(self) -> float:
        """When ``on_time`` has something to do next; inf when only answers can bring it."""
        pauses = (pause[0] for pause in self._pauses[:1])
        return min([*pauses, *(watch.due() for watch in self._watches.values())], default=inf)

    def on_time(self) -> None:
        """Do what is due by now."""
        now = self._clock.now()
        while self._pauses and self._pauses[0][0] <= now:
            self._resume(heapq.heappop(self._pauses)[2], RequestResult(now))
        for kind, watch in self._watches.items():
            for address, waited in watch.expired(now).items():
                self._release(address, RequestResult(waited))
            if watch.start_look(now):
                self._backlog.append((Task(self._poll_of(watch), partial(self._saw, kind)), None))

    def _queue(self, work: Callable[[], Any], course: StepRun) -> None:
        self._backlog.append((Task(work, partial(self._resume, course)), course))

    def _park(self, course: StepRun, wait: Wait) -> None:
        now = self._clock.now()
        if course.deadline is None:
            course.deadline = now + self._timeout_s
        waiter = Waiter(course.step.name, wait.goal, now, course.deadline, wait.failed_before)
        address = course.step.address
        self._parked[address] = course
        self._watches.setdefault(address.kind, Watch()).join(address, waiter)

    def _poll_of(self, watch: Watch) -> Callable[[], Any]:
        driver: Driver = self._parked[next(iter(watch.waiters))].driver
        return driver.poll

    def _saw(self, kind: str, answer: RequestResult) -> None:
        """A poll was answered."""
        watch = self._watches[kind]
        watch.end_look(self._clock.now())
        if answer.error:
            self._missed(watch, tuple(watch.waiters), answer.error)
            return
        to_confirm = watch.saw(answer.value)
        for address, waiter in watch.waiters.items():
            if not waiter.confirming:
                self._tell_waiting(address, waiter)
        for address in to_confirm:
            waiter = watch.waiters[address]
            ask = partial(self._parked[address].driver.confirm, waiter.name)
            task = Task(ask, partial(self._confirmed, watch, address, waiter))
            self._backlog.append((task, None))

    def _confirmed(
        self, watch: Watch, address: Address, waiter: Waiter, answer: RequestResult
    ) -> None:
        if watch.waiters.get(address) is not waiter:
            return  # Its time was up while this was on its way.
        if answer.error:
            self._missed(watch, (address,), answer.error)
            return
        waited = watch.confirmed(address, answer.value, self._clock.now())
        if waited:
            self._release(address, RequestResult(waited))
        else:
            self._tell_waiting(address, waiter)

    def _missed(self, watch: Watch, addresses: Iterable[Address], error: Exception) -> None:
        defect = not isinstance(error, ProvisionerError)
        for address in watch.missed(addresses, at_once=defect):
            self._release(address, RequestResult(error=error))

    def _release(self, address: Address, answer: RequestResult) -> None:
        self._resume(self._parked.pop(address), answer)

    def _tell_waiting(self, address: Address, waiter: Waiter) -> None:
        self._tell(
            self._parked[address],
            What.WAITING,
            phase=waiter.last.phase,
            message=waiter.last.message,
            seconds=self._clock.now() - waiter.since,
        )

    def _tell(self, course: StepRun, what: What, **more: Any) -> None:
        self._announce(Event(course.step.address, course.step.name, what, **more))
