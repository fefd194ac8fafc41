"""What the steps of a plan say about each other: whom they need, and who uses them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from provisioner.plan import Action, Address, Step
from provisioner.secret import reference_in

Users = Mapping[Address, Sequence[Address]]
"""What is needed, to all declared resources that need it."""


def with_neighbours(steps: Iterable[Step], users: Users) -> list[Step]:
    """``steps`` with notes on what is missing in the plan, and on who reads a new secret."""
    steps = list(steps)
    planned = {step.address for step in steps}
    return [
        replace(step, notes=(*step.notes, *_unplanned(step, planned), *_used(step, users)))
        for step in steps
    ]


def _unplanned(step: Step, planned: set[Address]) -> Iterator[str]:
    """A selection may leave out what a step cannot do without."""
    if step.operations:
        for address in step.needs:
            if address not in planned:
                yield f"needs {address}, which is not selected"


def _used(step: Step, users: Users) -> Iterator[str]:
    """Who will work with a secret that is written where it can be in use already."""
    found = sorted(users.get(step.address, ()))
    if found and step.action is Action.UPDATE and _writes_secret(step):
        yield f"used by {', '.join(map(str, found))}"


def _writes_secret(step: Step) -> bool:
    changed = (change for change in step.changes if change.action is not Action.KEEP)
    return any(reference_in(change.after) is not None for change in changed)
