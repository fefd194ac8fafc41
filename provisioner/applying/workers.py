"""Threads that make requests, so that the executor never waits for one.

They are daemons: a request that hangs holds up neither the report nor the end of the
process, which the threads of ``concurrent.futures`` would do.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from provisioner.applying.requests import Answer


@dataclass(frozen=True, slots=True)
class Task:
    """``work`` is done on a worker, ``then`` is for whoever empties the inbox."""

    work: Callable[[], Any]
    then: Callable[[Answer], None]


class Workers:
    """At most ``count`` threads, started when they are needed.

    ``inbox`` receives the tasks that were done, with their answers. To be used by one
    thread.
    """

    def __init__(self, count: int) -> None:
        self.inbox: queue.SimpleQueue[tuple[Task, Answer]] = queue.SimpleQueue()
        self.running = 0
        self._count = count
        self._started = 0
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()

    @property
    def free(self) -> bool:
        """Whether a task would be begun at once."""
        return self.running < self._count

    def submit(self, task: Task) -> None:
        """Have ``task`` done. The caller sees to it that somebody is free."""
        self.running += 1
        if self._started < self.running:
            self._started += 1
            threading.Thread(target=self._work, name="apply", daemon=True).start()
        self._tasks.put(task)

    def received(self, done: tuple[Task, Answer]) -> None:
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
                answer = Answer(task.work())
            except Exception as error:  # told to whoever asked, not to this thread
                answer = Answer(error=error)
            self.inbox.put((task, answer))
