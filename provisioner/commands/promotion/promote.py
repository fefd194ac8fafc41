"""``promote``: values that one environment has proven, proposed to the next. Reads only.

Each candidate passes three gates: the files, the source's workspace and the target's. A gate
returns the candidates with its problems, and a candidate with problems goes no further. What is
written is one release file.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from provisioner.commands.promotion.entries import Stamp, promoted
from provisioner.commands.promotion.evidence import (
    PromotionProposal,
    Proposal,
    ProposalStatus,
    check_target,
    gather_evidence,
    missing_secrets,
)
from provisioner.commands.promotion.gates import (
    Candidate,
    Evidence,
    PromotionTerms,
    offline,
    online,
    verified,
)
from provisioner.commands.promotion.participants import released_variables
from provisioner.errors import Problem, Severity, UsageError
from provisioner.manifests.given_values import Outside
from provisioner.manifests.load import Loaded
from provisioner.manifests.project import Environment, read_environment
from provisioner.manifests.variable_values import aliases, values
from provisioner.model.clock import Now, utc_now
from provisioner.model.release import Released, Value
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.values import columns, padded, safe, wrapped
from provisioner.workflow.project import Project, open_environment, refuse_one_token
from provisioner.workflow.session import session_of


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """``source`` ``""``: the one that the target names. ``words`` none: all variables."""

    target: str
    source: str = ""
    words: tuple[str, ...] = ()
    retry_rejected: bool = False


class _Side(NamedTuple):
    """One of the two environments, and its manifests."""

    environment: Environment
    loaded: Loaded


class _Sides(NamedTuple):
    """The environment that a value comes from, and the one that it goes to."""

    source: _Side
    target: _Side


@dataclass(frozen=True, slots=True)
class _Judged:
    """A candidate after some gates, with the problems that they found.

    ``is_change``: the promotion would change something, or the user asked about the variable.
    """

    candidate: Candidate
    is_change: bool
    problems: tuple[Problem, ...] = ()

    @property
    def may_go_on(self) -> bool:
        """Whether the next gate has to judge it."""
        return self.is_change and not self.problems


def promote(project: Project, request: PromotionRequest, now: Now = utc_now) -> PromotionProposal:
    """Judges the variables of ``request``, and proposes those that may go. Writes nothing.

    Raises UsageError for words that name nothing and for environments that do not follow each
    other, FileError for files, WorkspaceError when a workspace cannot be reached.
    """
    terms, sides = _open_sides(project, _terms(project, request, now()))
    names = released_variables(
        request.words, sides.target.environment.promotion.released, lambda: [sides.target.loaded]
    )
    judged = _judge_by_files(_candidates(sides, names), terms, request)
    judged, commit = _judge_by_source(project, sides.source, judged, terms)
    entries = _entries(judged, terms, Stamp(terms.now, commit))
    judged, notes = _judge_by_target(project, sides, judged, entries)
    proposals = tuple(_proposal(each, is_named=bool(request.words)) for each in judged)
    refused = {proposal.name for proposal in proposals if proposal.problems}
    released = {name: entry for name, entry in entries.items() if name not in refused}
    return PromotionProposal(terms.source, terms.target, proposals, released, notes)


def _open_sides(project: Project, terms: PromotionTerms) -> tuple[PromotionTerms, _Sides]:
    sides = _Sides(
        _Side(*open_environment(project, terms.source)),
        _Side(*open_environment(project, terms.target)),
    )
    refuse_one_token((side.environment for side in sides), os.environ)
    before = sides.source.environment.promotion.promotes_from
    return replace(terms, before=before), sides


def _terms(project: Project, request: PromotionRequest, now: datetime) -> PromotionTerms:
    target = read_environment(project.root, request.target, Outside.of((), os.environ))
    follows = target.promotion.promotes_from
    file = f"environments/{request.target}.yaml"
    if not request.source and not follows:
        message = f"the source environment of `{request.target}` is missing"
        hint = f"write `promotes_from: ENVIRONMENT` in {file}, or pass --from"
        raise UsageError.of("E714", message, hint)
    if request.source and follows and request.source != follows:
        message = (
            f"`{request.target}` takes its values from `{follows}`, not from `{request.source}`"
        )
        hint = f"promote from {follows}, or change `promotes_from` in {file}"
        raise UsageError.of("E714", message, hint)
    if request.source == request.target:
        raise UsageError.of("E714", f"`{request.target}` cannot promote from itself")
    if not target.promotion.released:
        message = f"`{request.target}` releases no variable"
        raise UsageError.of("E714", message, f"write `released: [NAME]` in {file}")
    source, soak_s = request.source or follows, target.promotion.soak_s
    return PromotionTerms(source, request.target, now, soak_s, request.retry_rejected)


def _candidates(sides: _Sides, names: Sequence[str]) -> Iterator[Candidate]:
    """Yields the variables ``names`` with their values on both sides."""
    source, target = sides
    source_values, target_values = (values(side.environment, names) for side in sides)
    source_aliases = aliases(source.environment)
    source_releases = source.environment.promotion.releases
    withheld = {resource.address for resource in source.loaded.withheld}
    for name in names:
        known = target.environment.promotion.releases.get(name, Released())
        addresses = source.loaded.uses.get(name, ())
        yield Candidate(
            name=name,
            value=source_values.get(name),
            # What counts in the target may be written in its file, and not be released yet.
            known=replace(known, value=target_values.get(name)),
            alias=name in source_aliases,
            at=source_releases[name].at if name in source_releases else "",
            addresses=tuple(address for address in addresses if address not in withheld),
        )


def _judge_by_files(
    candidates: Iterable[Candidate], terms: PromotionTerms, request: PromotionRequest
) -> tuple[_Judged, ...]:
    """The first gate: what can be said without asking a workspace."""
    judged = []
    for candidate in candidates:
        is_new = candidate.value != candidate.known.value
        # A variable without a value on either side matters only to a user who names it.
        is_change = is_new or (bool(request.words) and candidate.value is None)
        problems = offline(candidate, terms) if is_change else ()
        judged.append(_Judged(candidate, is_change, problems))
    return tuple(judged)


def _judge_by_source(
    project: Project, source: _Side, judged: tuple[_Judged, ...], terms: PromotionTerms
) -> tuple[tuple[_Judged, ...], str]:
    """The second gate: evidence from the source's workspace. Also returns the git commit."""
    candidates = [each.candidate for each in judged if each.may_go_on]
    if not candidates:
        return judged, ""
    with session_of(project, source.environment, source.loaded) as session:
        evidence = gather_evidence(session, candidates)
        commit = session.git_commit
    return tuple(_with_evidence(each, evidence, terms) for each in judged), commit


def _with_evidence(
    judged: _Judged,
    evidence: Mapping[str, tuple[Evidence, ...] | Problem],
    terms: PromotionTerms,
) -> _Judged:
    seen = evidence.get(judged.candidate.name)
    if seen is None:
        return judged
    if isinstance(seen, Problem):
        return replace(judged, problems=(seen,))
    candidate = replace(judged.candidate, evidence=seen)
    return replace(judged, candidate=candidate, problems=online(candidate, terms))


def _entries(judged: Iterable[_Judged], terms: PromotionTerms, stamp: Stamp) -> dict[str, Released]:
    """Returns the entries of the release file for what may go on, by variable."""
    candidates = [each.candidate for each in judged if each.may_go_on]
    return {
        candidate.name: promoted(
            candidate.known, candidate.value, terms.source, stamp, verified(candidate)
        )
        for candidate in candidates
        if candidate.value is not None
    }


def _judge_by_target(
    project: Project,
    sides: _Sides,
    judged: tuple[_Judged, ...],
    entries: Mapping[str, Released],
) -> tuple[tuple[_Judged, ...], tuple[Problem, ...]]:
    """The third gate: what the target's workspace lacks. Also returns notes about the target."""
    if not entries:
        return judged, ()
    source, target = sides
    with session_of(project, target.environment, target.loaded) as session:
        checks = check_target(session, entries)
        both_protected = source.environment.protected and target.environment.protected
        missing = missing_secrets(session) if both_protected else ()
    known = {problem for problems in checks.problems.values() for problem in problems}
    # What refuses an entry is not repeated as a warning.
    warnings = (each for each in missing if replace(each, severity=Severity.ERROR) not in known)
    refused = tuple(
        replace(each, problems=checks.problems.get(each.candidate.name, each.problems))
        for each in judged
    )
    return refused, (*checks.notes, *warnings)


def _proposal(judged: _Judged, *, is_named: bool) -> Proposal:
    candidate = judged.candidate
    return Proposal(
        name=candidate.name,
        before=candidate.known.value,
        after=candidate.value,
        addresses=candidate.addresses,
        verified=verified(candidate),
        problems=judged.problems,
        named=is_named,
    )


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
