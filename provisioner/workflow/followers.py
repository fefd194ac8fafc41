"""Moves what follows a gradual rollout that has come to its end: aliases of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from provisioner.kinds import KINDS
from provisioner.model.plan import Action, Address, Step
from provisioner.model.rollout_block import WHOLE
from provisioner.model.selection import Selection
from provisioner.planning.releases import releases_of
from provisioner.workflow.apply import apply
from provisioner.workflow.plan import make_plan
from provisioner.workflow.rollout import RolloutReport
from provisioner.workflow.scope import PlanOptions
from provisioner.workflow.session import Session

if TYPE_CHECKING:
    from provisioner.model.outcome import Outcome


def move_followers(
    session: Session,
    reports: Sequence[RolloutReport],
    selected: frozenset[Address] | None = None,
) -> tuple[Outcome, ...]:
    """Applies what only waited for the versions that have all of the traffic now.

    ``selected`` are the resources that may be changed, None for all. A resource with another
    difference is left to the next apply, where a user agrees to it. Raises WorkspaceError.
    """
    from provisioner.applying.executor import Hooks, Options

    complete = {report.address for report in reports if _is_complete(report)}
    followers = _followers(session, complete)
    # Whoever selected the endpoint alone did not agree to a change of the model.
    if selected is not None:
        followers &= selected
    if not followers:
        return ()
    selection = Selection.of_addresses(sorted(complete | followers))
    plan = make_plan(replace(session, drivers=session.new_drivers()), PlanOptions(selection))
    steps = tuple(
        replace(step, needs=(), after_ready=())
        for step in plan.steps
        if step.address in followers and _only_follows(step)
    )
    return apply(session, replace(plan, steps=steps), Options(), Hooks()) if steps else ()


def _is_complete(report: RolloutReport) -> bool:
    return report.state is not None and report.state.versions.percent == WHOLE


def _followers(session: Session, complete: set[Address]) -> set[Address]:
    """The declared resources of which one of ``complete`` serves a version."""
    names = {
        release[:2]
        for release, by in releases_of(session.loaded.resources, KINDS).items()
        if complete.intersection(by)
    }
    return {
        resource.address
        for resource in session.loaded.resources
        if (resource.address.kind, resource.name) in names
    }


def _only_follows(step: Step) -> bool:
    follows = KINDS[step.address.kind].planning.follows
    if follows is None or step.action is not Action.UPDATE or not step.after_ready:
        return False
    return all(map(follows, (each for each in step.changes if each.action is not Action.KEEP)))
