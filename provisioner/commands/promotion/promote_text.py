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


def text(result: PromotionProposal, style: Style, *, written: bool) -> str:
    """A row for each variable, kept ones with every reason, and a count.

    ``written``: the release file is as proposed by now.
    """
    cells = [
        (
            safe(proposal.name, style),
            _move(proposal, style),
            _word(proposal.verdict, written=written),
        )
        for proposal in result.proposals
    ]
    widths = [max(map(columns, column)) for column in zip(*cells, strict=True)] if cells else []
    lines: list[Line] = []
    for proposal, row in zip(result.proposals, cells, strict=True):
        padding = [padded(cell, width) for cell, width in zip(row, widths, strict=True)]
        lines += _rows(proposal, padding, style)
    return painted([*lines, (Span(summary(result, style, written=written)),)], style)


def summary(result: PromotionProposal, style: Style, *, written: bool) -> str:
    """``dev → staging: 1 promoted, 1 kept, 0 unchanged``."""
    count = Counter(proposal.verdict for proposal in result.proposals)
    counts = ", ".join(
        f"{count[status]} {_word(status, written=written)}" for status in ProposalStatus
    )
    return f"{result.source} {style.glyphs.arrow} {result.target}: {counts}"


def to_json(result: PromotionProposal) -> dict[str, Any]:
    """``{"from", "to", "variables": [{"variable", "verdict", …}], "notes"}``."""
    return {
        "from": result.source,
        "to": result.target,
        "variables": [_variable(proposal) for proposal in result.proposals],
        "notes": [_problem(note) for note in result.notes],
    }


def _variable(proposal: Proposal) -> dict[str, Any]:
    return {
        "variable": proposal.name,
        "verdict": str(proposal.verdict),
        "before": proposal.before,
        "after": proposal.after,
        "verified": proposal.verified if proposal.verdict is ProposalStatus.PROMOTED else "",
        "resources": [str(address) for address in proposal.addresses],
        "reasons": [_problem(problem) for problem in proposal.problems],
    }


def _problem(problem: Problem) -> dict[str, str]:
    return {
        "code": problem.code,
        "message": problem.message,
        "resource": problem.subject,
        "where": str(problem.where or ""),
        "hint": problem.hint,
    }


def _rows(proposal: Proposal, cells: list[str], style: Style) -> list[Line]:
    name, move, verdict = cells
    head = (Span(name, Role.STRONG), Span(GAP + move + GAP), Span(verdict, ROLES[proposal.verdict]))
    indent = columns(GAP.join(cells)) + len(GAP)
    room = max(style.width - indent, LEAST_REASON)
    reasons = [line for reason in _told(proposal) for line in wrapped(safe(reason, style), room)]
    rows = [(*head, Span(GAP + reasons[0]))] if reasons else [head]
    return [*rows, *((Span(" " * indent + line),) for line in reasons[1:])]


def _word(verdict: ProposalStatus, *, written: bool) -> str:
    return "to promote" if verdict is ProposalStatus.PROMOTED and not written else str(verdict)


def _told(proposal: Proposal) -> list[str]:
    if proposal.verdict is ProposalStatus.KEPT:
        return [problem.message for problem in proposal.problems]
    return [proposal.verified] if proposal.verdict is ProposalStatus.PROMOTED else []


def _move(proposal: Proposal, style: Style) -> str:
    if proposal.verdict is ProposalStatus.UNCHANGED:
        return _value(proposal.after, style)
    return f"{_value(proposal.before, style)} {style.glyphs.arrow} {_value(proposal.after, style)}"


def _value(value: Value | None, style: Style) -> str:
    return "none" if value is None else safe(str(value), style)
