"""What differs from the manifests without anybody having applied it, as immutable data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from provisioner.errors import Position
from provisioner.model.paths import Path
from provisioner.model.plan import ABSENT, Address, Source


class DriftCategory(StrEnum):
    """The category of a difference, in the order in which they are shown.

    Without a state file only earlier commits can tell a change by hand from a manifest that
    was changed and not applied yet.
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
    ROLLOUT = "rollout"
    NOT_APPLIED = "not_applied"
    ORPHAN = "orphan"
    UPDATING = "updating"
    STOPPED = "stopped"


EITHER: Final = frozenset(
    {
        *(DriftCategory.VERSION, DriftCategory.EDITED, DriftCategory.TAG_ADDED),
        *(
            DriftCategory.PERMISSION_ADDED,
            DriftCategory.PERMISSION_CHANGED,
            DriftCategory.PERMISSION_REMOVED,
        ),
    }
)
"""Categories of changes by hand that may be a manifest which waits for an apply, too."""

PASSING: Final = frozenset({DriftCategory.UPDATING, DriftCategory.STOPPED})
"""States that no manifest can differ from: told, and no drift by themselves."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference of one resource.

    ``path`` is empty where it is about the resource as a whole. ``reason`` says more in words,
    unless ``is_plain``: then it only repeats the category. ``by`` is who made the resource,
    ``at`` when (RFC 3339, UTC) it was made, or for a field when the resource was last written;
    ``""`` where the workspace does not tell. ``owner`` is whose tag is on it, where that is not
    ours. ``by_hand``: earlier commits were looked at, and none of them declares what is live;
    ``commit`` is the one that does.
    """

    address: Address
    name: str
    category: DriftCategory
    path: Path = ()
    declared: Any = ABSENT
    live: Any = ABSENT
    reason: str = ""
    is_plain: bool = False
    by: str = ""
    at: str = ""
    owner: str = ""
    by_hand: bool = False
    commit: str = ""

    @property
    def counts(self) -> bool:
        """Whether it is drift, and no state that passes."""
        return self.category not in PASSING


@dataclass(frozen=True, slots=True)
class Drifted:
    """All differences of one environment, by address, then in the order of ``DriftCategory``.

    ``resources`` is how many were looked at, ``places`` where they are declared. ``commits``
    is how many earlier commits were looked at for what is live.
    """

    project: str
    environment: str
    host: str
    resources: int
    findings: tuple[Drift, ...]
    source: Source = field(default_factory=Source)
    places: tuple[tuple[Address, Position], ...] = ()
    commits: int = 0

    @property
    def drifted(self) -> int:
        """How many resources have a difference that counts."""
        return len({finding.address for finding in self.findings if finding.counts})
