"""Released values as a matrix for a terminal: a column for each environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from provisioner.commands.promotion import status_words as words
from provisioner.commands.promotion.status_model import (
    EnvironmentColumn,
    Lead,
    PromotionStatus,
    ReleaseState,
    StatusCell,
    VariableRow,
)
from provisioner.rendering.problems import to_json as problems_to_json
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.values import columns, padded, safe, shortened, wrapped

ROLES: Final = {
    ReleaseState.LIVE: Role.ADDED,
    ReleaseState.UPDATING: Role.CHANGED,
    ReleaseState.NOT_READY: Role.REMOVED,
    ReleaseState.DIFFERS: Role.CHANGED,
    ReleaseState.ABSENT: Role.CHANGED,
    ReleaseState.UNREACHABLE: Role.REMOVED,
}
GAP: Final = "  "
LEAST, WIDEST_NAME, WIDEST_CELL = 18, 20, 34
"""Columns of a cell, and of the names before them."""
ASCII: Final = {"✓": "+", "…": "...", "✗": "x", "·": "."}


def text(status: PromotionStatus, style: Style, now: datetime) -> str:
    """The matrix, what could not be seen, what to do next, and a summary."""
    return painted(_lines(status, style, now), style)


def _lines(status: PromotionStatus, style: Style, now: datetime) -> Iterator[Line]:
    yield (Span(_headline(status, style), Role.STRONG),)
    yield ()
    names = [columns(safe(row.name, style)) for row in status.rows]
    first = min(max(names, default=0), WIDEST_NAME)
    room = max(style.width - first, LEAST + len(GAP))
    together = max(1, room // (LEAST + len(GAP)))
    width = min(room // min(together, len(status.columns)) - len(GAP), WIDEST_CELL)
    layout = _Layout(style, first, width, now)
    for start in range(0, len(status.columns), together):
        yield from layout.band(status.columns[start : start + together], status.rows)
    yield from _unseen(status, style)
    following = words.next_steps(status)
    for number, command in enumerate(following):
        yield (Span("      " if number else "next: ", Role.FAINT), Span(safe(command, style)))
    if following:
        yield ()
    yield (Span(f"Status: {words.summary(status)}", Role.STRONG),)


def _headline(status: PromotionStatus, style: Style) -> str:
    arrow = f" {style.glyphs.arrow} "
    ways = "; ".join(arrow.join(way) for way in words.chains(status.columns))
    offline = ", from files alone" if status.offline else ""
    return safe(f"{status.project}: {ways}{offline}", style)


def _unseen(status: PromotionStatus, style: Style) -> Iterator[Line]:
    """Why columns have no state, and aliases no version."""
    for column in status.columns:
        reached = column.reached or status.offline
        for number, problem in enumerate(column.problems):
            head = (
                f"{column.environment}: " if reached else f"{column.environment} is unreachable: "
            )
            role = Role.CHANGED if reached else Role.REMOVED
            label = head if number == 0 else ""
            for line in wrapped(safe(label + problem.message, style), style.width):
                yield (Span(line, role),)
            if problem.hint:
                for line in wrapped(safe(f"hint: {problem.hint}", style), style.width - 2):
                    yield (Span(GAP), Span(line, Role.FAINT))
        if column.problems:
            yield ()


class _Layout:
    """How wide everything is. ``first`` columns for names, ``width`` for each cell."""

    def __init__(self, style: Style, first: int, width: int, now: datetime) -> None:
        self._style = style
        self._first = first
        self._width = width
        self._now = now

    def band(
        self, shown: Sequence[EnvironmentColumn], rows: Sequence[VariableRow]
    ) -> Iterator[Line]:
        """As many environments as fit beside each other."""
        heads = [Span(self._cut(column.environment), Role.STRONG) for column in shown]
        yield self._joined(Span(""), heads)
        for row in rows:
            cells = [row.cells.get(column.environment) for column in shown]
            if any(cells):
                yield from self._row(row.name, cells)
                yield ()

    def _row(self, name: str, cells: Sequence[StatusCell | None]) -> Iterator[Line]:
        label = safe(name, self._style)
        if columns(label) > self._first:
            yield (Span(label, Role.STRONG),)
            label = ""
        blocks = [list(self._cell(cell)) if cell else [] for cell in cells]
        for number in range(max(map(len, blocks))):
            spans = [block[number] if number < len(block) else () for block in blocks]
            head = Span(label if number == 0 else "", Role.STRONG)
            yield self._line(head, spans)

    def _cell(self, cell: StatusCell) -> Iterator[Line]:
        yield self._value(cell)
        for remark in (words.since(cell, self._now), words.provenance(cell)):
            yield from self._said(remark, Role.FAINT)
        for remark in words.remarks(cell):
            yield from self._said(remark, Role.TAKEN)

    def _value(self, cell: StatusCell) -> Line:
        if cell.value is None:
            return (Span(words.value_of(cell), Role.FAINT),)
        symbol = words.SYMBOLS[cell.state]
        if not self._style.unicode:
            symbol = ASCII.get(symbol, symbol)
        state = f"{GAP}{symbol} {cell.state}" if symbol else ""
        room = self._width - columns(state)
        value = shortened(
            safe(words.value_of(cell), self._style), room, self._style.glyphs.ellipsis
        )
        return (Span(value, Role.STRONG), Span(state, ROLES.get(cell.state, Role.FAINT)))

    def _said(self, text: str, role: Role) -> Iterator[Line]:
        for line in wrapped(safe(text, self._style), self._width) if text else ():
            yield (Span(line, role),)

    def _cut(self, text: str) -> str:
        return shortened(safe(text, self._style), self._width, self._style.glyphs.ellipsis)

    def _joined(self, label: Span, spans: Sequence[Span]) -> Line:
        return self._line(label, [(span,) for span in spans])

    def _line(self, label: Span, cells: Sequence[Line]) -> Line:
        line = [Span(padded(label.text, self._first), label.role)]
        for cell in cells:
            line += [Span(GAP), *cell]
            line.append(Span(" " * (self._width - sum(columns(span.text) for span in cell))))
        return tuple(line)


# Released values of all environments as JSON, in a stable shape.


def to_json(status: PromotionStatus) -> dict[str, Any]:
    """``{"project", "offline", "environments": [...], "variables": [...]}``."""
    return {
        "project": status.project,
        "offline": status.offline,
        "environments": [_environment(column, status.offline) for column in status.columns],
        "variables": [_variable(row) for row in status.rows],
    }


def _environment(column: EnvironmentColumn, offline: bool) -> dict[str, Any]:
    return {
        "name": column.environment,
        "promotes_from": column.promotes_from or None,
        "workspace": column.host or None,
        "reached": None if offline else column.reached,
        "problems": problems_to_json(column.problems)["diagnostics"],
    }


def _variable(row: VariableRow) -> dict[str, Any]:
    return {"name": row.name, "environments": {at: _cell(cell) for at, cell in row.cells.items()}}


def _cell(cell: StatusCell) -> dict[str, Any]:
    released = cell.released
    return {
        "value": cell.value,
        "released": cell.is_released,
        "state": str(cell.state),
        "previous": released.previous,
        "from": released.source or None,
        "alias": released.alias or None,
        "rolled_back": released.rolled_back,
        "at": released.at or None,
        "commit": released.commit or None,
        "verified": released.verified or None,
        "rejected": list(released.rejected),
        "ahead": [_distance(each) for each in cell.leads],
    }


def _distance(lead: Lead) -> dict[str, Any]:
    return {
        "of": lead.of,
        "is_alias": lead.alias,
        "value": lead.value,
        "by": lead.by,
        "rejected": lead.rejected,
    }
