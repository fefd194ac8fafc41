"""JUnit XML, which every CI system shows as tests. Pure.

GitLab ignores a second test of the same name, so no two here have the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape, quoteattr

from provisioner.commands.reports import view
from provisioner.commands.reports.report import Report
from provisioner.errors import Problem, Severity
from provisioner.model.drift import Drift
from provisioner.model.outcome import WENT_WELL, Outcome, Status
from provisioner.model.plan import Action, Step
from provisioner.model.query import CheckResult
from provisioner.rendering import problems
from provisioner.rendering.text import harmless, harmless_line


@dataclass(frozen=True, slots=True)
class JunitCase:
    """One test. ``failure`` and ``skipped`` say why it did not pass, in lines."""

    suite: str
    name: str
    seconds: float = 0.0
    failure: str = ""
    skipped: str = ""
    output: str = ""
    file: str = ""


def text(report: Report) -> str:
    """One suite for the run; a case for each problem, check, outcome and planned step."""
    # An empty suite looks like a run that never happened, so one test always passes.
    cases = list(_unique(_cases(report))) or [JunitCase(report.command, "no problems")]
    counts = (
        f'tests="{len(cases)}" failures="{sum(bool(case.failure) for case in cases)}" '
        f'errors="0" skipped="{sum(bool(case.skipped) for case in cases)}" '
        f'time="{sum(case.seconds for case in cases):.3f}"'
    )
    suite = quoteattr(f"provisioner {report.command} {view.title(report)}")
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites name={suite} {counts}>",
        f"  <testsuite name={suite} {counts}>",
        *(f"    {line}" for case in cases for line in _lines(case)),
        "  </testsuite>",
        "</testsuites>",
    ]
    return "\n".join(lines) + "\n"


def _unique(cases: Iterator[JunitCase]) -> Iterator[JunitCase]:
    seen: Counter[tuple[str, str]] = Counter()
    for case in cases:
        key = (case.suite, case.name)
        seen[key] += 1
        yield replace(case, name=f"{case.name} #{seen[key]}") if seen[key] > 1 else case


def _lines(case: JunitCase) -> Iterator[str]:
    file = f" file={quoteattr(case.file)}" if case.file else ""
    names = f"classname={quoteattr(case.suite)} name={quoteattr(harmless_line(case.name))}"
    yield f'<testcase {names}{file} time="{case.seconds:.3f}">'
    for tag, message in (("failure", case.failure), ("skipped", case.skipped)):
        if message:
            # An attribute cannot hold line breaks; the element repeats the whole message.
            first = quoteattr(message.split("\n")[0])
            yield f"  <{tag} message={first}>{escape(message)}</{tag}>"
    if case.output:
        yield f"  <system-out>{escape(case.output)}</system-out>"
    yield "</testcase>"


def _cases(report: Report) -> Iterator[JunitCase]:
    yield from (_of_problem(each, report) for each in report.problems)
    yield from (_of_check(each, report) for each in report.checks)
    files = {at: harmless_line(report.prefix + where.file) for at, where in report.places}
    for each in view.ordered_outcomes(report):
        yield replace(_of_outcome(each, report), file=files.get(each.step.address, ""))
    for group in view.by_resource(report.drift) if report.drift else ():
        yield replace(_of_drift(group, report), file=files.get(group[0].address, ""))
    # After an apply the outcome of a step says all that its plan said.
    if report.plan and not report.outcomes:
        for step in report.plan.steps:
            if step.action is not Action.KEEP or step.rollout:
                yield replace(_of_step(step, report), file=files.get(step.address, ""))


def _of_problem(problem: Problem, report: Report) -> JunitCase:
    text = problems.text([problem], colour=False)
    place = str(problem.where or problem.subject)
    error = problem.severity is Severity.ERROR
    return JunitCase(
        f"{report.command} {problem.severity}",
        f"{problem.code} {place}".strip(),
        failure=text if error else "",
        output="" if error else text,
        file=harmless_line(report.prefix + problem.where.file) if problem.where else "",
    )


def _of_check(result: CheckResult, report: Report) -> JunitCase:
    by = f"answered by {harmless_line(result.entity)}" if result.entity else ""
    if result.cases:
        by = "\n".join(filter(None, (by, result.cases.text, *result.cases.failures)))
    return JunitCase(
        f"{report.command} {view.title(report)}",
        f"{result.address} {result.check}",
        result.duration_ms / 1000,
        failure="" if result.passed else harmless(result.message) or "failed",
        output=harmless(by),
    )


def _of_outcome(outcome: Outcome, report: Report) -> JunitCase:
    # A step that never began is skipped: its cause is the failure of another test.
    good, not_started = outcome.status in WENT_WELL, outcome.status is Status.NOT_STARTED
    problems_of_outcome = outcome.error.problems if outcome.error else ()
    why = (
        problems.text(problems_of_outcome, colour=False)
        or harmless(outcome.message)
        or str(outcome.status)
    )
    return JunitCase(
        f"{report.command} {view.title(report)}",
        f"{outcome.step.action} {outcome.step.address}",
        outcome.seconds,
        failure="" if good or not_started else why,
        skipped=why if not_started else "",
        output=", ".join(outcome.done),
    )


def _of_drift(group: list[Drift], report: Report) -> JunitCase:
    lines = [
        ": ".join(filter(None, (view.told_of(finding), view.line(finding)))) for finding in group
    ]
    counts = any(finding.counts for finding in group)
    return JunitCase(
        f"{report.command} {view.title(report)}",
        f"drift {group[0].address}",
        failure="\n".join(lines) if counts else "",
        output="" if counts else "\n".join(lines),
    )


def _of_step(step: Step, report: Report) -> JunitCase:
    why = step.reason or "cannot be applied as declared"
    hint = f"\nhint: {step.hint}" if step.hint else ""
    lines = [f"{line.sign} {line.text}" for line in view.diff(step)]
    if view.stages_of(step):
        lines += [harmless_line(note) for note in step.notes] + [f"steps: {view.stages_of(step)}"]
    return JunitCase(
        f"{report.command} {view.title(report)}",
        f"{view.word(step.action)} {step.address}",
        failure=harmless(why + hint) if step.action is Action.BLOCKED else "",
        output="\n".join(lines),
    )
