"""What the planner is asked: the two sides of a resource, and on whose behalf."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from provisioner.model.kind import Kind
from provisioner.model.live import Live
from provisioner.model.plan import SEVERITY, Action, Address, FieldChange
from provisioner.model.resource import Removal, Resource


@dataclass(frozen=True, slots=True)
class Request:
    """For whom the plan is made, and what it is asked for besides the manifests.

    ``rotate`` holds addresses, also with a key: ``secret_scopes.openai[openai_api_key]``.
    ``take_over_from`` is another owner. ``prune`` deletes what is ours and not wanted.
    ``addresses`` finds what a step needs: (kind name, resource name) to address.
    """

    project: str
    environment: str
    rotate: frozenset[str] = frozenset()
    take_over_from: str = ""
    prune: bool = False
    addresses: Mapping[tuple[str, str], Address] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        """What our resources are marked with."""
        return f"{self.project}/{self.environment}"


@dataclass(frozen=True, slots=True)
class Pair:
    """The two sides of one resource; None where there is nothing on a side.

    ``removal`` says what is to become of a live one that no manifest wants any more.
    """

    address: Address
    name: str
    desired: Resource | None
    live: Live | None
    removal: Removal | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A pair whose changes are known, before it is settled what happens to it as a whole."""

    pair: Pair
    kind: Kind
    request: Request
    changes: tuple[FieldChange, ...]

    @property
    def worst(self) -> Action:
        """The most severe action of the changes."""
        actions = (change.action for change in self.changes)
        return max(actions, key=SEVERITY.index, default=Action.KEEP)

    @property
    def owner(self) -> str:
        """Whose mark is on the live resource; ``""`` for nobody's."""
        return self.pair.live.ownership.owner if self.pair.live else ""

    @property
    def is_existing(self) -> bool:
        """Whether somebody else creates the resource."""
        return bool(self.pair.desired and self.pair.desired.existing)

    @property
    def is_ours(self) -> bool:
        """Whether the live resource carries our mark."""
        return self.owner == self.request.owner

    @property
    def rotated(self) -> frozenset[str]:
        """The keys of this resource whose values are to be sent again; ``*`` for all."""
        return rotated(self.pair.address, self.request.rotate)


def rotated(address: Address, rotate: Iterable[str]) -> frozenset[str]:
    """The keys of ``address`` that ``rotate`` names; ``*`` for all of them."""
    if not rotate:
        return frozenset()
    name = str(address)
    keys = {"*" for entry in rotate if entry == name}
    keyed = (entry for entry in rotate if entry.startswith(f"{name}[") and entry.endswith("]"))
    return frozenset(keys | {entry[len(name) + 1 : -1] for entry in keyed})
