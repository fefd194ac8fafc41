"""What is seen of resources where a value comes from: plan, readiness, checks. Reads only."""

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
from provisioner.workflow.parallel import map_parallel
from provisioner.workflow.plan import make_plan
from provisioner.workflow.reading import read
from provisioner.workflow.refusals import answer_or_problem
from provisioner.workflow.scope import PlanOptions
from provisioner.workflow.session import Session
from provisioner.workflow.verify import verify

MILLISECONDS = 1000
ABSENT = Readiness(Phase.ABSENT)


def proofs(
    session: Session, candidates: Sequence[Candidate]
) -> Mapping[str, tuple[Evidence, ...] | Problem]:
    """For each candidate, by its name, what its resources prove; a problem where none is read.

    Raises LoginError, and UnreachableError where not even the workspace answers.
    """
    wanted = {address for one in candidates for address in one.addresses}
    together = answer_or_problem(lambda: _seen(session, wanted))
    if isinstance(together, Problem):
        # Something cannot be read; that must not stop whoever has nothing to do with it.
        apart = map_parallel(
            lambda one: answer_or_problem(lambda: _seen(session, set(one.addresses))), candidates
        )
    else:
        apart = tuple(together for _ in candidates)
    found: dict[str, tuple[Evidence, ...] | Problem] = {}
    asked: dict[Address, Evidence] = {}
    for one, seen in zip(candidates, apart, strict=True):
        if isinstance(seen, Problem):
            found[one.name] = seen
        else:
            asked |= {address: seen[address] for address in one.addresses}
    checked = _checked(session, asked)
    for one in candidates:
        if one.name not in found:
            found[one.name] = tuple(checked[address] for address in one.addresses)
    return found


def _seen(session: Session, addresses: set[Address]) -> dict[Address, Evidence]:
    """The addresses as they are, not asked yet; none are left out here."""
    if not addresses:
        return {}
    plan = make_plan(session, PlanOptions(Selection.of_addresses(addresses)))
    resources = [one for one in session.loaded.resources if one.address in addresses]
    live = read(resources, (), session.drivers).live
    steps = {step.address: step for step in plan.steps}
    return {
        address: _proof(address, steps.get(address), live.get(address)) for address in addresses
    }


def _proof(address: Address, step: Step | None, live: Live | None) -> Evidence:
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


def _checked(session: Session, seen: Mapping[Address, Evidence]) -> dict[Address, Evidence]:
    """The same with the results of their checks, where these would tell anything."""
    askable = [address for address, proof in seen.items() if proof.may_be_asked]
    results = verify(session, Selection.of_addresses(askable)) if askable else ()
    return {
        address: replace(proof, checks=_of(address, results)) for address, proof in seen.items()
    }


def _of(address: Address, results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    return tuple(result for result in results if result.address == address)
