"""The whole tool on one screen: load, read, plan, guard, apply, verify.

    manifests  text -> desired documents          (``session``)
    reading    the workspace -> live documents    (``compare``)
    planning   desired and live -> the plan       (``make_plan``)
    guard      what must not happen unasked       (``refuse_unsafe``)
    applying   the plan -> outcomes               (``apply``)

No stage knows another; they meet here. Nothing here prints or asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from provisioner.errors import Location, Position, Problem, RefusedError
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
    problems = refusals(plan, consent, limits)
    if problems:
        raise RefusedError(problems)


def refuse_blocked(plan: Plan) -> None:
    """Raise RefusedError with every blocked step: no consent helps, so none is asked for."""
    blocked = tuple(step for step in plan.steps if step.action is Action.BLOCKED)
    problems = refusals(replace(plan, steps=blocked), Consent(), Limits())
    if problems:
        raise RefusedError(problems)


def missing_secrets(session: Session, plan: Plan) -> tuple[Problem, ...]:
    """What ``plan`` needs and is not there: one problem for all variables, one for each file."""
    from provisioner.model.secret import SecretReader, references

    reader = SecretReader(session.project.root)
    needed = {
        (next(iter(reference.items())), str(step.address))
        for step in plan.steps
        for operation in step.operations
        for reference in references(operation.payload)
    }
    missing = [
        _MissingSecret(how, name, why, *_declared_at(session, address, {how: name}))
        for (how, name), address in sorted(needed)
        if (why := reader.missing({how: name}))
    ]
    variables = [secret for secret in missing if secret.how == "from_env"]
    files = [secret for secret in missing if secret.how != "from_env"]
    return (*_unset(variables), *(_unreadable(secret) for secret in files))


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


class _MissingSecret(NamedTuple):
    """A secret without a value: where it should come from, why not, and where that is declared."""

    how: str
    name: str
    why: str
    address: str
    where: Position | None


def _declared_at(
    session: Session, address: str, reference: Mapping[str, str]
) -> tuple[str, Position | None]:
    declarations = {str(each.address): each for each in session.loaded.declarations}
    declaration = declarations.get(address)
    at = location_of(declaration.document, reference) if declaration else None
    return address, declaration.position(at) if declaration and at is not None else None


def location_of(value: Any, reference: Mapping[str, str], at: Location = ()) -> Location | None:
    """Where in ``value`` a secret is taken from ``reference``; None where it is not."""
    if isinstance(value, Mapping) and reference.items() <= value.items():
        return at
    inner: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, Mapping) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    locations = (location_of(part, reference, (*at, name)) for name, part in inner)
    return next((place for place in locations if place is not None), None)


def _unset(secrets: Sequence[_MissingSecret]) -> Iterator[Problem]:
    """One problem for all variables: they are set in one place, and have one cause."""
    names = list(dict.fromkeys(secret.name for secret in secrets))
    if not names:
        return
    hint = f"set {'it' if len(names) == 1 else 'them'} where this command runs: export "
    hint += " ".join(f"{name}=..." for name in names)
    if len(secrets) == 1:
        message = f"the environment variable {names[0]} is not set"
        yield Problem("E507", message, secrets[0].where, hint, subject=secrets[0].address)
        return
    verb = "variable is" if len(names) == 1 else "variables are"
    message = f"{len(names)} environment {verb} not set: {', '.join(names)}"
    places = "\n".join(f"{secret.name} for {secret.address}{_at(secret)}" for secret in secrets)
    yield Problem("E507", message, secrets[0].where, f"{hint}\n{places}")


def _at(secret: _MissingSecret) -> str:
    return f", {secret.where.file}:{secret.where.line}" if secret.where else ""


def _unreadable(secret: _MissingSecret) -> Problem:
    message = f"the secret file {secret.name} {secret.why}"
    return Problem("E508", message, secret.where, subject=secret.address)
