"""A promotion as a table and as JSON. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from provisioner.commands.promotion.proposal import PromotionProposal, Proposal, ProposalStatus
from provisioner.errors import Problem
from provisioner.model.release import Value
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.values import columns, padded, safe, wrapped

ROLES: Final = {
    ProposalStatus.PROMOTED: Role.ADDED,
    ProposalStatus.KEPT: Role.CHANGED,
    ProposalStatus.UNCHANGED: Role.FAINT,
}
LEAST_REASON: Final = 24
GAP: Final = "  "


def text(found: PromotionProposal, style: Style, *, written: bool) -> str:
    """A row for each variable, kept ones with every reason, and a count.

    ``written``: the release file is as proposed by now.
    """
    cells = [
        (safe(one.name, style), _move(one, style), _word(one.verdict, written=written))
        for one in found.proposals
    ]
    widths = [max(map(columns, column)) for column in zip(*cells, strict=True)] if cells else []
    lines: list[Line] = []
    for one, row in zip(found.proposals, cells, strict=True):
        padding = [padded(cell, width) for cell, width in zip(row, widths, strict=True)]
        lines += _rows(one, padding, style)
    return painted([*lines, (Span(summary(found, style, written=written)),)], style)


def summary(found: PromotionProposal, style: Style, *, written: bool) -> str:
    """``dev → staging: 1 promoted, 1 kept, 0 unchanged``."""
    count = Counter(one.verdict for one in found.proposals)
    told = ", ".join(f"{count[one]} {_word(one, written=written)}" for one in ProposalStatus)
    return f"{found.source} {style.glyphs.arrow} {found.target}: {told}"


def to_json(found: PromotionProposal) -> dict[str, Any]:
    """``{"from", "to", "variables": [{"variable", "verdict", …}], "notes"}``."""
    return {
        "from": found.source,
        "to": found.target,
        "variables": [_variable(one) for one in found.proposals],
        "notes": [_problem(one) for one in found.notes],
    }


def _variable(one: Proposal) -> dict[str, Any]:
    return {
        "variable": one.name,
        "verdict": str(one.verdict),
        "before": one.before,
        "after": one.after,
        "verified": one.verified if one.verdict is ProposalStatus.PROMOTED else "",
        "resources": [str(address) for address in one.addresses],
        "reasons": [_problem(problem) for problem in one.problems],
    }


def _problem(problem: Problem) -> dict[str, str]:
    return {
        "code": problem.code,
        "message": problem.message,
        "resource": problem.subject,
        "where": str(problem.where or ""),
        "hint": problem.hint,
    }


def _rows(one: Proposal, cells: list[str], style: Style) -> list[Line]:
    name, move, verdict = cells
    head = (Span(name, Role.STRONG), Span(GAP + move + GAP), Span(verdict, ROLES[one.verdict]))
    indent = columns(GAP.join(cells)) + len(GAP)
    room = max(style.width - indent, LEAST_REASON)
    reasons = [line for told in _told(one) for line in wrapped(safe(told, style), room)]
    rows = [(*head, Span(GAP + reasons[0]))] if reasons else [head]
    return [*rows, *((Span(" " * indent + line),) for line in reasons[1:])]


def _word(verdict: ProposalStatus, *, written: bool) -> str:
    return "to promote" if verdict is ProposalStatus.PROMOTED and not written else str(verdict)


def _told(one: Proposal) -> list[str]:
    if one.verdict is ProposalStatus.KEPT:
        return [problem.message for problem in one.problems]
    return [one.verified] if one.verdict is ProposalStatus.PROMOTED else []


def _move(one: Proposal, style: Style) -> str:
    if one.verdict is ProposalStatus.UNCHANGED:
        return _value(one.after, style)
    return f"{_value(one.before, style)} {style.glyphs.arrow} {_value(one.after, style)}"


def _value(value: Value | None, style: Style) -> str:
    return "none" if value is None else safe(str(value), style)
