"""The whole tool on one screen: load, read, plan, guard, apply, verify.

    manifests  text -> desired documents          (``session``)
    reading    the workspace -> live documents    (``compare``)
    planning   desired and live -> the plan       (``make_plan``)
    guard      what must not happen unasked       (``refuse_unsafe``)
    applying   the plan -> outcomes               (``apply``)

No stage knows another; they meet here. Nothing here prints or asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provisioner.errors import Problem, RefusedError
from provisioner.kinds import KINDS
from provisioner.overview import status, status_code, watch
from provisioner.plan import Action, FieldChange, Plan, Source, Step
from provisioner.planning.guard import Consent, Limits, refusals
from provisioner.planning.planner import Request, remaining
from provisioner.reading import Reading, read
from provisioner.resource import Live, Resource
from provisioner.selection import Exactly, check_rotated, selected
from provisioner.session import Session, open_project, session
from provisioner.steps import LISTED_KINDS, Proposing, as_resource, owned

if TYPE_CHECKING:
    from provisioner.applying.executor import Hooks, Options, Outcome

__all__ = ["open_project", "session", "status", "status_code", "watch"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a plan is asked for besides "all of the manifests".

    ``only``: nothing but these (None: no such limit).
    """

    select: tuple[str, ...] = ()
    rotate: frozenset[str] = frozenset()
    take_over_from: str = ""
    prune: bool = False
    only: Exactly | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """The manifests beside the workspace: what was read, and the step that it leads to."""

    request: Request
    reading: Reading
    steps: Sequence[Step]


def make_plan(session: Session, wanted: Wanted) -> Plan:
    """The plan that takes the workspace to the manifests. Raises as ``compare``."""
    found = compare(session, wanted)
    return _plan(session, found.reading, found.request, found.steps)


def compare(session: Session, wanted: Wanted) -> Compared:
    """Compare the manifests with the workspace. Changes nothing.

    Raises UsageError for a selection of nothing, WorkspaceError for what cannot be read.
    """
    proposing = _proposing(session, _request(session, wanted))
    removed = map(as_resource, session.loaded.removals)
    known = (*session.loaded.resources, *removed, *session.loaded.withheld)
    withheld = {one.address for one in session.loaded.withheld}
    declared = {one.address for one in known}
    left_out = withheld if wanted.only is None else withheld | (declared - wanted.only.addresses)
    resources = [one for one in selected(known, wanted.select) if one.address not in left_out]
    check_rotated(resources, wanted.rotate)
    reading = read(resources, LISTED_KINDS, session.drivers)
    steps = proposing.steps(resources, reading)
    if not wanted.select:
        steps += _meant(proposing.orphans(reading), wanted.only)
    return Compared(proposing.request, reading, steps)


def make_destroy_plan(session: Session, wanted: Wanted) -> Plan:
    """Plan the deletion of everything that carries our tag, declared or not."""
    proposing = _proposing(session, replace(_request(session, wanted), prune=True))
    # The list leaves out what the caller may not see, and that must not read as "gone": so
    # what is declared is read too, and a refusal is an error.
    declared = [r for r in _declared(session) if r.address.kind in LISTED_KINDS]
    reading = read(declared, LISTED_KINDS, session.drivers)
    ours = [
        Resource(proposing.address(kind, one.name), one.name, {})
        for kind, one in owned(reading, proposing.request.owner)
    ]
    steps = proposing.deletions(selected(ours, wanted.select))
    return _plan(session, reading, proposing.request, steps)


def refuse_unsafe(session: Session, plan: Plan, consent: Consent) -> None:
    """Raise RefusedError with every reason why ``plan`` may not be applied like this."""
    guard = session.environment.guard
    found = refusals(plan, consent, Limits(guard.destructive_percent, guard.destructive_count))
    if found:
        raise RefusedError(found)


def refuse_blocked(plan: Plan) -> None:
    """Raise RefusedError with every blocked step: no consent helps, so none is asked for."""
    blocked = tuple(step for step in plan.steps if step.action is Action.BLOCKED)
    found = refusals(replace(plan, steps=blocked), Consent(), Limits())
    if found:
        raise RefusedError(found)


def missing_secrets(session: Session, plan: Plan) -> tuple[Problem, ...]:
    """A problem for each variable or file that ``plan`` needs and that is not there."""
    from provisioner.secret import SecretReader, references

    reader = SecretReader(session.project.root)
    needed = {
        (next(iter(found.items())), str(step.address))
        for step in plan.steps
        for operation in step.operations
        for found in references(operation.payload)
    }
    return tuple(
        _missing_secret(how, name, why, address)
        for (how, name), address in sorted(needed)
        if (why := reader.missing({how: name}))
    )


def apply(session: Session, plan: Plan, options: Options, hooks: Hooks) -> tuple[Outcome, ...]:
    """Carry out ``plan``. Raises RefusedError before the first write if a secret is missing."""
    from provisioner.applying.executor import apply as execute

    problems = missing_secrets(session, plan)
    if problems:
        raise RefusedError(problems)
    # New drivers: what the ones of the plan remember may be as old as the user's yes.
    return execute(plan, session.new_drivers(), options, replace(hooks, remaining=differs))


def differs(step: Step, live: Live | None) -> tuple[FieldChange, ...]:
    """What still differs on ``live`` after ``step`` was applied."""
    return remaining(step, live, KINDS[step.address.kind])


def _meant(orphans: Sequence[Step], only: Exactly | None) -> list[Step]:
    return [
        step for step in orphans if only is None or (step.address.kind, step.name) in only.former
    ]


def _request(session: Session, wanted: Wanted) -> Request:
    return Request(
        project=session.project.name,
        environment=session.environment.name,
        rotate=wanted.rotate,
        take_over_from=wanted.take_over_from,
        prune=wanted.prune,
        addresses={(r.address.kind, r.name): r.address for r in _declared(session)},
    )


def _declared(session: Session) -> tuple[Resource, ...]:
    """What the manifests declare, also what is not released to the environment yet."""
    return (*session.loaded.resources, *session.loaded.withheld)


def _proposing(session: Session, request: Request) -> Proposing:
    removals = {one.address: one for one in session.loaded.removals}
    removed = {(at.kind, one.name) for at, one in removals.items()}
    return Proposing(
        request,
        session.drivers,
        removals,
        removed | request.addresses.keys(),
        declared=session.loaded.resources,
    )


def _plan(session: Session, reading: Reading, request: Request, steps: Sequence[Step]) -> Plan:
    return Plan(
        project=request.project,
        environment=request.environment,
        host=session.host,
        steps=tuple(sorted(steps, key=lambda step: step.address)),
        source=Source(session.loaded.digest, session.git_commit),
        protected=session.environment.protected,
        owned=len(owned(reading, request.owner)),
    )


def _missing_secret(how: str, name: str, why: str, address: str) -> Problem:
    if how == "from_env":
        hint = f"set it where this command runs: export {name}=..."
        return Problem(
            "E507", f"the environment variable {name} {why}", None, hint, subject=address
        )
    return Problem("E508", f"the secret file {name} {why}", subject=address)
