"""The steps of a plan: declared, removed and orphaned resources, read and compared.

``workflow`` says which resources are meant; what becomes of each is decided in planning.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from provisioner.kinds import KINDS
from provisioner.plan import Action, Address, Step
from provisioner.planning.neighbours import Users, with_neighbours
from provisioner.planning.planner import Pair, Request, orphan_step, plan_step
from provisioner.reading import Reading, examine, read
from provisioner.resource import Driver, Kind, Listed, Live, Removal, Resource

LISTED_KINDS = tuple(name for name, kind in KINDS.items() if kind.markable)
ORPHAN = "@orphan"
"""Ends the key of an orphan whose name is the key of another resource: no key holds an @."""


@dataclass(frozen=True, slots=True)
class Proposing:
    """What steps are made from. ``removals``: what becomes of what is not declared any more.

    ``spoken_for`` are (kind name, resource name) of all that the manifests name. ``declared``
    are all resources of the manifests, selected or not: they tell who uses what.
    """

    request: Request
    drivers: Mapping[str, Driver]
    removals: Mapping[Address, Removal] = field(default_factory=dict)
    spoken_for: Collection[tuple[str, str]] = ()
    declared: Sequence[Resource] = ()

    def steps(self, resources: Iterable[Resource], reading: Reading) -> list[Step]:
        """The steps for declared and removed resources."""
        resources = list(resources)
        pairs = [self._pair(resource, reading.live[resource.address]) for resource in resources]
        steps = {pair.address: self._step(pair) for pair in pairs}
        replaced = {
            pair.address: (pair.desired, pair.live)
            for pair in pairs
            if steps[pair.address].action is Action.REPLACE and pair.desired and pair.live
        }
        # Only now, because it costs a request for each: what would a replacement lose?
        examined = examine(replaced, self.drivers)
        steps |= {
            pair.address: self._step(replace(pair, live=examined[pair.address]))
            for pair in pairs
            if pair.address in examined
        }
        return with_neighbours(steps.values(), self._users(self.declared or resources))

    def orphans(self, reading: Reading) -> list[Step]:
        """Steps for what carries our tag and has no manifest; deletions when pruning."""
        left = {
            self.address(kind, one.name): one
            for kind, one in owned(reading, self.request.owner)
            if (kind, one.name) not in self.spoken_for
        }
        if self.request.prune:
            return self.deletions([Resource(at, one.name, {}) for at, one in left.items()])
        steps = ((at, orphan_step(KINDS[at.kind], one, self.request)) for at, one in left.items())
        return [replace(step, address=at) for at, step in steps]

    def deletions(self, doomed: Sequence[Resource]) -> list[Step]:
        """Steps that delete; from a read of each, whose fingerprint shows when it is stale."""
        live = read(doomed, (), self.drivers).live
        return [self._step(Pair(one.address, one.name, None, live[one.address])) for one in doomed]

    def address(self, kind: str, name: str) -> Address:
        """The address of a live resource: its manifest's, else one that nothing else has."""
        addresses = self.request.addresses
        if (kind, name) in addresses:
            return addresses[(kind, name)]
        for removal in self.removals.values():
            if (removal.address.kind, removal.name) == (kind, name):
                return removal.address
        at = Address(kind, name)
        taken = at in self.removals or at in addresses.values()
        return Address(kind, name + ORPHAN) if taken else at

    def _users(self, resources: Iterable[Resource]) -> Users:
        """Who of ``resources`` needs what, the other way round."""
        users: dict[Address, list[Address]] = {}
        for resource in resources:
            for needed in _kind(resource.address).needs(resource.document):
                if needed in self.request.addresses:
                    users.setdefault(self.request.addresses[needed], []).append(resource.address)
        return users

    def _pair(self, resource: Resource, live: Live | None) -> Pair:
        removal = self.removals.get(resource.address)
        desired = None if removal else resource
        return Pair(resource.address, resource.name, desired, live, removal)

    def _step(self, pair: Pair) -> Step:
        return plan_step(pair, _kind(pair.address), self.request)


def as_resource(removal: Removal) -> Resource:
    """What stands for a removed resource where resources are selected and read."""
    return Resource(removal.address, removal.name, {}, where=removal.where)


def owned(reading: Reading, owner: str) -> list[tuple[str, Listed]]:
    """Kind and entry of everything in the lists that carries the mark of ``owner``."""
    return [
        (kind, one)
        for kind, listed in reading.listed.items()
        for one in listed
        if one.marks.owner == owner
    ]


def _kind(address: Address) -> Kind:
    return KINDS[address.kind]
