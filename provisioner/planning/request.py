"""Inputs of the planner: the context of a plan, and the desired and live side of one resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioner.model.live import Live
from provisioner.model.plan import Address
from provisioner.model.resource import Removal, Resource


@dataclass(frozen=True, slots=True)
class PlanContext:
    """For whom the plan is made, and what it is asked for besides the manifests.

    ``rotate`` holds addresses, also with a key: ``secret_scopes.openai[openai_api_key]``.
    ``redeploy`` holds the addresses whose config is sent again though nothing differs.
    ``take_over_from`` is another owner. ``prune`` deletes what is ours and not wanted.
    ``addresses`` finds what a step needs: (kind name, resource name) to address.
    """

    project: str
    environment: str
    rotate: frozenset[str] = frozenset()
    redeploy: frozenset[str] = frozenset()
    take_over_from: str = ""
    prune: bool = False
    addresses: Mapping[tuple[str, str], Address] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        """To whom the resources of this project and environment belong."""
        return f"{self.project}/{self.environment}"

    def rotated_keys(self, address: Address) -> frozenset[str]:
        """The keys of a resource whose values are to be sent again; ``*`` for all of them."""
        if not self.rotate:
            return frozenset()
        name = str(address)
        keys = {"*" for entry in self.rotate if entry == name}
        keyed = (
            entry for entry in self.rotate if entry.startswith(f"{name}[") and entry.endswith("]")
        )
        return frozenset(keys | {entry[len(name) + 1 : -1] for entry in keyed})


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

    @property
    def owner(self) -> str:
        """To whom the live resource belongs; ``""`` for no owner."""
        return self.live.ownership.owner if self.live else ""

    @property
    def is_existing(self) -> bool:
        """Whether the resource is created elsewhere (``existing: true``)."""
        return bool(self.desired and self.desired.existing)
