"""What a change of the files touches in one environment, and what differs without it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from provisioner.kinds import KINDS
from provisioner.manifests.load import Loaded
from provisioner.model.paths import Path
from provisioner.model.plan import Action, Address, FieldChange, Plan, Step
from provisioner.model.resource import Resource
from provisioner.model.selection import Exactly
from provisioner.planning.diff import diff
from provisioner.planning.places import visible
from provisioner.planning.write_only import APPLIED, PROTECTION

WHOLE: Final[tuple[Path, ...]] = ((),)
_COMPARED: Final = frozenset({Action.UPDATE, Action.REPLACE, Action.BLOCKED})
"""Steps in which a desired and a live resource meet that both exist."""


@dataclass(frozen=True, slots=True)
class Touched:
    """``paths``: the fields that are others than before, by address; () is the whole resource.

    ``former`` are (kind name, resource name) of what is declared no longer, or not under
    this name.
    """

    paths: Mapping[Address, tuple[Path, ...]] = field(default_factory=dict)
    former: frozenset[tuple[str, str]] = frozenset()

    @property
    def is_nothing(self) -> bool:
        return not (self.paths or self.former)

    @property
    def exactly(self) -> Exactly:
        """The resources to plan."""
        return Exactly(frozenset(self.paths), self.former)


def touched(then: Loaded, now: Loaded) -> Touched:
    """The resources and removals in which ``now`` differs from ``then``.

    Another key for a resource of the same name is no difference.
    """
    before = {one.address: one for one in then.resources}
    named = {(one.address.kind, one.name): one for one in then.resources}
    paths = {}
    for one in now.resources:
        was = before.get(one.address) or named.get((one.address.kind, one.name))
        found = _paths(was, one)
        if found:
            paths[one.address] = found
    settled = {(one.address, one.name, one.delete) for one in then.removals}
    paths |= {
        one.address: WHOLE
        for one in now.removals
        if (one.address, one.name, one.delete) not in settled
    }
    return Touched(paths, frozenset(_names(then) - _names(now)))


def everything(now: Loaded) -> Touched:
    """As if nothing had been there before."""
    declared = {one.address for one in now.resources} | {one.address for one in now.removals}
    return Touched(dict.fromkeys(sorted(declared), WHOLE))


def with_drift(plan: Plan, change: Touched) -> Plan:
    """``plan`` with each difference marked that the change of the files did not make."""
    return replace(plan, steps=tuple(_marked(step, change) for step in plan.steps))


def _names(loaded: Loaded) -> set[tuple[str, str]]:
    """What the manifests speak of, also what waits for a release or is removed."""
    resources = {(one.address.kind, one.name) for one in (*loaded.resources, *loaded.withheld)}
    return resources | {(one.address.kind, one.name) for one in loaded.removals}


def _paths(before: Resource | None, after: Resource) -> tuple[Path, ...]:
    if before is None or _frame(before) != _frame(after):
        return WHOLE
    rules = visible(KINDS[after.address.kind].rules())
    found = tuple(change.path for change in diff(after.document, before.document, rules))
    protection = (PROTECTION,) if before.prevent_destroy != after.prevent_destroy else ()
    return (*found, *protection)


def _frame(one: Resource) -> tuple[object, ...]:
    """Where this is another, any field may differ because of it."""
    return (one.name, one.existing, one.ignore_changes)


def _marked(step: Step, change: Touched) -> Step:
    if step.action not in _COMPARED:
        return step
    paths = change.paths.get(step.address, WHOLE)
    return replace(step, changes=tuple(_drifting(step.changes, paths)))


def _drifting(changes: Iterable[FieldChange], paths: Iterable[Path]) -> Iterator[FieldChange]:
    known = [*paths, APPLIED]
    for change in changes:
        made_elsewhere = not any(_meets(change.path, path) for path in known)
        differs = change.action is not Action.KEEP and change.before != change.after
        yield replace(change, drift=True) if made_elsewhere and differs else change


def _meets(one: Path, other: Path) -> bool:
    """Whether one of them is the other, or is in it."""
    length = min(len(one), len(other))
    return one[:length] == other[:length]
