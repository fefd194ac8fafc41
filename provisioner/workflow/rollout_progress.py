"""After an apply: the first moves of the rollouts that it started, and waiting for their end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from provisioner.model.outcome import WENT_WELL, Outcome
from provisioner.model.plan import Address, Plan
from provisioner.model.resource import Resource
from provisioner.model.rollout import FOR_A_PERSON, MoveKind
from provisioner.planning.rollout_procedure import Ending
from provisioner.planning.rollout_state import Occasion
from provisioner.workflow.rollout import (
    RolloutOptions,
    RolloutReport,
    look_at_all,
    move_all,
)
from provisioner.workflow.session import Session

MOST_MOVES: Final = 6
"""From a manifest with a third version to the first traffic: return, start, two tags, a step."""
LOOK_EVERY_S: Final = 60.0
STARTING: Final = frozenset({MoveKind.START, MoveKind.RETURN})
Tell = Callable[[Sequence[RolloutReport]], None]


def started(session: Session, plan: Plan, outcomes: Sequence[Outcome]) -> tuple[Resource, ...]:
    """The resources whose rollout the apply of ``plan`` has begun."""
    good = {outcome.step.address for outcome in outcomes if outcome.status in WENT_WELL}
    begun = {
        step.address
        for step in plan.steps
        if step.address in good and step.rollout and step.rollout.move.kind in STARTING
    }
    return tuple(resource for resource in session.loaded.resources if resource.address in begun)


def follow(
    session: Session, resources: Sequence[Resource], options: RolloutOptions
) -> tuple[RolloutReport, ...]:
    """Move each of ``resources`` until it has its first traffic, or nothing is due."""
    last: dict[Address, RolloutReport] = {}
    options = replace(options, occasion=Occasion.APPLY)
    left = list(resources)
    for _ in range(MOST_MOVES):
        if not left:
            break
        # A plan that returned the traffic of another version has consent to start this one.
        reports = move_all(session, left, options)
        for resource, report in zip(tuple(left), reports, strict=True):
            news = report.ending is Ending.MOVED or report.deferred
            if news or resource.address not in last:
                last[resource.address] = report
            has_stepped = report.move.kind in (MoveKind.STEP, MoveKind.BACK)
            if report.ending is not Ending.MOVED or has_stepped:
                left.remove(resource)
    return tuple(last.values())


def wait_for_end(
    session: Session,
    resources: Sequence[Resource],
    options: RolloutOptions,
    waiting: tuple[float, Tell],
) -> tuple[RolloutReport, ...]:
    """Advance ``resources`` until no rollout is under way, a person is asked, or time is up.

    ``waiting`` is how long at most, in seconds, and what gets the reports of each round that
    moved something.
    """
    wait_s, tell = waiting
    until = options.clock.now() + wait_s
    stepped_back: dict[Address, RolloutReport] = {}
    while True:
        reports = move_all(session, resources, replace(options, occasion=Occasion.ADVANCE))
        if any(report.ending is Ending.MOVED for report in reports):
            tell(reports)
        stepped_back |= {each.address: each for each in reports if each.has_stepped_back}
        if not any(map(_may_go_on, reports)) or options.clock.now() >= until:
            looks = look_at_all(session, resources, options)
            # One that went back is over, and a look at it or at a failure reads as a success.
            ended = stepped_back | {each.address: each for each in reports if each.problems}
            return tuple(ended.get(look.address, look) for look in looks)
        options.clock.sleep(min(LOOK_EVERY_S, max(1.0, until - options.clock.now())))


def _may_go_on(report: RolloutReport) -> bool:
    state = report.state
    if state is None or report.problems or report.move.why in FOR_A_PERSON:
        return False
    return state.is_under_way
