"""What a migration came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioner.errors import Problem
from provisioner.model.importing import Loss, LossReason, MigratedResource, NeededVariable


@dataclass(frozen=True, slots=True)
class CallerChange:
    """The lines of one client's program that change; ``why_not``: it cannot ask the successor."""

    client: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class EndpointCaller:
    """Who asked a resource how often, and when the last time was."""

    name: str
    requests: int
    last_request: str


@dataclass(frozen=True, slots=True)
class RemainingCallers:
    """Who called a resource in the last ``days``, the most frequent caller first.

    ``unknown`` says why there may be others, or others may not be seen.
    """

    name: str
    days: int
    callers: tuple[EndpointCaller, ...] = ()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class UsageReport:
    """The callers of resources, one entry for each. ``sql`` is the query for them."""

    sql: str
    entries: tuple[RemainingCallers, ...] = ()
    problems: tuple[Problem, ...] = ()

    def of(self, name: str) -> RemainingCallers | None:
        """Returns the entry of ``name``; None where it was not looked up."""
        return next((each for each in self.entries if each.name == name), None)


@dataclass(frozen=True, slots=True)
class MigrationEntry:
    """One resource of a migration: what becomes of it, and what its callers change.

    ``stops`` are the losses that no option accepts.
    """

    resource: MigratedResource
    stops: tuple[Loss, ...] = ()
    callers: tuple[CallerChange, ...] = ()

    @property
    def moves(self) -> bool:
        """Whether its successors are declared."""
        return not self.stops


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """``shared`` has for each resource that several use their names; ``file`` is the manifest.

    ``text`` is the manifest, ``""`` where nothing moves. ``next`` are commands. ``usage`` is who
    calls the resources now.
    """

    place: str
    accepted: frozenset[LossReason]
    entries: tuple[MigrationEntry, ...]
    variables: tuple[NeededVariable, ...] = ()
    shared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    file: str = ""
    text: str = ""
    problems: tuple[Problem, ...] = ()
    next: tuple[str, ...] = ()
    usage: UsageReport = UsageReport("")
