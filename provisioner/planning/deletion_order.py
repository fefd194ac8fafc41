"""What is deleted waits for what still uses it. Pure.

Creating goes from what is referred to, to what refers to it; deleting goes the other way. The
service refuses to delete a schema that has something in it. [databricks-sdk, SchemasAPI.delete]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from provisioner.model.plan import Action, Address, Step
from provisioner.planning.comparison import ResourceComparison


def in_reverse(steps: Sequence[Step], comparisons: Sequence[ResourceComparison]) -> Sequence[Step]:
    """``steps`` in which each deletion needs those whose live resources use what is deleted."""
    deleted = {
        (step.address.kind, step.name): step.address
        for step in steps
        if step.action is Action.DELETE
    }
    if not deleted:
        return steps
    by_address = {step.address: step for step in steps}
    users: dict[Address, set[Address]] = {}
    for each in comparisons:
        user = by_address.get(each.pair.address)
        if user is None or not user.operations or each.pair.live is None:
            continue
        for name in each.kind.dependencies.depends_on(each.pair.live.document):
            target = deleted.get(name)
            # What goes on using it is refused by the service, and waits for nothing.
            if target and target != user.address and target not in user.needs:
                users.setdefault(target, set()).add(user.address)
    return [
        replace(step, needs=tuple(sorted({*step.needs, *users.get(step.address, ())})))
        for step in steps
    ]
