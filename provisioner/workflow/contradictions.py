"""Compares the read of each resource with the list of its kind, where a plan has both.

An answer that says "there is none" decides what a plan creates, so it has to agree with the
list. A workspace that was written to a moment ago may show both for a while: the resource and
the list are then read again before the contradiction becomes an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from provisioner.errors import UnreachableError
from provisioner.model.clock import Clock, SystemClock
from provisioner.model.kind import Driver
from provisioner.model.live import Listed, Live
from provisioner.model.plan import Address
from provisioner.model.resource import Resource

PAUSES_S: Final = (0.4, 1.2)
"""Before each further look. Reads lag after a delete for an unknown time (assumed: short)."""


def settled(
    resources: Sequence[Resource],
    live: Mapping[Address, Live | None],
    listed: Mapping[str, Sequence[Listed]],
    drivers: Mapping[str, Driver],
    clock: Clock | None = None,
) -> dict[Address, Live | None]:
    """Returns ``live``, with what contradicted the lists read again.

    Raises UnreachableError (E437) where a resource and the list of its kind still disagree.
    """
    answers = dict(live)
    names = {kind: {entry.name for entry in entries} for kind, entries in listed.items()}
    doubtful = _contradictions(resources, answers, names)
    for pause_s in PAUSES_S:
        if not doubtful:
            return answers
        (clock or SystemClock()).sleep(pause_s)
        for kind in {resource.address.kind for resource in doubtful}:
            names[kind] = set(drivers[kind].poll())
        for resource in doubtful:
            answers[resource.address] = drivers[resource.address.kind].read(resource)
        doubtful = _contradictions(doubtful, answers, names)
    if doubtful:
        raise _error(doubtful[0], is_listed=answers[doubtful[0].address] is None)
    return answers


def _contradictions(
    resources: Iterable[Resource],
    live: Mapping[Address, Live | None],
    names: Mapping[str, set[str]],
) -> list[Resource]:
    """The resources that only one of the two answers has.

    A list that has other entries may leave out what the login may not see, or lag behind a
    create. An empty one beside a resource that was read is no list of this workspace.
    """
    return [
        resource
        for resource in resources
        if (known := names.get(resource.address.kind)) is not None
        and ((resource.name in known) if live[resource.address] is None else not known)
    ]


def _error(resource: Resource, *, is_listed: bool) -> UnreachableError:
    list_says, read_says = ("does", "does not") if is_listed else ("does not", "does")
    return UnreachableError.of(
        "E437",
        f"the list of the workspace says that `{resource.name}` {list_says} exist, and the "
        f"answer about `{resource.name}` itself that it {read_says}",
        hint="if it was created or deleted just now, run the same command again; else a gateway "
        "between here and the workspace may have answered",
    )
