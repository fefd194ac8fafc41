"""A report as Markdown for comments and step summaries, within a number of bytes. Pure.

Worst first. What does not fit is told in a line, then by its name, and at last counted;
replacements and deletions are the last to lose anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.commands.drift.remedies import ways_out
from provisioner.commands.drift.words import words
from provisioner.commands.reports import view
from provisioner.commands.reports.report import Report
from provisioner.commands.reports.size_limit import ReportPart, fitted
from provisioner.commands.reports.view import changed_steps
from provisioner.errors import Problem, Severity
from provisioner.model.drift import Drift, Drifted
from provisioner.model.outcome import WENT_WELL, Outcome
from provisioner.model.plan import DESTRUCTIVE, Action, Plan, Step
from provisioner.model.query import CheckResult
from provisioner.model.serving import Branch, Topology
from provisioner.planning.plan_json import digest
from provisioner.rendering import capacity, problems
from provisioner.rendering.markup import code, escaped, fence, in_html, in_mermaid, prose
from provisioner.rendering.plan_rows import moved_traffic

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
    """By which a caller finds the comment to update; it is not shown."""
    # Two hyphens in a row would end the comment for some readers.
    return f"<!-- provisioner:{in_html(view.title(report)).replace('--', '-&#45;')} -->"


def _warnings(plan: Plan) -> Iterator[str]:
    """In GitHub's alert syntax, which is a plain quotation everywhere else."""
    deleted = [step for step in view.destroyed(plan) if step.action is Action.DELETE]
    replaced = [step for step in view.destroyed(plan) if step.action is Action.REPLACE]
    warnings = [f"deletes {_named(deleted)}"] if deleted else []
    warnings += [f"deletes and recreates {_named(replaced)}"] if replaced else []
    if warnings:
        yield f"> [!CAUTION]\n> This {', and '.join(warnings)}.\n"
    blocked = view.blocked(plan)
    if blocked:
        sentence = f"Nothing can be applied: {_named(blocked)} cannot be applied as declared."
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
        yield (
            f"With {exactly}, `apply` applies exactly this plan or nothing, without confirmation.\n"
        )
    variables = view.needed_variables(plan)
    if variables:
        yield f"`apply` needs the environment variables {', '.join(map(code, variables[:50]))}.\n"


# The parts of a Markdown report: problems, checks, outcomes and steps, worst first. Pure.

TITLES = {
    Action.DELETE: "deleted",
    Action.REPLACE: "replaced: deleted and recreated",
    Action.BLOCKED: "blocked",
    Action.ORPHAN: "orphaned: managed by this project, without a manifest",
    Action.ADOPT: "adopted",
    Action.UPDATE: "updated",
    Action.CREATE: "created",
    Action.KEEP: "rolled out step by step",
}
SEVERITIES = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.NOTE: "Notes"}


def parts_of(report: Report) -> Iterator[ReportPart]:
    """What ``report`` tells, in the order in which it should be read."""
    for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE):
        yield from (_problem(each) for each in report.problems if each.severity is severity)
    yield from (_check(each) for each in sorted(report.checks, key=view.check_rank))
    yield from map(_outcome, view.ordered_outcomes(report))
    if report.drift:
        yield from map(_drifted, view.by_resource(report.drift))
    if report.plan and not report.outcomes:
        yield from map(_step, view.changed_steps(report.plan))


def _step(step: Step) -> ReportPart:
    address, sign = str(step.address), view.symbol(step.action)
    heading = f"<b>{sign} {view.word(step.action)}</b> <code>{in_html(address)}</code>"
    # In <code>, where a forge looks for no mention, no reference and no address.
    summary = f"{heading} (<code>{in_html(step.name)}</code>)"
    line = f"- {sign} {code(address)} ({code(step.name)})"
    why = f": {prose(step.reason)}" if step.reason else ""
    return ReportPart(
        f"{sign} {TITLES[step.action]}",
        _details(summary, step, opened=step.action is Action.BLOCKED),
        line + why,
        code(step.address.key),
        family=code(step.address.kind),
        vital=step.action in DESTRUCTIVE,
    )


def _details(summary: str, step: Step, *, opened: bool) -> str:
    """A summary that opens; the blank lines let Markdown begin again inside the HTML."""
    parts = [f"<details{' open' if opened else ''}><summary>{summary}</summary>", ""]
    if step.reason:
        parts += [prose(step.reason), ""]
    if step.hint:
        parts += [f"**Hint:** {prose(step.hint)}", ""]
    lines = [f"{line.sign} {line.text}".rstrip() for line in view.diff(step)]
    if lines:
        parts.append(fence("diff", lines))
    capacity_text = capacity.step_text(step, view.STYLE.glyphs.arrow)
    parts += [f"Capacity: {prose(capacity_text)}", ""] if capacity_text else []
    if step.operations:
        calls = ", ".join(code(each.call) for each in step.operations)
        parts += [f"Calls: {calls}", ""]
    if view.stages_of(step):
        parts += [f"Steps: **{view.stages_of(step)}**", ""]
    parts += [line for note in step.notes for line in (f"Note: {prose(note)}", "")]
    return "\n".join([*parts, "</details>", ""])


def _outcome(outcome: Outcome) -> ReportPart:
    good = outcome.status in WENT_WELL
    word, address = view.outcome_word(outcome), str(outcome.step.address)
    time = f" in {view.took(outcome)}" if view.took(outcome) else ""
    message = f": {prose(outcome.told)}" if outcome.told else ""
    line = f"- {'✓' if good else '✗'} {code(address)} {word}{time}{message}"
    problems_of_outcome = outcome.error.problems if outcome.error else ()
    trouble = [
        fence("text", problems.text([each], colour=False).split("\n"))
        for each in problems_of_outcome
    ]
    return ReportPart(
        word.capitalize(),
        "\n".join([line, *trouble]),
        line,
        code(outcome.step.address.key),
        family=code(outcome.step.address.kind),
        vital=not good,
    )


def _problem(problem: Problem) -> ReportPart:
    place = f" {code(str(problem.where))}" if problem.where else ""
    line = f"- {code(problem.code)}{place} {prose(problem.message)}"
    full = fence("text", problems.text([problem], colour=False).split("\n"))
    return ReportPart(SEVERITIES[problem.severity], full, line, code(problem.code))


def _check(result: CheckResult) -> ReportPart:
    sign = "✓" if result.passed else "✗"
    by = f" by {code(result.entity)}" if result.entity else ""
    message = f": {prose(result.message)}" if result.message else ""
    if result.cases and not message:
        message = f": {prose(result.cases.text)}"
    named = f"{code(str(result.address))} {prose(result.check)}"
    line = f"- {sign} {named}{by} in {result.duration_ms} ms{message}"
    group = "Checks that passed" if result.passed else "Checks that failed"
    return ReportPart(group, line, line, named, vital=not result.passed)


def _drifted(group: list[Drift]) -> ReportPart:
    """All differences of one resource; their sorts stand above their values."""
    first, lines = group[0], []
    for sort in dict.fromkeys(finding.category for finding in group):
        same = [finding for finding in group if finding.category is sort]
        lines.append(f"# {words(same[0])}")
        for finding in same:
            field, others = view.line(finding), view.told_of(finding).partition("; ")[2]
            lines += [f"! {field}"] if field else []
            lines += [f"  {others}"] if others else []
    line = f"- {code(str(first.address))} ({code(first.name)})"
    summary = ", ".join(dict.fromkeys(words(finding) for finding in group))
    return ReportPart(
        words(first).capitalize(),
        f"{line}\n\n{fence('diff', lines)}",
        f"{line}: {prose(summary)}",
        code(first.address.key),
        family=code(first.address.kind),
        vital=any(not finding.path for finding in group),
    )


# How requests to changed resources branch, as a Mermaid flowchart. Pure.

MOST_RESOURCES, MOST_BRANCHES = 20, 30
"""A larger picture is not read, and GitHub does not draw one of more than 500 edges."""

COLOURS = {
    Action.CREATE: "stroke:#1a7f37,stroke-width:2px",
    Action.UPDATE: "stroke:#9a6700,stroke-width:2px",
    Action.ADOPT: "stroke:#0969da,stroke-width:2px",
    Action.REPLACE: "stroke:#cf222e,stroke-width:2px",
}


def flowchart(report: Report) -> str:
    """The source of the chart, ``""`` when there is nothing to draw."""
    drawn = drawn_steps(report)[:MOST_RESOURCES]
    if not drawn:
        return ""
    branches = dict(report.topology)
    lines = ["flowchart LR"]
    for index, step in enumerate(drawn):
        lines += _resource(f"r{index}", step, branches[step.address])
    return "\n".join(lines) + "\n"


def drawn_steps(report: Report) -> list[Step]:
    """The changed steps whose requests go somewhere afterwards, worst first."""
    known = dict(report.topology)
    return [
        step
        for step in (changed_steps(report.plan) if report.plan else ())
        if step.action in COLOURS and known.get(step.address)
    ]


def _resource(node: str, step: Step, branches: Topology) -> Iterator[str]:
    yield f'  {node}(["{in_mermaid(step.name)}"])'
    yield f"  style {node} {COLOURS[step.action]}"
    moved = moved_traffic(step)
    for index, branch in enumerate(branches[:MOST_BRANCHES]):
        target = f"{node}b{index}"
        label = f"{branch.name}: {branch.serves}" if branch.name else branch.serves
        yield f'  {target}["{in_mermaid(label)}"]'
        yield f"  {node} {_edge(branch, moved.get(branch.name))} {target}"
    if len(branches) > MOST_BRANCHES:
        yield f'  {node} --- {node}more["and {len(branches) - MOST_BRANCHES} more"]'


def _edge(branch: Branch, moved: tuple[int, int] | None) -> str:
    before, after = moved or (branch.share, branch.share)
    share = f"{after} %" if before in (after, 0) else f"{before} → {after} %"
    if branch.share:
        return f'-- "{share}" -->'
    return '-. "fallback" .->' if branch.fallback else f'-. "{share}" .->'
