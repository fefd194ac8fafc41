"""Evidence for a promotion: plan, readiness and checks of the resources that use a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from provisioner.commands.promotion.gates import Candidate, Evidence
from provisioner.errors import Problem
from provisioner.model.live import Live, Phase, Readiness
from provisioner.model.paths import path_text
from provisioner.model.plan import Action, Address, Step
from provisioner.model.query import CheckResult
from provisioner.model.selection import Selection
from provisioner.workflow.live_reader import read
from provisioner.workflow.parallel import map_parallel
from provisioner.workflow.plan import make_plan
from provisioner.workflow.refusals import answer_or_problem
from provisioner.workflow.scope import PlanOptions
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
        reason = "it is left out until all of its variables are released"
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
