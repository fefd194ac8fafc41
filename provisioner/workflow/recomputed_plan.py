"""Computes a saved plan again, from the manifests and the workspace of this run.

For each step that makes calls, the live fingerprint comes first: where it is another one, the
step is stale, and the other steps may go on. Where it is the same, what the plan says of the
resource has to be what a new plan says: a difference refuses the whole plan.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from provisioner.errors import Problem, RefusedError
from provisioner.model.plan import Address, Plan, Step
from provisioner.model.resource import Resource
from provisioner.model.selection import Selection
from provisioner.planning.plan_json import MAKE_AGAIN
from provisioner.planning.planner import INACTIVE
from provisioner.workflow.plan import make_plan
from provisioner.workflow.scope import PlanOptions
from provisioner.workflow.session import Session

STALE: Final = "stale"
"""A fingerprint that no live resource has."""


def confirmed(session: Session, plan: Plan) -> Plan:
    """Returns ``plan`` with the steps that are stale marked as such.

    Raises RefusedError (E528) where the manifests and the workspace lead to something else,
    WorkspaceError for what cannot be read.
    """
    again = make_plan(session, _options(plan))
    steps = {step.address: step for step in again.steps}
    fingerprints = {
        step.address: _fingerprint(session, step, steps)
        for step in plan.steps
        if step.action not in INACTIVE
    }
    problems = [
        _unexpected(step, session, plan)
        for step in plan.steps
        if step.action not in INACTIVE
        and fingerprints[step.address] == step.live_fingerprint
        and not _is_same(step, steps.get(step.address))
    ]
    if problems:
        raise RefusedError(problems)
    confirmed_steps = tuple(
        replace(step, live_fingerprint=STALE)
        if fingerprints.get(step.address, step.live_fingerprint) != step.live_fingerprint
        else step
        for step in plan.steps
    )
    return replace(plan, steps=confirmed_steps, protected=again.protected, owned=again.owned)


def _options(plan: Plan) -> PlanOptions:
    inputs = plan.inputs
    return PlanOptions(
        selection=Selection(inputs.select),
        rotate=frozenset(inputs.rotate),
        take_over_from=inputs.take_over_from,
        prune=inputs.prune,
    )


def _fingerprint(session: Session, step: Step, steps: dict[Address, Step]) -> str:
    """The fingerprint of what is live now under the name of ``step``.

    A step that the new plan does not have is read by its own name: the file may name anything.
    """
    again = steps.get(step.address)
    if again is not None and again.name == step.name:
        return again.live_fingerprint
    driver = session.drivers[step.address.kind]
    live = driver.read(Resource(step.address, step.name, step.desired or {}))
    return live.fingerprint if live else ""


def _is_same(step: Step, again: Step | None) -> bool:
    return again is not None and _covered(step) == _covered(again)


def _covered(step: Step) -> tuple[Any, ...]:
    """What a step does, and what a reader is shown of it. Notes are about other resources."""
    changes = [(each.path, each.before, each.after, each.action) for each in step.changes]
    return (
        step.name,
        step.action,
        _plain(step.operations),
        _plain(changes),
        _plain(step.desired),
        step.existing,
        step.ignore_changes,
        step.needs,
    )


def _plain(value: Any) -> str:
    """Text that is the same for equal data, whether it was computed or read from JSON."""
    return repr(_ordered(value))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return [(name, _ordered(value[name])) for name in sorted(value)]
    if hasattr(value, "__dataclass_fields__"):
        names = value.__dataclass_fields__
        return [(name, _ordered(getattr(value, name))) for name in names]
    if isinstance(value, list | tuple):
        return [_ordered(inner) for inner in value]
    return value


def _unexpected(step: Step, session: Session, plan: Plan) -> Problem:
    same_files = plan.source.digest == session.loaded.digest
    why = (
        "the file was changed after the plan was made"
        if same_files
        else "it was made from other manifests or other values of variables than these"
    )
    message = (
        f"`{step.address}` is as it was when the plan was made, and a new plan does something "
        f"else with it: {why}; nothing was applied"
    )
    return Problem("E528", message, hint=MAKE_AGAIN)
