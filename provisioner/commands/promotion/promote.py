"""``promote``: values that one environment has proven, proposed to the next. Reads only.

Facts come from both workspaces, promotion/ judges them; what is written is one release file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from provisioner.commands.promotion.entries import Stamp, promoted
from provisioner.commands.promotion.evidence import proofs
from provisioner.commands.promotion.gates import (
    Candidate,
    PromotionTerms,
    offline,
    online,
    verified,
)
from provisioner.commands.promotion.participants import meant
from provisioner.commands.promotion.proposal import PromotionProposal, Proposal
from provisioner.commands.promotion.target import missing_secrets, received
from provisioner.errors import Problem, Severity, UsageError
from provisioner.manifests.given_values import Outside
from provisioner.manifests.load import Loaded
from provisioner.manifests.project import Environment, read_environment
from provisioner.manifests.variable_values import aliases, values
from provisioner.model.clock import Now, utc_now
from provisioner.model.release import Released
from provisioner.workflow.project import Project, open_environment, refuse_one_token
from provisioner.workflow.session import Session, session_of

Problems = dict[str, tuple[Problem, ...]]


@dataclass(frozen=True, slots=True)
class PromotionRequest:
    """``source`` ``""``: the one that the target names. ``words`` none: all variables."""

    target: str
    source: str = ""
    words: tuple[str, ...] = ()
    retry_rejected: bool = False


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two environments, loaded."""

    environment: Environment
    loaded: Loaded


def promote(project: Project, asked: PromotionRequest, now: Now = utc_now) -> PromotionProposal:
    """Judge what ``asked`` names, and propose what may go. Writes nothing.

    Raises UsageError for words that name nothing and for environments that do not follow each
    other, FileError for files, WorkspaceError when a workspace cannot be reached.
    """
    terms = _terms(project, asked, now())
    source, target = (_Side(*open_environment(project, n)) for n in (terms.source, terms.target))
    refuse_one_token((source.environment, target.environment), os.environ)
    terms = replace(terms, before=source.environment.promotion.promotes_from)
    names = meant(target.loaded, asked.words, target.environment.promotion.released)
    candidates = _candidates(source, target, names)
    problems: Problems = {}
    for one in candidates:
        # What has a value nowhere is only worth a word where somebody asked for it.
        if one.value != one.known.value or (asked.words and one.value is None):
            problems[one.name] = offline(one, terms)
    going = [one for one in candidates if problems.get(one.name) == ()]
    notes: tuple[Problem, ...] = ()
    entries: dict[str, Released] = {}
    if going:
        with session_of(project, source.environment, source.loaded) as session:
            going = _proven(session, going, terms, problems)
            commit = session.git_commit
        going_on = [one for one in going if not problems[one.name]]
        stamp = Stamp(terms.now, commit)
        entries = {
            one.name: promoted(one.known, one.value, terms.source, stamp, verified(one))
            for one in going_on
            if one.value is not None
        }
        notes = _received(project, (source, target), entries, problems)
    known = {one.name: one for one in (*candidates, *going)}
    proposals = tuple(_proposal(known[n], problems.get(n, ()), bool(asked.words)) for n in names)
    kept = {one.name for one in proposals if one.problems}
    released = {name: entry for name, entry in entries.items() if name not in kept}
    return PromotionProposal(terms.source, terms.target, proposals, released, notes)


def _terms(project: Project, asked: PromotionRequest, now: datetime) -> PromotionTerms:
    target = read_environment(project.root, asked.target, Outside.of((), os.environ))
    follows = target.promotion.promotes_from
    file = f"environments/{asked.target}.yaml"
    if not asked.source and not follows:
        message = f"nothing says from where `{asked.target}` takes its values"
        hint = f"write `promotes_from: ENVIRONMENT` in {file}, or give --from"
        raise UsageError.of("E714", message, hint)
    if asked.source and follows and asked.source != follows:
        message = f"`{asked.target}` takes its values from `{follows}`, not from `{asked.source}`"
        hint = f"promote from {follows}, or change `promotes_from` in {file}"
        raise UsageError.of("E714", message, hint)
    if asked.source == asked.target:
        raise UsageError.of("E714", f"`{asked.target}` cannot promote from itself")
    if not target.promotion.released:
        message = f"`{asked.target}` releases no variable"
        raise UsageError.of("E714", message, f"write `released: [NAME]` in {file}")
    source, soak_s = asked.source or follows, target.promotion.soak_s
    return PromotionTerms(source, asked.target, now, soak_s, asked.retry_rejected)


def _candidates(source: _Side, target: _Side, names: Sequence[str]) -> list[Candidate]:
    there, here = values(source.environment, names), values(target.environment, names)
    written_as_alias = aliases(source.environment)
    release = source.environment.promotion.releases
    left_out = {resource.address for resource in source.loaded.withheld}
    found = []
    for name in names:
        known = target.environment.promotion.releases.get(name, Released())
        addresses = source.loaded.uses.get(name, ())
        found.append(
            Candidate(
                name=name,
                value=there.get(name),
                known=replace(known, value=here.get(name)),
                alias=name in written_as_alias,
                at=release[name].at if name in release else "",
                addresses=tuple(one for one in addresses if one not in left_out),
            )
        )
    return found


def _proven(
    session: Session, candidates: Iterable[Candidate], terms: PromotionTerms, problems: Problems
) -> list[Candidate]:
    """The candidates with their proofs; what these say goes to ``problems``."""
    candidates = list(candidates)
    seen = proofs(session, candidates)
    found = []
    for one in candidates:
        proven = seen[one.name]
        if isinstance(proven, Problem):
            problems[one.name] = (proven,)
            found.append(one)
            continue
        found.append(replace(one, proofs=proven))
        problems[one.name] = online(found[-1], terms)
    return found


def _received(
    project: Project,
    sides: tuple[_Side, _Side],
    entries: Mapping[str, Released],
    problems: Problems,
) -> tuple[Problem, ...]:
    """What else to know about the target; what refuses an entry goes to ``problems``."""
    if not entries:
        return ()
    source, target = sides
    with session_of(project, target.environment, target.loaded) as session:
        found = received(session, entries)
        both = source.environment.protected and target.environment.protected
        lacking = missing_secrets(session) if both else ()
    problems |= found.problems
    known = {problem for problems in found.problems.values() for problem in problems}
    # What refuses an entry is not repeated as a warning.
    warnings = (one for one in lacking if replace(one, severity=Severity.ERROR) not in known)
    return (*found.notes, *warnings)


def _proposal(candidate: Candidate, problems: tuple[Problem, ...], named: bool) -> Proposal:
    return Proposal(
        name=candidate.name,
        before=candidate.known.value,
        after=candidate.value,
        addresses=candidate.addresses,
        verified=verified(candidate),
        problems=problems,
        named=named,
    )
