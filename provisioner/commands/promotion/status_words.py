"""What text and Markdown say about a released value, and what to do next. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from provisioner.commands.promotion.status_model import (
    EnvironmentColumn,
    Lead,
    PromotionStatus,
    ReleaseState,
    StatusCell,
)
from provisioner.errors.wording import counted
from provisioner.model.release import Value
from provisioner.rendering.values import age

SYMBOLS: Final[Mapping[ReleaseState, str]] = {
    ReleaseState.LIVE: "✓",
    ReleaseState.UPDATING: "…",
    ReleaseState.NOT_READY: "✗",
    ReleaseState.DIFFERS: "~",
    ReleaseState.ABSENT: "+",
    ReleaseState.LEFT_OUT: "·",
    ReleaseState.UNUSED: "·",
    ReleaseState.UNREACHABLE: "?",
    ReleaseState.NOT_ASKED: "",
}
COMMIT: Final = 7
MOST_NAMES: Final = 3
PENDING: Final = frozenset((ReleaseState.DIFFERS, ReleaseState.ABSENT))


def value_of(cell: StatusCell) -> str:
    """The value as it is, or that there is none."""
    return "not released" if cell.value is None else plain(cell.value)


def plain(value: Value) -> str:
    """``value`` as YAML writes it, texts without quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) or '""'


def since(cell: StatusCell, now: datetime) -> str:
    """``2 days, 2026-11-18``; empty where the release file does not tell."""
    at = cell.released.at
    return f"{age(at, now)}, {at[:10]}" if at and cell.is_released else ""


def provenance(cell: StatusCell) -> str:
    """``from staging 3fa81c2``, ``@champion 3fa81c2``, ``rolled back from 4``."""
    released = cell.released
    if cell.value is None:
        return ""
    if not cell.is_released:
        return "not released yet"
    origin = ""
    if released.rolled_back is not None:
        origin = f"rolled back from {plain(released.rolled_back)}"
    elif released.source:
        origin = f"from {released.source}"
    elif released.alias:
        origin = f"@{released.alias.rpartition('@')[2]}"
    dirty = "+" if released.commit.endswith("+") else ""
    return f"{origin} {released.commit[:COMMIT]}{dirty}".strip() if released.commit else origin


def remarks(cell: StatusCell) -> Iterator[str]:
    """What is ahead of what, and what is rejected."""
    for lead in cell.leads:
        yield lead_text(lead)
    if cell.released.rejected:
        yield f"rejects {', '.join(map(plain, cell.released.rejected))}"


def lead_text(lead: Lead) -> str:
    """``1 ahead of staging``, ``@champion 1 ahead: 4``."""
    how = "ahead"
    if lead.by:
        how = f"{abs(lead.by)} {'ahead' if lead.by > 0 else 'behind'}"
    if lead.alias:
        rejected = ", rejected" if lead.rejected else ""
        return f"@{lead.of.rpartition('@')[2]} {how}: {plain(lead.value)}{rejected}"
    if lead.rejected:
        return f"{lead.of} rejects it"
    return f"{how} {lead.of}" if how.endswith("behind") else f"{how} of {lead.of}"


def chains(columns: tuple[EnvironmentColumn, ...]) -> list[list[str]]:
    """Each way from an environment that promotes from no other one to its last target."""
    known = {column.environment: column.promotes_from for column in columns}
    chained = []
    for last in known:
        if last not in known.values():
            way = [last]
            while known.get(way[-1]) in known:
                way.append(known[way[-1]])
            chained.append(way[::-1])
    return chained


def next_steps(status: PromotionStatus) -> list[str]:
    """Returns the commands that bring all environments level, in the order of promotion."""
    return [
        command
        for column in status.columns
        for command in (
            *_release_commands(status, column.environment),
            *_plan_commands(status, column.environment),
        )
    ]


def _release_commands(status: PromotionStatus, environment: str) -> list[str]:
    """Returns the ``pin`` and ``promote`` commands that release values from ``environment``."""
    variables: dict[str, set[str]] = {}
    for variable, source, distance in status.leads():
        if source == environment and (distance.by is None or distance.by > 0):
            variables.setdefault(_command(environment, distance), set()).add(variable)
    return [" ".join((command, *_few(names))) for command, names in sorted(variables.items())]


def _command(environment: str, distance: Lead) -> str:
    if distance.alias:
        return f"provisioner pin -e {environment}"
    return f"provisioner promote --from {environment} --to {distance.of}"


def _plan_commands(status: PromotionStatus, environment: str) -> list[str]:
    """Returns the ``plan`` command where a value of ``environment`` is not applied yet."""
    cells = [row.cells[environment] for row in status.rows if environment in row.cells]
    pending = any(cell.state in PENDING and cell.value is not None for cell in cells)
    return [f"provisioner plan -e {environment}"] if pending else []


def _few(names: set[str]) -> list[str]:
    """Nothing stands for all of them, where they are many."""
    return sorted(names) if len(names) <= MOST_NAMES else []


def summary(status: PromotionStatus) -> str:
    """``2 variables in 3 environments, 1 not level, 1 rejected``."""
    distances = [
        (row.name, lead.rejected)
        for row in status.rows
        for cell in row.cells.values()
        for lead in cell.leads
    ]
    rows, columns = counted(len(status.rows), "variable"), len(status.columns)
    size = f"{rows} in {counted(columns, 'environment')}"
    if not any(cell.value is not None for row in status.rows for cell in row.cells.values()):
        return f"{size}, nothing is released yet"
    phrases = []
    for is_rejected, how in ((False, "not level"), (True, "held back: rejected")):
        number = len({name for name, rejected in distances if rejected is is_rejected})
        phrases += [f"{number} {how}"] if number else []
    return ", ".join((size, *(phrases or ["all level"])))
