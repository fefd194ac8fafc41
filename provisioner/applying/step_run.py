"""One step while it is applied: its procedure, its last request, and whether that is out."""

from __future__ import annotations

from provisioner.applying import step_results
from provisioner.applying.requests import Perform, Request, RequestResult, StepTerms, Wait
from provisioner.applying.step_procedure import StepProcedure
from provisioner.applying.step_results import StepResult
from provisioner.applying.waits import Goal
from provisioner.model.kind import Driver
from provisioner.model.plan import Step
from provisioner.model.resource import Resource


class StepRun:
    """One step in progress. ``started`` and ``deadline`` are seconds of the executor's clock.

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
        """Passes on the answer to the last request. Returns the next one, or the result.

        Raises what the procedure does not expect, which is a defect.
        """
        self.in_flight = False
        try:
            self.request = next(self._run) if self.request is None else self._run.send(answer)
        except StopIteration as end:
            result: StepResult = end.value
            return result
        return self.request

    def interrupted(self) -> StepResult:
        """Ends the step where it is. Returns its result."""
        self._run.close()
        calling = self.in_flight and isinstance(self.request, Perform)
        updating = isinstance(self.request, Wait) and self.request.goal is Goal.READY
        return step_results.interrupted(
            self._script.progress, in_flight=calling or self._script.unsure, updating=updating
        )
