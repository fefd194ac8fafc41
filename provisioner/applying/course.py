"""One step on its way: its script, what it last asked for, and whether that is out."""

from __future__ import annotations

from provisioner.applying import endings
from provisioner.applying.endings import Ending
from provisioner.applying.requests import Answer, Call, Request, Terms, Wait
from provisioner.applying.script import Script
from provisioner.applying.waiting import Goal
from provisioner.plan import Step
from provisioner.resource import Driver, Resource


class Course:
    """``started`` and ``deadline`` in seconds of the executor's clock.

    ``deadline`` is None until the step waits for the first time. ``in_flight``: the
    request is being made right now.
    """

    def __init__(self, step: Step, terms: Terms, driver: Driver, started: float) -> None:
        self.step = step
        self.driver = driver
        self.started = started
        self.resource = Resource(
            step.address, step.name, step.desired or {}, existing=step.existing
        )
        self.deadline: float | None = None
        self.request: Request | None = None
        self.in_flight = False
        self._script = Script(step, terms)
        self._run = self._script.run()

    @property
    def done(self) -> tuple[str, ...]:
        return tuple(self._script.done)

    def go_on(self, answer: Answer) -> Request | Ending:
        """Give the answer to the last request; returns the next one, or the end.

        Raises what the script does not expect, which is a defect.
        """
        self.in_flight = False
        try:
            self.request = next(self._run) if self.request is None else self._run.send(answer)
        except StopIteration as end:
            ending: Ending = end.value
            return ending
        return self.request

    def interrupted(self) -> Ending:
        """End here, whatever it was at."""
        self._run.close()
        calling = self.in_flight and isinstance(self.request, Call)
        updating = isinstance(self.request, Wait) and self.request.goal is Goal.READY
        return endings.interrupted(
            self._script.progress, in_flight=calling or self._script.unsure, updating=updating
        )
