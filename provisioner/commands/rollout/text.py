"""Rollouts as text, JSON, Markdown and JUnit. Pure."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from provisioner.commands.rollout.result import (
    bar,
    has_failed,
    hint,
    is_under_way,
    next_move,
    standing,
)
from provisioner.model.rollout import Criterion
from provisioner.rendering.style import Style
from provisioner.rendering.text import harmless_line
from provisioner.rendering.values import common_width, wrapped
from provisioner.workflow.rollout import RolloutReport


def text(reports: Sequence[RolloutReport], style: Style, *, wraps: bool = False) -> str:
    """A line for each rollout, its steps as a bar, and what to do; a count at the end.

    ``wraps``: a line is broken at the width of ``style``. Elsewhere a rollout is one line, so
    that it can be searched.
    """
    width = common_width(report.name for report in reports)
    room = max(style.width - width - 2, 40) if wraps else sys.maxsize
    lines = []
    for report in reports:
        below = [*wrapped(harmless_line(standing(report)), room)]
        if report.state and is_under_way(report) and not report.state.removed:
            below.append(bar(report.state, unicode=style.unicode))
        below += wrapped(f"hint: {harmless_line(hint(report))}", room) if hint(report) else []
        names = [report.name, *[""] * len(below)]
        lines += [f"{name:{width}}  {line}" for name, line in zip(names, below, strict=False)]
    under_way = sum(map(is_under_way, reports))
    deferred = sum(report.deferred for report in reports)
    more = f", {deferred} postponed to the next run" if deferred else ""
    return "\n".join([*lines, f"{under_way} of {len(reports)} active{more}"]) + "\n"


def to_json(reports: Sequence[RolloutReport]) -> dict[str, Any]:
    """``{"rollouts": [{"address", "name", "from", "to", "percent", "move", ...}]}``."""
    return {"rollouts": [rollout_json(report) for report in reports]}


def rollout_json(report: RolloutReport) -> dict[str, Any]:
    state = report.state
    document: dict[str, Any] = {
        "address": str(report.address),
        "name": report.name,
        "move": report.move.kind.value,
        "reason": report.move.why.value,
        "to_percent": report.move.to,
        "due": report.move.due_s or None,
        "ending": report.ending.value,
        "deferred": report.deferred,
        "under_way": is_under_way(report),
        "failed": has_failed(report),
        "hint": hint(report),
        "problems": [
            {"code": problem.code, "message": harmless_line(problem.message)}
            for problem in report.problems
        ],
    }
    if state is None:
        return document
    tag = state.tag
    return document | {
        "from": state.versions.labels.get(state.versions.previous, ""),
        "to": state.versions.label,
        "percent": state.versions.percent,
        "steps": [stage.percent for stage in state.spec.stages],
        "state": tag.word.value if tag else "",
        "since": tag.since_s if tag else None,
        "rejected": bool(tag and tag.word.value == "back" and state.is_of_this_target),
        "why_back": tag.reason if tag else "",
        "verdict": state.verdict.grade.value if state.verdict else None,
        "criteria": list(map(_criterion, state.verdict.criteria if state.verdict else ())),
    }


def _criterion(criterion: Criterion) -> dict[str, Any]:
    text = harmless_line(criterion.text)
    return {"name": criterion.name, "grade": criterion.grade.value, "text": text}


def markdown(reports: Sequence[RolloutReport]) -> str:
    """A table with a row for each rollout."""
    rows = ["| endpoint | steps | state |", "| --- | --- | --- |"]
    for report in reports:
        steps = bar(report.state) if report.state else ""
        what = ". Hint: ".join(filter(None, (standing(report), hint(report))))
        summary = harmless_line(what).replace("|", "\\|")
        rows.append(f"| `{report.name}` | {steps} | {summary} |")
    return "\n".join(rows) + "\n"


def junit(reports: Sequence[RolloutReport]) -> str:
    """One test case for each rollout; one that stepped back or failed is a failure."""
    failed = sum(map(has_failed, reports))
    suite = ElementTree.Element(
        "testsuite", name="rollout", tests=str(len(reports)), failures=str(failed)
    )
    for report in reports:
        case = ElementTree.SubElement(
            suite, "testcase", name=report.name, classname=str(report.address)
        )
        if has_failed(report):
            message = harmless_line(standing(report))
            ElementTree.SubElement(case, "failure", message=message).text = message
        else:
            ElementTree.SubElement(case, "system-out").text = harmless_line(next_move(report))
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
