"""The whole tool on one screen: load, read, plan, guard, apply, verify.

    manifests  text -> desired documents          (``session``)
    reading    the workspace -> live documents    (``compare``)
    planning   desired and live -> the plan       (``make_plan``)
    guard      what must not happen unasked       (``refuse_unsafe``)
    applying   the plan -> outcomes               (``apply``)

No stage knows another; they meet here. Nothing here prints or asks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.errors import Problem, RefusedError
from provisioner.kinds import KINDS
from provisioner.model.live import Live
from provisioner.model.plan import Action, FieldChange, Plan, Step
from provisioner.planning.comparison import remaining
from provisioner.planning.guard import Consent, Limits, refusals
from provisioner.workflow.session import Session

if TYPE_CHECKING:
    from provisioner.applying.executor import Hooks, Options
    from provisioner.model.outcome import Outcome


KEEPING_DATA = frozenset(name for name, kind in KINDS.items() if kind.keeps_data)
"""Kinds whose resources hold what no manifest brings back."""


def refuse_unsafe(session: Session, plan: Plan, consent: Consent) -> None:
    """Raise RefusedError with every reason why ``plan`` may not be applied like this."""
    guard = session.environment.guard
    limits = Limits(guard.destructive_percent, guard.destructive_count, KEEPING_DATA)
    found = refusals(plan, consent, limits)
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
    from provisioner.model.secret import SecretReader, references

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


def _missing_secret(how: str, name: str, why: str, address: str) -> Problem:
    if how == "from_env":
        hint = f"set it where this command runs: export {name}=..."
        return Problem(
            "E507", f"the environment variable {name} {why}", None, hint, subject=address
        )
    return Problem("E508", f"the secret file {name} {why}", subject=address)
