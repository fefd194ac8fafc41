"""What differs from the manifests without anybody having applied it, as immutable data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from provisioner.errors import Position
from provisioner.plan import ABSENT, Address, Source
from provisioner.semantics import Path


class Sort(StrEnum):
    """Of which sort a difference is, in the order in which they are told.

    Without a state file nobody can tell a change by hand from a manifest that was changed
    and not applied yet: ``EDITED``, ``VERSION`` and the sorts of permissions may be either.
    """

    NOT_OURS = "not_ours"
    RECREATED = "recreated"
    GONE = "gone"
    FAILED_UPDATE = "failed_update"
    VERSION = "version_changed"
    EDITED = "edited"
    PERMISSION_ADDED = "permission_added"
    PERMISSION_CHANGED = "permission_changed"
    PERMISSION_REMOVED = "permission_removed"
    TAG_ADDED = "tag_added"
    NOT_APPLIED = "not_applied"
    ORPHAN = "orphan"
    UPDATING = "updating"
    STOPPED = "stopped"


PASSING: Final = frozenset({Sort.UPDATING, Sort.STOPPED})
"""States that no manifest can differ from: told, and no drift by themselves."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference of one resource.

    ``path`` is empty where it is about the resource as a whole. ``reason`` says more in
    words. ``by`` is who made the resource, ``at`` when (RFC 3339, UTC) it was made, or for a
    field when the resource was last written; ``""`` where the workspace does not tell.
    ``owner`` is whose tag is on it, where that is not ours.
    """

    address: Address
    name: str
    sort: Sort
    path: Path = ()
    declared: Any = ABSENT
    live: Any = ABSENT
    reason: str = ""
    by: str = ""
    at: str = ""
    owner: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is drift, and no state that passes."""
        return self.sort not in PASSING


@dataclass(frozen=True, slots=True)
class Drifted:
    """All differences of one environment, by address, then in the order of ``Sort``.

    ``resources`` is how many were looked at, ``places`` where they are declared.
    """

    project: str
    environment: str
    host: str
    resources: int
    findings: tuple[Drift, ...]
    source: Source = field(default_factory=Source)
    places: tuple[tuple[Address, Position], ...] = ()

    @property
    def drifted(self) -> int:
        """How many resources have a difference that counts."""
        return len({one.address for one in self.findings if one.counts})
