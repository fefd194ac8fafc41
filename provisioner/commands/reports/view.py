"""What every report says, before any format is chosen: order, words, lines. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from provisioner.commands.drift.words import label_of, sides_of, told, words
from provisioner.commands.drift.words import summary_line as drift_summary
from provisioner.commands.query.check_text import summary as check_summary
from provisioner.commands.reports.report import Report
from provisioner.errors import Severity
from provisioner.errors.wording import counted
from provisioner.model.drift import Drift, DriftCategory, Drifted
from provisioner.model.outcome import Outcome, Status
from provisioner.model.plan import DESTRUCTIVE, Action, Address, Plan, Step
from provisioner.model.query import CheckResult
from provisioner.model.rollout_block import drawn
from provisioner.planning.plan_json import digest, required_env
from provisioner.rendering import outcomes as outcome_words
from provisioner.rendering.plan_rows import PlanBlock, PlanRow, blocks_of
from provisioner.rendering.plan_text import HEADS, drift_line, summary_line, summary_line_of
from provisioner.rendering.progress import duration
from provisioner.rendering.style import Role, Style
from provisioner.rendering.text import harmless_line
from provisioner.rendering.values import Sides, columns, fitted, padded, shortened

WORST_FIRST: Final = (
    Action.DELETE,
    Action.REPLACE,
    Action.BLOCKED,
    Action.ORPHAN,
    Action.ADOPT,
    Action.UPDATE,
    Action.CREATE,
    Action.KEEP,
)
WORST_ENDS_FIRST: Final = (
    Status.FAILED,
    Status.DID_NOT_CONVERGE,
    Status.UNKNOWN,
    Status.INTERRUPTED,
    Status.STALE,
    Status.STILL_UPDATING,
    Status.NOT_STARTED,
    Status.ACCEPTED,
    Status.DONE,
)
STYLE: Final = Style(width=4000)
LONGEST_VALUE: Final = 300
"""Columns that the values of one line may take together."""

LONGEST_LINE: Final = 110
"""A line of a diff that would be longer has its reason below it."""

SIGNS: Final = {
    Role.ADDED: "+",
    Role.CHANGED: "!",
    Role.REMOVED: "-",
}
"""What a line of a diff begins with, so that GitHub and GitLab colour it."""


class DiffLine(NamedTuple):
    """A line of a diff: its sign (a blank: nothing changes here) and what follows."""

    sign: str
    text: str


class Fact(NamedTuple):
    """One thing to know about the run."""

    name: str
    value: str


def changed_steps(plan: Plan) -> list[Step]:
    """The steps that change something or are rolled out, the most dangerous first."""
    shown = [step for step in plan.steps if step.action is not Action.KEEP or step.rollout]
    return sorted(shown, key=lambda step: (WORST_FIRST.index(step.action), step.address))


def ordered_outcomes(report: Report) -> list[Outcome]:
    """The worst ends first, the same ends together, each in the order of their addresses."""
    return sorted(report.outcomes, key=_outcome_rank)


def _outcome_rank(outcome: Outcome) -> tuple[int, int, Address]:
    action = WORST_FIRST.index(outcome.step.action) if outcome.status is Status.DONE else 0
    return (WORST_ENDS_FIRST.index(outcome.status), action, outcome.step.address)


def check_rank(result: CheckResult) -> tuple[bool, Address, str]:
    """Sort key: what failed first."""
    return (result.passed, result.address, result.check)


def stages_of(step: Step) -> str:
    """The stages of the rollout as a bar, ``0 → [5] → 25 → 100 %``; ``""`` without one."""
    note = step.rollout
    if note is None or not note.stages:
        return ""
    return f"{drawn(note.stages, note.percent, STYLE.glyphs.arrow)} %"


def symbol(action: Action) -> str:
    """The sign that the plan text has for ``action``."""
    return HEADS[action][0]


def word(action: Action) -> str:
    """``replace``, and ``unchanged`` for a keep."""
    return "unchanged" if action is Action.KEEP else action.value


def diff(step: Step) -> Iterator[DiffLine]:
    """The changed fields of ``step``, a line each."""
    for block in blocks_of(step, STYLE):
        yield from _block_lines(block)


def _block_lines(block: PlanBlock) -> Iterator[DiffLine]:
    indent = ""
    if block.heading:
        yield DiffLine(" ", block.heading + _reason(block.reason))
        indent = "  "
    width = max((columns(row.label) for row in block.rows), default=0)
    for row in block.rows:
        label = padded(row.label, min(width, 60))
        shown = f"{row.bar} {shown_values(row)}" if row.bar else shown_values(row)
        line, reason = f"{indent}{label}  {shown}", _reason(row.reason)
        beside = len(line) + len(reason) <= LONGEST_LINE
        yield DiffLine(SIGNS.get(row.role, " "), line + reason if beside else line)
        if reason and not beside:
            yield DiffLine(" ", f"{indent}{reason}")


def shown_values(row: PlanRow) -> str:
    """``before → after``, or the one value, neither longer than can be read."""
    if len(row.values) == 1:
        return shortened(row.values[0], LONGEST_VALUE, STYLE.glyphs.ellipsis)
    sides = fitted(Sides(*row.values), LONGEST_VALUE, STYLE.glyphs.ellipsis)
    return f" {STYLE.glyphs.arrow} ".join(sides)


def _reason(reason: str) -> str:
    return f"  ({harmless_line(reason)})" if reason else ""


def title(report: Report) -> str:
    """``shop/prod``, or the project alone, or the tool."""
    names = [name for name in (report.project, report.environment) if name]
    return harmless_line("/".join(names)) or "provisioner"


def headline(report: Report) -> str:
    """The result in one line: how it was applied, else what is planned, else what is wrong."""
    if report.parts is not None:
        return _headline_of_several(report.parts)
    if report.outcomes:
        return outcome_words.summary_line(report.outcomes)
    if report.checks:
        return check_summary(report.checks)
    counts = Counter(problem.severity for problem in report.problems)
    trouble = ", ".join(
        counted(counts[severity], severity.value) for severity in Severity if counts[severity]
    )
    if report.drift:
        return "; ".join(filter(None, (drift_summary(report.drift), trouble)))
    if report.plan is None:
        return trouble or "No problems"
    sentences = (summary_line(report.plan), drift_line(report.plan.steps), trouble)
    return "; ".join(part for part in sentences if part)


def _headline_of_several(parts: Sequence[Report]) -> str:
    """How many environments are touched, and what is planned in all of them."""
    steps = tuple(step for part in parts if part.plan for step in part.plan.steps)
    if not parts:
        return "No declared resource changed"
    names = ", ".join(harmless_line(part.environment) for part in parts)
    drift = f". {drift_line(steps)}" if drift_line(steps) else ""
    touched = f"{counted(len(parts), 'environment')} touched: {names}"
    failed = [harmless_line(part.environment) for part in parts if part.plan is None]
    missing = f". Not planned, see the errors: {', '.join(failed)}" if failed else ""
    return f"{touched}. {summary_line_of(steps)}{drift}{missing}"


def facts(report: Report) -> list[Fact]:
    """What is known about the run, in the order of interest; nothing empty."""
    plan, audit = report.plan, report.audit
    commit = audit.git_commit or (plan.source.git_commit if plan else "")
    facts = (
        Fact("workspace", report.host),
        Fact("commit", commit),
        Fact("changed since", report.changed_since),
        Fact("plan digest", digest(plan) if plan else ""),
        Fact("by", audit.actor),
        Fact("started", audit.started_at),
        Fact("finished", audit.finished_at),
        Fact("version", audit.tool_version),
    )
    return [Fact(name, harmless_line(value)) for name, value in facts if value]


def destroyed(plan: Plan) -> list[Step]:
    """The steps that delete something, replacements too."""
    return [step for step in changed_steps(plan) if step.action in DESTRUCTIVE]


def blocked(plan: Plan) -> list[Step]:
    """The steps that cannot be done as they are written."""
    return [step for step in plan.steps if step.action is Action.BLOCKED]


def apply_command(report: Report, *, consent: bool = True) -> str:
    """The command that applies the plan; with ``consent``, the flags that it will ask for."""
    plan = report.plan
    if plan is None:
        return ""
    where = f" -e {_shell(plan.environment)}" if plan.environment != "local" else ""
    words = ["provisioner apply"]
    if report.plan_file:
        words.append(f" {_shell(report.plan_file)}")
    words.append(where)
    if not report.plan_file:
        words += [f" {_shell(word)}" for word in report.options]
    if any(step.action is Action.ADOPT for step in plan.steps) and not report.plan_file:
        words.append(" --adopt")
    flags = {Action.REPLACE: "--allow-replace", Action.DELETE: "--allow-delete"}
    unconfirmed = [step for step in destroyed(plan) if consent and not step.consented]
    words += [f" {flags[step.action]} {_shell(str(step.address))}" for step in unconfirmed]
    return "".join(words)


def _shell(text: str) -> str:
    from shlex import quote

    return quote(harmless_line(text))


def needed_variables(plan: Plan) -> list[str]:
    """The environment variables that apply takes secrets from."""
    return [harmless_line(name) for name in required_env(plan)]


def outcome_word(outcome: Outcome) -> str:
    """``created``, ``failed``, ``still updating``."""
    done = outcome.status is Status.DONE
    return outcome_words.WORDS.get(outcome.step.action, "done") if done else outcome.status.value


def took(outcome: Outcome) -> str:
    """``1m30s``; nothing below a second."""
    return duration(outcome.seconds) if outcome.seconds >= 1 else ""


# What every report says of a drift, before any format is chosen: order and lines. Pure.

SORTS: Final = tuple(DriftCategory)


def by_resource(drifted: Drifted) -> list[list[Drift]]:
    """The differences of each resource, the resources with the worst sort first."""
    groups: dict[Address, list[Drift]] = {}
    for finding in drifted.findings:
        groups.setdefault(finding.address, []).append(finding)
    return sorted(
        groups.values(), key=lambda group: (SORTS.index(group[0].category), group[0].address)
    )


def line(finding: Drift) -> str:
    """``path  declared → live`` on one line, without the path of a whole resource."""
    if not finding.path:
        return ""
    return f"{label_of(finding, STYLE)}  {values(finding)}"


def values(finding: Drift) -> str:
    """``declared → live``, neither longer than can be read; nothing for a whole resource."""
    if not finding.path:
        return ""
    sides = fitted(sides_of(finding, STYLE), LONGEST_VALUE, STYLE.glyphs.ellipsis)
    return f" {STYLE.glyphs.arrow} ".join(sides)


def told_of(finding: Drift) -> str:
    """The sort and what else is known, in one line."""
    return harmless_line("; ".join((words(finding), *told(finding))))
