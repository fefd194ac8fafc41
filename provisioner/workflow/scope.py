"""What a plan is about: what the manifests declare, what they remove, and what is selected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from provisioner.errors import LoginError, Problem, UnreachableError, WorkspaceError
from provisioner.kinds import KINDS
from provisioner.manifests.load import Loaded
from provisioner.model.live import Live
from provisioner.model.plan import Address
from provisioner.model.resource import Removal, Resource
from provisioner.model.selection import EVERYTHING, Selection, check_redeployed, check_rotated
from provisioner.planning.comparable import write_only_values
from provisioner.planning.request import Pair, PlanContext
from provisioner.workflow.session import Session

# Turns the refusal of one request into a value, so that other requests go on.

Result = TypeVar("Result")


def answer_or_error(ask: Callable[[], Result]) -> Result | WorkspaceError:
    """Returns what ``ask`` returns, or the WorkspaceError that it raises.

    Raises LoginError and UnreachableError: they concern every request to the workspace, so
    the next one would fail in the same way.
    """
    try:
        return ask()
    except (LoginError, UnreachableError):
        raise
    except WorkspaceError as error:
        return error


def answer_or_problem(ask: Callable[[], Result]) -> Result | Problem:
    """Returns what ``ask`` returns, or the first problem of its WorkspaceError.

    Raises LoginError and UnreachableError, as ``answer_or_error`` does.
    """
    answer = answer_or_error(ask)
    return answer.problems[0] if isinstance(answer, WorkspaceError) else answer


ORPHAN = "@orphan"
"""Ends the key of an orphan whose name is the key of another resource: no key holds an @."""


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What a plan is asked for besides the manifests: the options of the command line."""

    selection: Selection = EVERYTHING
    rotate: frozenset[str] = frozenset()
    redeploy: frozenset[str] = frozenset()
    take_over_from: str = ""
    prune: bool = False


# Without slots, for the sake of the tables that are made when the first resource asks.
@dataclass(frozen=True)
class PlanScope:
    """The declared side of a plan.

    ``selected`` are the declared and removed resources to plan.
    """

    loaded: Loaded
    request: PlanContext
    selection: Selection
    selected: Sequence[Resource]

    @property
    def declared(self) -> tuple[Resource, ...]:
        """What the manifests declare, also what is not released to the environment yet."""
        return (*self.loaded.resources, *self.loaded.withheld)

    def declares(self, kind: str, name: str) -> bool:
        """Whether the manifests declare or remove the resource ``name`` of ``kind``."""
        return (kind, name) in self.request.addresses or (kind, name) in self._removed_names

    def pair(self, resource: Resource, live: Live | None) -> Pair:
        """The two sides of a declared or removed resource."""
        removal = self._removals.get(resource.address)
        desired = None if removal else resource
        return Pair(resource.address, resource.name, desired, live, removal)

    def address_of(self, kind: str, name: str) -> Address:
        """The address of a live resource: its manifest's, else one that nothing else has."""
        addresses = self.request.addresses
        if (kind, name) in addresses:
            return addresses[(kind, name)]
        if (kind, name) in self._removed_names:
            return self._removed_names[(kind, name)]
        address = Address(kind, name)
        taken = address in self._removals or address in self._declared_addresses
        return Address(kind, name + ORPHAN) if taken else address

    @cached_property
    def _removals(self) -> dict[Address, Removal]:
        return {each.address: each for each in self.loaded.removals}

    @cached_property
    def _removed_names(self) -> dict[tuple[str, str], Address]:
        """(kind name, resource name) to the address of the removal; the first one counts."""
        removals = reversed(self.loaded.removals)
        return {(each.address.kind, each.name): each.address for each in removals}

    @cached_property
    def _declared_addresses(self) -> frozenset[Address]:
        return frozenset(self.request.addresses.values())


def scope_of(session: Session, options: PlanOptions) -> PlanScope:
    """The scope of a plan. Raises UsageError for a selection of nothing."""
    loaded = session.loaded
    removed = map(as_resource, loaded.removals)
    withheld = {each.address for each in loaded.withheld}
    # What is not released yet can be named without an error, and is not planned.
    known = options.selection.choose((*loaded.resources, *removed, *loaded.withheld))
    selected = tuple(resource for resource in known if resource.address not in withheld)
    check_rotated(filter(_holds_secret, selected), options.rotate)
    check_redeployed(filter(_is_deployed, selected), options.redeploy)
    return PlanScope(loaded, _request(session, options), options.selection, selected)


def _holds_secret(resource: Resource) -> bool:
    """Whether ``resource`` declares a secret value that can be sent again."""
    kind = KINDS[resource.address.kind]
    if kind.planning.hides_values:
        return True
    values = write_only_values(resource.document, kind.schema.rules())
    return any(rule.secret for _, _, rule in values)


def _is_deployed(resource: Resource) -> bool:
    """Whether the service deploys something for ``resource``, which it can deploy again."""
    field = KINDS[resource.address.kind].planning.resent_field
    return bool(field and resource.document.get(field))


def as_resource(removal: Removal) -> Resource:
    """A removed resource, where resources are selected and read."""
    return Resource(removal.address, removal.name, {}, where=removal.where)


def _request(session: Session, options: PlanOptions) -> PlanContext:
    declared = (*session.loaded.resources, *session.loaded.withheld)
    return PlanContext(
        project=session.project.name,
        environment=session.environment.name,
        rotate=options.rotate,
        redeploy=options.redeploy,
        take_over_from=options.take_over_from,
        prune=options.prune,
        addresses={(each.address.kind, each.name): each.address for each in declared},
    )
