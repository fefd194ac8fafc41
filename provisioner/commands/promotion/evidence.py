"""Evidence for a promotion: plan, readiness and checks of the resources that use a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum

from provisioner.commands.preflight.preflight import examine
from provisioner.commands.promotion.gates import Candidate, Evidence
from provisioner.errors import FileError, Problem, Severity, by_place
from provisioner.kinds import KINDS
from provisioner.manifests.load import Loaded
from provisioner.manifests.variable_values import with_released
from provisioner.model.live import Live, Phase, Readiness
from provisioner.model.paths import path_text
from provisioner.model.plan import Action, Address, Step
from provisioner.model.query import CheckResult
from provisioner.model.release import Released, Value
from provisioner.model.selection import Selection
from provisioner.workflow.environments import load_manifests
from provisioner.workflow.live_reader import read
from provisioner.workflow.parallel import map_parallel
from provisioner.workflow.plan import make_plan
from provisioner.workflow.scope import PlanOptions, answer_or_problem
from provisioner.workflow.session import Session
from provisioner.workflow.verify import verify

MILLISECONDS = 1000
ABSENT = Readiness(Phase.ABSENT)


def gather_evidence(
    session: Session, candidates: Sequence[Candidate]
) -> Mapping[str, tuple[Evidence, ...] | Problem]:
    """Returns the evidence of each candidate by its name; a problem where it cannot be read.

    Reads only. Raises LoginError, and UnreachableError where the workspace does not answer.
    """
    answers = _read_for_each(session, candidates)
    readable = {
        address: evidence
        for answer in answers.values()
        if not isinstance(answer, Problem)
        for address, evidence in answer.items()
    }
    checked = _with_checks(session, readable)
    return {
        candidate.name: answer
        if isinstance(answer, Problem)
        else tuple(checked[address] for address in candidate.addresses)
        for candidate in candidates
        for answer in (answers[candidate.name],)
    }


def _read_for_each(
    session: Session, candidates: Sequence[Candidate]
) -> dict[str, dict[Address, Evidence] | Problem]:
    """Reads the resources of all candidates together, or of each where that is refused."""
    addresses = {address for candidate in candidates for address in candidate.addresses}
    together = answer_or_problem(lambda: _read(session, addresses))
    if not isinstance(together, Problem):
        return {candidate.name: together for candidate in candidates}
    # A resource that cannot be read must not stop the variables that it does not use.
    answers = map_parallel(
        lambda candidate: answer_or_problem(lambda: _read(session, set(candidate.addresses))),
        candidates,
    )
    return dict(zip((candidate.name for candidate in candidates), answers, strict=True))


def _read(session: Session, addresses: set[Address]) -> dict[Address, Evidence]:
    """Reads plan and readiness of ``addresses``. The checks are not carried out yet."""
    if not addresses:
        return {}
    plan = make_plan(session, PlanOptions(Selection.of_addresses(addresses)))
    resources = [each for each in session.loaded.resources if each.address in addresses]
    live = read(resources, (), session.drivers).live
    steps = {step.address: step for step in plan.steps}
    return {
        address: _evidence(address, steps.get(address), live.get(address)) for address in addresses
    }


def _evidence(address: Address, step: Step | None, live: Live | None) -> Evidence:
    if step is None:
        reason = "it is skipped until all of its variables are released"
        step = Step(address, address.key, Action.BLOCKED, reason=reason)
    if live is None:
        return Evidence(step, _changes(step), ABSENT)
    return Evidence(step, _changes(step), live.readiness, updated=_moment(live.touched))


def _changes(step: Step) -> tuple[str, ...]:
    return tuple(
        path_text(change.path) for change in step.changes if change.action is not Action.KEEP
    )


def _moment(touched: str) -> datetime | None:
    if not touched.isdigit() or touched == "0":
        return None
    return datetime.fromtimestamp(int(touched) / MILLISECONDS, UTC)


def _with_checks(session: Session, evidence: Mapping[Address, Evidence]) -> dict[Address, Evidence]:
    """Carries out the checks of resources that are applied and ready, and adds the results."""
    ready = [address for address, each in evidence.items() if each.may_be_asked]
    results = verify(session, Selection.of_addresses(ready)) if ready else ()
    return {
        address: replace(each, checks=_of(address, results)) for address, each in evidence.items()
    }


def _of(address: Address, results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    return tuple(result for result in results if result.address == address)


# Checks of a promotion's target: it is rendered with the new values, then the preflight runs.
# Reads only. Rendering makes the target's own overrides and names count.

SECRETS = frozenset({"E768", "E769", "E773"})
"""What preflight says of keys of secret scopes."""


@dataclass(slots=True)
class TargetChecks:
    """The ``problems`` that refuse a variable, by its name, and ``notes`` about the target."""

    problems: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()


def check_target(session: Session, entries: Mapping[str, Released]) -> TargetChecks:
    """Checks whether the workspace of ``session`` has what the released ``entries`` need.

    All entries are tried together. Only if something is missing is each tried by itself, and
    the others are tried again without those that have to stay behind. Raises WorkspaceError
    when the workspace cannot be reached or refuses the login.
    """
    checks = TargetChecks()
    left = dict(entries)
    while left:
        loaded = _render(session, left, checks)
        if loaded is not None:
            rendered = replace(session, loaded=loaded)
            problems = _check_variables(rendered, left)
            if not _errors(problems):
                checks.notes = problems
                break
            errors = _check_each(rendered, sorted(left))
            # Each may have what it needs, and only all of them together do not.
            checks.problems |= errors or dict.fromkeys(left, problems)
        left = {name: entry for name, entry in left.items() if name not in checks.problems}
    return checks


def missing_secrets(session: Session) -> tuple[Problem, ...]:
    """A warning for each key that any resource of the environment needs and that is not stored."""
    problems = (problem for problem in examine(session).problems if problem.code in SECRETS)
    return tuple(replace(problem, severity=Severity.WARNING) for problem in problems)


def _render(
    session: Session, entries: Mapping[str, Released], checks: TargetChecks
) -> Loaded | None:
    """Returns the manifests with ``entries``; None where they have errors, added to ``checks``."""
    together = _load(session, entries)
    if isinstance(together, Loaded):
        return together
    apart = {name: _load(session, {name: entry}) for name, entry in entries.items()}
    wrong = {name: answer for name, answer in apart.items() if not isinstance(answer, Loaded)}
    # Each may be right, and only all of them together are not.
    checks.problems |= wrong or dict.fromkeys(entries, together)
    return None


def _load(session: Session, entries: Mapping[str, Released]) -> Loaded | tuple[Problem, ...]:
    environment = with_released(session.environment, entries)
    try:
        return load_manifests(session.project.root, environment)
    except FileError as error:
        return error.problems


def _check_each(session: Session, names: Sequence[str]) -> dict[str, tuple[Problem, ...]]:
    """Returns the errors of each of the variables ``names`` that has any."""
    answers = map_parallel(lambda name: _errors(_check_variables(session, (name,))), names)
    return {name: errors for name, errors in zip(names, answers, strict=True) if errors}


def _errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(problem for problem in problems if problem.severity is Severity.ERROR)


def _check_variables(session: Session, names: Iterable[str]) -> tuple[Problem, ...]:
    """Returns what the preflight says of the resources that use the variables ``names``."""
    wanted = {at for name in names for at in session.loaded.uses.get(name, ())}
    resources = [each for each in session.loaded.resources if each.address in wanted]
    if not resources:
        return ()
    known = {(each.address.kind, each.name): each.address for each in session.loaded.resources}
    # What is declared is asked for where it is declared: a scope before who uses its keys.
    needed = (
        known.get(need)
        for resource in resources
        for need in KINDS[resource.address.kind].dependencies.depends_on(resource.document)
    )
    addresses = {*(resource.address for resource in resources), *filter(None, needed)}
    return examine(session, Selection.of_addresses(addresses)).problems


# What a promotion proposes for one variable, and why it does not: words only.


class ProposalStatus(StrEnum):
    """What becomes of a variable."""

    PROMOTED = "promoted"
    KEPT = "kept"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One variable: its value where it goes (None: none yet) and where it comes from.

    ``addresses`` are made from it where it comes from, ``verified`` says what was checked
    there. With ``problems`` it is kept as it is. ``named``: the user asked for this one.
    """

    name: str
    before: Value | None
    after: Value | None
    addresses: tuple[Address, ...] = ()
    verified: str = ""
    problems: tuple[Problem, ...] = ()
    named: bool = False

    @property
    def verdict(self) -> ProposalStatus:
        """Kept with problems, unchanged where there is nothing to do, else promoted."""
        if self.problems:
            return ProposalStatus.KEPT
        return ProposalStatus.UNCHANGED if self.before == self.after else ProposalStatus.PROMOTED


@dataclass(frozen=True, slots=True)
class PromotionProposal:
    """A whole promotion. ``released`` are the entries to write, ``notes`` what else to know."""

    source: str
    target: str
    proposals: tuple[Proposal, ...]
    released: Mapping[str, Released] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()

    def told(self) -> tuple[Problem, ...]:
        """Notes, and every reason why something is kept: errors where that is a failure."""
        severity = Severity.ERROR if self.failed else Severity.WARNING
        kept = (problem for proposal in self.proposals for problem in proposal.problems)
        reasons = (replace(problem, severity=severity) for problem in kept)
        return tuple(sorted(dict.fromkeys([*self.notes, *reasons]), key=by_place))

    @property
    def failed(self) -> bool:
        """Whether one that was named is kept, or nothing is left of all that would go."""
        statuses = {proposal.verdict for proposal in self.proposals}
        named = any(proposal.named and proposal.problems for proposal in self.proposals)
        return named or (
            ProposalStatus.KEPT in statuses and ProposalStatus.PROMOTED not in statuses
        )
