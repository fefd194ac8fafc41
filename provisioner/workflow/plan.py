"""The whole tool on one screen: load, read, plan, guard, apply, verify.

    manifests  text -> desired documents          (``session``)
    reading    the workspace -> live documents    (``compare``)
    planning   desired and live -> the plan       (``make_plan``)
    guard      what must not happen unasked       (``refuse_unsafe``)
    applying   the plan -> outcomes               (``apply``)

No stage knows another; they meet here. Nothing here prints or asks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from provisioner.kinds import KINDS
from provisioner.model.kind import Driver, Kind
from provisioner.model.live import Listed, Live
from provisioner.model.plan import Action, Address, Plan, Source, Step
from provisioner.model.resource import Removal, Resource
from provisioner.model.selection import Exactly, check_rotated, selected
from provisioner.planning.notes import Users, with_neighbours
from provisioner.planning.planner import orphan_step, plan_step
from provisioner.planning.request import Pair, Request
from provisioner.workflow.reading import Reading, examine, read
from provisioner.workflow.session import Session

if TYPE_CHECKING:
    pass

LISTED_KINDS = tuple(name for name, kind in KINDS.items() if kind.is_owned)
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
            for needed in _kind(resource.address).dependencies.depends_on(resource.document):
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
        if one.ownership.owner == owner
    ]


def _kind(address: Address) -> Kind:
    return KINDS[address.kind]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a plan is asked for besides "all of the manifests".

    ``only``: nothing but these (None: no such limit).
    """

    select: tuple[str, ...] = ()
    rotate: frozenset[str] = frozenset()
    take_over_from: str = ""
    prune: bool = False
    only: Exactly | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """The manifests beside the workspace: what was read, and the step that it leads to."""

    request: Request
    reading: Reading
    steps: Sequence[Step]


def make_plan(session: Session, wanted: Wanted) -> Plan:
    """The plan that takes the workspace to the manifests. Raises as ``compare``."""
    found = compare(session, wanted)
    return _plan(session, found.reading, found.request, found.steps)


def compare(session: Session, wanted: Wanted) -> Compared:
    """Compare the manifests with the workspace. Changes nothing.

    Raises UsageError for a selection of nothing, WorkspaceError for what cannot be read.
    """
    proposing = _proposing(session, _request(session, wanted))
    removed = map(as_resource, session.loaded.removals)
    known = (*session.loaded.resources, *removed, *session.loaded.withheld)
    withheld = {one.address for one in session.loaded.withheld}
    declared = {one.address for one in known}
    left_out = withheld if wanted.only is None else withheld | (declared - wanted.only.addresses)
    resources = [one for one in selected(known, wanted.select) if one.address not in left_out]
    check_rotated(resources, wanted.rotate)
    reading = read(resources, LISTED_KINDS, session.drivers)
    steps = proposing.steps(resources, reading)
    if not wanted.select:
        steps += _meant(proposing.orphans(reading), wanted.only)
    return Compared(proposing.request, reading, steps)


def make_destroy_plan(session: Session, wanted: Wanted) -> Plan:
    """Plan the deletion of everything that carries our tag, declared or not."""
    proposing = _proposing(session, replace(_request(session, wanted), prune=True))
    # The list leaves out what the caller may not see, and that must not read as "gone": so
    # what is declared is read too, and a refusal is an error.
    declared = [r for r in _declared(session) if r.address.kind in LISTED_KINDS]
    reading = read(declared, LISTED_KINDS, session.drivers)
    ours = [
        Resource(proposing.address(kind, one.name), one.name, {})
        for kind, one in owned(reading, proposing.request.owner)
    ]
    steps = proposing.deletions(selected(ours, wanted.select))
    return _plan(session, reading, proposing.request, steps)


def _meant(orphans: Sequence[Step], only: Exactly | None) -> list[Step]:
    return [
        step for step in orphans if only is None or (step.address.kind, step.name) in only.former
    ]


def _request(session: Session, wanted: Wanted) -> Request:
    return Request(
        project=session.project.name,
        environment=session.environment.name,
        rotate=wanted.rotate,
        take_over_from=wanted.take_over_from,
        prune=wanted.prune,
        addresses={(r.address.kind, r.name): r.address for r in _declared(session)},
    )


def _declared(session: Session) -> tuple[Resource, ...]:
    """What the manifests declare, also what is not released to the environment yet."""
    return (*session.loaded.resources, *session.loaded.withheld)


def _proposing(session: Session, request: Request) -> Proposing:
    removals = {one.address: one for one in session.loaded.removals}
    removed = {(at.kind, one.name) for at, one in removals.items()}
    return Proposing(
        request,
        session.drivers,
        removals,
        removed | request.addresses.keys(),
        declared=session.loaded.resources,
    )


def _plan(session: Session, reading: Reading, request: Request, steps: Sequence[Step]) -> Plan:
    return Plan(
        project=request.project,
        environment=request.environment,
        host=session.host,
        steps=tuple(sorted(steps, key=lambda step: step.address)),
        source=Source(session.loaded.digest, session.git_commit),
        protected=session.environment.protected,
        owned=len(owned(reading, request.owner)),
    )
