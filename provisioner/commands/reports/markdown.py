"""A report as Markdown for comments and step summaries, within a number of bytes. Pure.

Worst first. What does not fit is told in a line, then by its name, and at last counted;
replacements and deletions are the last to lose anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.commands.drift.remedies import ways_out
from provisioner.commands.reports import view
from provisioner.commands.reports.markdown_parts import (
    MOST_RESOURCES,
    drawn_steps,
    flowchart,
    parts_of,
)
from provisioner.commands.reports.report import Report
from provisioner.commands.reports.size_limit import fitted
from provisioner.model.drift import Drifted
from provisioner.model.plan import Action, Plan, Step
from provisioner.planning.plan_json import digest
from provisioner.rendering import capacity
from provisioner.rendering.markup import code, escaped, fence, in_html

COMMENT_BYTES = 60_000
"""GitHub takes 65,536 characters; whoever posts the comment may want to add some."""

PICTURE_SHARE, LONGEST_COMMAND, MOST_NAMES = 0.15, 1_200, 5
WIDEST_COMMAND = 90
"""Characters of a command that stands on one line."""

VERBS = {
    "plan": "Plan for",
    "show": "Plan for",
    "apply": "Apply to",
    "destroy": "Destroy in",
    "drift": "Drift of",
    "validate": "Validation of",
    "verify": "Checks of",
}


def text(report: Report, limit: int = COMMENT_BYTES) -> str:
    """The whole report in at most ``limit`` bytes, a section for each environment of several."""
    top = f"{marker(report)}\n"
    if report.parts is None:
        return top + _section(report, limit - _size(top))
    top += f"## Changes since {code(report.changed_since)}\n\n"
    top += f"**{escaped(view.headline(report))}**\n\n"
    return top + _sections(report, limit - _size(top))


def _sections(report: Report, limit: int) -> str:
    """What no environment is to blame for, then each environment; short ones give room away."""
    alone = Report(report.command, problems=report.problems)
    notes = fitted(list(parts_of(alone)), limit // 4)
    parts = report.parts or ()
    room, made = limit - _size(notes), dict[int, str]()
    for left, at in enumerate(sorted(range(len(parts)), key=lambda at: _weight(parts[at]))):
        made[at] = _section(parts[at], room // (len(parts) - left) - 1)
        room -= _size(made[at]) + 1
    return "\n".join(part for part in (notes, *(made[at] for at in range(len(parts)))) if part)


def _weight(report: Report) -> int:
    return len(view.changed_steps(report.plan)) if report.plan else 0


def _section(report: Report, limit: int) -> str:
    head = "\n".join(_head(report))
    end = "\n".join(_end(report))
    picture = _picture(report)
    if _size(picture) > limit * PICTURE_SHARE:
        picture = ""
    room = limit - sum(map(_size, (head, end, picture))) - 4
    body = fitted(list(parts_of(report)), room)
    return "\n".join(part for part in (head, body, picture, end) if part)


def _size(part: str) -> int:
    return len(part.encode())


def _head(report: Report) -> Iterator[str]:
    yield f"## {VERBS.get(report.command, 'Report of')} {code(view.title(report))}\n"
    yield f"**{escaped(view.headline(report))}**\n"
    if report.plan and not report.outcomes:
        yield from _warnings(report.plan)
        yield from _capacity(report.plan)


def _capacity(plan: Plan) -> Iterator[str]:
    """What the plan does to the capacity in sum, as a table."""
    rows = list(capacity.sum_rows(plan))
    if rows:
        yield "| Capacity | |\n|---|---|"
        yield from (f"| {name} | {escaped(text)} |" for name, text in rows)
        yield ""


def marker(report: Report) -> str:
    """By which a caller finds the comment to update; nobody sees it."""
    # Two hyphens in a row would end the comment for some readers.
    return f"<!-- provisioner:{in_html(view.title(report)).replace('--', '-&#45;')} -->"


def _warnings(plan: Plan) -> Iterator[str]:
    """In GitHub's alert syntax, which is a plain quotation everywhere else."""
    deleted = [step for step in view.destroyed(plan) if step.action is Action.DELETE]
    replaced = [step for step in view.destroyed(plan) if step.action is Action.REPLACE]
    warnings = [f"deletes {_named(deleted)}"] if deleted else []
    warnings += [f"deletes and creates again {_named(replaced)}"] if replaced else []
    if warnings:
        yield f"> [!CAUTION]\n> This {', and '.join(warnings)}.\n"
    blocked = view.blocked(plan)
    if blocked:
        sentence = f"Nothing can be applied: {_named(blocked)} cannot be done as written."
        yield f"> [!WARNING]\n> {sentence}\n"


def _named(steps: list[Step]) -> str:
    names = ", ".join(code(step.name) for step in steps[:MOST_NAMES])
    more = len(steps) - MOST_NAMES
    return f"{names} and {more} more" if more > 0 else names


def _picture(report: Report) -> str:
    chart = flowchart(report)
    if not chart:
        return ""
    more = len(drawn_steps(report)) - MOST_RESOURCES
    remark = f"\n{more} more are not drawn.\n" if more > 0 else ""
    return f"### Where requests go\n\n{fence('mermaid', chart.splitlines())}{remark}"


def _end(report: Report) -> Iterator[str]:
    plan = report.plan
    if plan and not (report.outcomes or plan.blocked or plan.is_empty):
        yield from _how_to_apply(report, plan)
    if report.drift and ways_out(report.drift):
        yield "### To resolve\n"
        yield fence("console", _ways(report.drift))
    facts = view.facts(report)
    if facts:
        yield "<sub>"
        yield " · ".join(f"{fact.name} {_in_code(fact.value)}" for fact in facts)
        yield "</sub>\n"


def _ways(drifted: Drifted) -> Iterator[str]:
    for way in ways_out(drifted):
        yield f"# {way.does}"
        yield way.command


def _in_code(value: str) -> str:
    return f"<code>{escaped(value)}</code>"


def _how_to_apply(report: Report, plan: Plan) -> Iterator[str]:
    command = view.apply_command(report)
    yield "### How to apply\n"
    if len(command.encode()) > LONGEST_COMMAND:
        short = view.apply_command(report, consent=False)
        yield fence("console", [short])
        yield "with `--allow-delete ADDRESS` or `--allow-replace ADDRESS` for each of the above.\n"
    else:
        wide = len(command) > WIDEST_COMMAND
        lines = command.replace(" --", " \\\n  --").split("\n") if wide else [command]
        yield fence("console", lines)
    if not (report.plan_file or report.changed_since):
        exactly = code(f"--expect-plan-digest {digest(plan)}")
        yield f"{exactly} beside it applies exactly this plan or nothing, and does not ask.\n"
    variables = view.needed_variables(plan)
    if variables:
        yield f"It needs the environment variables {', '.join(map(code, variables[:50]))}.\n"
