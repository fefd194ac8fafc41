"""The capacity of a plan in words, for the terminal and for reports. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from provisioner.errors.wording import counted
from provisioner.model.plan import Action, Plan, Step
from provisioner.model.serving import CapacityChange, capacity_text, difference_text

MEANWHILE: Final = "until it is ready"
ROLLED_OUT: Final = "until the rollout is over"


def step_text(step: Step, arrow: str, *, verbose: bool = False) -> str:
    """What the step does to the capacity; ``""`` where it changes nothing.

    ``verbose``: also what stays as it is.
    """
    change = step.capacity
    if change is None or not (verbose or _changes(change)):
        return ""
    words = capacity_text(change.after)
    if change.before and change.difference:
        words = f"{capacity_text(change.before)} {arrow} {words}"
    # The old deployment serves until the new one does, and both are paid for.
    until = ROLLED_OUT if step.rollout else MEANWHILE
    return f"{words}; {until}: {capacity_text(change.during)}" if change.during else words


def sum_rows(plan: Plan, *, verbose: bool = False) -> Iterator[tuple[str, str]]:
    """Yields names and texts of the capacity in sum; nothing where the plan changes none."""
    change, prices = plan.capacity, plan.prices
    if not change or not (verbose or _changes(change)):
        return
    sides = {"before": change.before, "after": change.after, "meanwhile": change.during}
    # Of what is created there is only an "after".
    sides = {name: side for name, side in sides.items() if side or name == "after"}
    yield from ((name, capacity_text(side)) for name, side in sides.items())
    if change.before:
        yield "difference", difference_text(change)
    orphans = plan.counts[Action.ORPHAN]
    if orphans:
        # The list of a workspace has no documents: only a deletion reads an orphan.
        yield "not counted", counted(orphans, "orphan")
    if prices:
        yield from ((f"cost {name}", prices.cost_text(side)) for name, side in sides.items())
        yield "prices of", f"{prices.date} (prices.yaml)"


def _changes(change: CapacityChange) -> bool:
    return bool(change.difference or change.during)
