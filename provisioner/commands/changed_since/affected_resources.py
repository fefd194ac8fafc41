"""Which resources of one environment a change of files affects, and which differences are drift.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from provisioner.kinds import KINDS
from provisioner.manifests.load import Loaded
from provisioner.model.paths import Path, overlaps
from provisioner.model.plan import Action, Address, FieldChange, Plan, Step
from provisioner.model.resource import Resource
from provisioner.model.selection import Selection
from provisioner.planning.comparable import visible
from provisioner.planning.diff import diff
from provisioner.planning.write_only import APPLIED, PROTECTION

# The empty path overlaps every path: the whole resource is affected.
WHOLE: Final[tuple[Path, ...]] = ((),)
# Steps in which a desired and a live resource meet that both exist.
_COMPARED: Final = frozenset({Action.UPDATE, Action.REPLACE, Action.BLOCKED})


@dataclass(frozen=True, slots=True)
class AffectedResources:
    """The changed fields by address; the path ``()`` stands for the whole resource.

    ``removed_names`` are the (kind name, resource name) pairs that the manifests declare no
    longer, or not under this name.
    """

    paths: Mapping[Address, tuple[Path, ...]] = field(default_factory=dict)
    removed_names: frozenset[tuple[str, str]] = frozenset()

    @property
    def is_empty(self) -> bool:
        return not (self.paths or self.removed_names)

    @property
    def selection(self) -> Selection:
        """The resources to plan."""
        return Selection(addresses=frozenset(self.paths), orphans=self.removed_names)


def affected_resources(before: Loaded, after: Loaded) -> AffectedResources:
    """Returns the resources and removals in which ``after`` differs from ``before``.

    Another key for a resource of the same name is no difference.
    """
    by_address = {resource.address: resource for resource in before.resources}
    by_name = {(resource.address.kind, resource.name): resource for resource in before.resources}
    paths = {}
    for resource in after.resources:
        address = resource.address
        earlier = by_address.get(address) or by_name.get((address.kind, resource.name))
        changed = _changed_paths(earlier, resource)
        if changed:
            paths[address] = changed
    known_removals = {(each.address, each.name, each.delete) for each in before.removals}
    paths |= {
        removal.address: WHOLE
        for removal in after.removals
        if (removal.address, removal.name, removal.delete) not in known_removals
    }
    return AffectedResources(paths, frozenset(_names(before) - _names(after)))


def all_resources(loaded: Loaded) -> AffectedResources:
    """Returns every declared resource and removal as affected, as if all of them were new."""
    addresses = {resource.address for resource in loaded.resources}
    addresses |= {removal.address for removal in loaded.removals}
    return AffectedResources(dict.fromkeys(sorted(addresses), WHOLE))


def with_drift(plan: Plan, affected: AffectedResources) -> Plan:
    """Marks each difference in ``plan`` as drift that the change of files did not make."""
    return replace(plan, steps=tuple(_mark_drift(step, affected) for step in plan.steps))


def _names(loaded: Loaded) -> set[tuple[str, str]]:
    """Returns what the manifests name, also what waits for a release or is removed."""
    resources = (*loaded.resources, *loaded.withheld)
    names = {(resource.address.kind, resource.name) for resource in resources}
    return names | {(removal.address.kind, removal.name) for removal in loaded.removals}


def _changed_paths(before: Resource | None, after: Resource) -> tuple[Path, ...]:
    if before is None or _identity(before) != _identity(after):
        return WHOLE
    rules = visible(KINDS[after.address.kind].schema.rules())
    paths = tuple(change.path for change in diff(after.document, before.document, rules))
    protection = (PROTECTION,) if before.prevent_destroy != after.prevent_destroy else ()
    return (*paths, *protection)


def _identity(resource: Resource) -> tuple[object, ...]:
    """Returns the facts whose change may change the plan of any field."""
    return (resource.name, resource.existing, resource.ignore_changes)


def _mark_drift(step: Step, affected: AffectedResources) -> Step:
    if step.action not in _COMPARED:
        return step
    # Nothing is marked where the changed fields are not known.
    paths = affected.paths.get(step.address, WHOLE)
    return replace(step, changes=tuple(_changes_with_drift(step.changes, paths)))


def _changes_with_drift(
    changes: Iterable[FieldChange], paths: Iterable[Path]
) -> Iterator[FieldChange]:
    # The digests of write-only fields change with every apply: they say nothing about drift.
    known = [*paths, APPLIED]
    for change in changes:
        made_elsewhere = not any(overlaps(change.path, path) for path in known)
        differs = change.action is not Action.KEEP and change.before != change.after
        yield replace(change, drift=True) if made_elsewhere and differs else change
