"""What is worth a mark beside a line of a file: problems, blocked steps, failures. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from provisioner.commands.reports import view
from provisioner.commands.reports.report import Report
from provisioner.errors import Position, Problem, Severity
from provisioner.model.outcome import WENT_WELL
from provisioner.model.plan import DESTRUCTIVE, Action, Address, Step
from provisioner.rendering.text import harmless

PROJECT_FILE = "provisioner.yaml"
"""Where a problem is shown that has no place of its own; every project has this file."""

ORDER = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Annotation:
    """A problem as CI systems show one: ``file`` from the root of the repository.

    ``rule`` is the code that ``provisioner explain`` knows, or a word of the plan.
    """

    severity: Severity
    rule: str
    message: str
    file: str
    line: int = 1
    column: int = 1
    end_column: int = 1
    hint: str = ""
    subject: str = ""

    @property
    def told(self) -> str:
        """The message, its subject and its hint as lines."""
        subject = f" ({self.subject})" if self.subject else ""
        hint = f"\nhint: {self.hint}" if self.hint else ""
        return f"{self.message}{subject}{hint}"

    @property
    def fingerprint(self) -> str:
        """The same for the same problem while lines move: of everything but the place."""
        # GitLab tells new problems from known ones by it; with the line in it each edit above
        # a problem would make the problem new.
        parts = (self.rule, self.file, self.subject, self.message)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def annotations_of(report: Report) -> tuple[Annotation, ...]:
    """Errors first, then by place; the same annotation only once."""
    places = dict(report.places)
    annotations = [
        *map(_of_problem, report.problems),
        *_of_outcomes(report, places),
        *_of_checks(report, places),
        *_of_drift(report, places),
        *_of_steps(report, places),
    ]
    prefix = harmless(report.prefix)
    prefixed = [replace(each, file=prefix + each.file) for each in annotations]
    prefixed += [each for part in report.parts or () for each in annotations_of(part)]
    # Forges show only the first of many: the errors must be among them.
    return tuple(sorted(dict.fromkeys(prefixed), key=_rank))


def _rank(each: Annotation) -> tuple[int, str, int, int, str, str]:
    place = (each.file, each.line, each.column)
    return (ORDER.index(each.severity), *place, each.rule, each.message)


def _of_problem(problem: Problem) -> Annotation:
    where = problem.where or Position(PROJECT_FILE)
    return Annotation(
        problem.severity,
        problem.code,
        harmless(problem.message),
        harmless(where.file),
        where.line,
        where.column,
        where.column + problem.width,
        harmless(problem.hint),
        harmless(problem.subject),
    )


def _of_outcomes(report: Report, places: dict[Address, Position]) -> Iterator[Annotation]:
    for outcome in report.outcomes:
        if outcome.status in WENT_WELL:
            continue
        address = outcome.step.address
        problems = outcome.error.problems if outcome.error else ()
        for problem in problems:
            placed = replace(problem, where=problem.where or places.get(address))
            yield _of_problem(replace(placed, subject=problem.subject or str(address)))
        if not problems:
            message = outcome.message or f"{outcome.status}"
            yield _of_step(outcome.step, Severity.ERROR, f"{outcome.status}: {message}", places)


def _of_checks(report: Report, places: dict[Address, Position]) -> Iterator[Annotation]:
    for result in report.checks:
        if not result.passed:
            where = places.get(result.address, Position(PROJECT_FILE))
            message = f"check `{result.check}` failed: {result.message}"
            yield _placed(Severity.ERROR, "check", message, where, str(result.address))


def _of_drift(report: Report, places: dict[Address, Position]) -> Iterator[Annotation]:
    for finding in report.drift.findings if report.drift else ():
        if finding.counts:
            message = ": ".join(filter(None, (view.told_of(finding), view.line(finding))))
            where = places.get(finding.address, Position(PROJECT_FILE))
            yield _placed(Severity.WARNING, "drift", message, where, str(finding.address))


def _of_steps(report: Report, places: dict[Address, Position]) -> Iterator[Annotation]:
    # What was applied is shown by its outcomes.
    if report.outcomes or report.plan is None:
        return
    for step in report.plan.steps:
        if step.action is Action.BLOCKED:
            message = step.reason or "cannot be applied as declared"
            yield _of_step(step, Severity.ERROR, f"blocked: {message}", places)
        elif step.action in DESTRUCTIVE:
            message = f": {step.reason}" if step.reason else ""
            yield _of_step(
                step, Severity.WARNING, f"will {step.action} {step.name}{message}", places
            )


def _of_step(
    step: Step, severity: Severity, message: str, places: dict[Address, Position]
) -> Annotation:
    where = places.get(step.address, Position(PROJECT_FILE))
    made = _placed(severity, step.action.value, message, where, str(step.address))
    return replace(made, hint=harmless(step.hint))


def _placed(
    severity: Severity, rule: str, message: str, where: Position, subject: str
) -> Annotation:
    return Annotation(
        severity,
        rule,
        harmless(message),
        harmless(where.file),
        where.line,
        where.column,
        where.column,
        subject=harmless(subject),
    )
