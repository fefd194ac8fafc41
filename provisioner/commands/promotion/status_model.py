"""Where released values stand: environments side by side, as words that are rendered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from provisioner.errors import Problem
from provisioner.model.release import Released, Value


class ReleaseState(StrEnum):
    """What is live of a value, the worst of all resources that are made from it."""

    LIVE = "live"
    UPDATING = "updating"
    NOT_READY = "not ready"
    DIFFERS = "differs"
    ABSENT = "absent"
    LEFT_OUT = "left out"
    UNUSED = "not used"
    UNREACHABLE = "unreachable"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Lead:
    """How far a value is ahead of that in ``of``: an environment, or the pinned one of an alias.

    ``value`` is the newer one. ``by`` is None where it is no number; negative is behind.
    ``alias``: ``of`` is an alias that points to ``value``. ``rejected``: ``of`` rejects it.
    """

    of: str
    value: Value
    by: int | None = None
    alias: bool = False
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class StatusCell:
    """One variable in one environment.

    ``value`` is what counts there: the released one, else that of ``variables``, else None.
    """

    value: Value | None = None
    released: Released = field(default_factory=Released)
    state: ReleaseState = ReleaseState.NOT_ASKED
    leads: tuple[Lead, ...] = ()

    @property
    def is_released(self) -> bool:
        """Whether the value is from the release file."""
        return self.released.value is not None


@dataclass(frozen=True, slots=True)
class EnvironmentColumn:
    """One environment. ``host`` is "" and ``problems`` are told where it was not reached."""

    environment: str
    promotes_from: str = ""
    host: str = ""
    reached: bool = False
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class VariableRow:
    """One variable. ``cells`` by environment: none where it is not released there."""

    name: str
    cells: Mapping[str, StatusCell]


@dataclass(frozen=True, slots=True)
class PromotionStatus:
    """All of it: columns in promotion order, rows by name."""

    project: str
    columns: tuple[EnvironmentColumn, ...]
    rows: tuple[VariableRow, ...]
    offline: bool = False

    @property
    def nothing_reached(self) -> bool:
        """Whether workspaces were asked, and none answered."""
        return not self.offline and not any(column.reached for column in self.columns)

    def leads(self) -> Iterator[tuple[str, str, Lead]]:
        """Variable, environment and distance, for all that is ahead and not rejected."""
        for row in self.rows:
            for environment, cell in row.cells.items():
                for lead in cell.leads:
                    if not lead.rejected:
                        yield row.name, environment, lead
