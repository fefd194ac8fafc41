"""The changes of a step as rows: a label, what is said of it, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

from provisioner.model.paths import Key, Path, path_text
from provisioner.model.plan import ABSENT, Action, FieldChange, Step
from provisioner.model.secret import reference_in
from provisioner.rendering.style import Role, Style
from provisioner.rendering.values import Sides, safe, value_text

BAR_WIDTH = 10
SHARE = "traffic_percentage"
INLINE_WIDTH, INLINE_FIELDS = 48, 4
"""Mappings that are not larger than this stand on one line."""

ROLES = {
    Action.KEEP: Role.FAINT,
    Action.CREATE: Role.ADDED,
    Action.REPLACE: Role.REMOVED,
    Action.DELETE: Role.REMOVED,
    Action.BLOCKED: Role.REMOVED,
}


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One line below a step.

    ``values`` are one text, or two with an arrow between them. ``bar`` stands before them
    and is never cut.
    """

    label: str
    values: tuple[str, ...]
    reason: str = ""
    role: Role = Role.CHANGED
    bar: str = ""


@dataclass(frozen=True, slots=True)
class PlanBlock:
    """Rows whose values stand in one column, below a heading if they have one."""

    rows: tuple[PlanRow, ...]
    heading: str = ""
    reason: str = ""
    role: Role = Role.PLAIN


def blocks_of(step: Step, style: Style) -> Iterator[PlanBlock]:
    """The changes that matter; with ``style.verbose`` also what is left as it is."""
    shown = [each for each in step.changes if _is_shown(each, step, style)]
    for place, changes in groupby(shown, key=lambda change: _place(change, style)):
        if place.is_routes:
            rows = tuple(_bar_row(change, style) for change in changes)
            yield PlanBlock(rows, _label(place.path, style))
        elif place.is_entry:
            yield from (_entry(change, style) for change in changes)
        else:
            yield PlanBlock(tuple(_row(change, style) for change in changes))


def _is_shown(change: FieldChange, step: Step, style: Style) -> bool:
    if change.path == ("name",) and change.action is Action.CREATE and change.after == step.name:
        return False  # It stands in the header.
    return style.verbose or change.action is not Action.KEEP


class _Place(NamedTuple):
    """What changes have in common that stand in one block."""

    path: Path
    is_routes: bool = False
    is_entry: bool = False


def _place(change: FieldChange, style: Style) -> _Place:
    routes = _routes(change)
    if routes:
        return _Place(routes, is_routes=True)
    if _large_entry(change, style):
        return _Place(change.path, is_entry=True)
    # Deep paths stand in columns of their own, so that they do not pull the short ones apart.
    names = [segment for segment in change.path if isinstance(segment, str)]
    return _Place(change.path[:1] if len(names) > 2 else ())


def _entry(change: FieldChange, style: Style) -> PlanBlock:
    """A mapping that comes or goes, field by field."""
    goes = change.after is ABSENT
    role = Role.REMOVED if goes else Role.ADDED
    rows = tuple(
        PlanRow(_label(path, style), (value_text(value, style),), role=role)
        for path, value in _large_entry(change, style)
    )
    heading = _label(change.path, style) + (" (removed)" if goes else "")
    return PlanBlock(rows, heading, _why(change), role if goes else Role.PLAIN)


def _row(change: FieldChange, style: Style) -> PlanRow:
    role = ROLES.get(change.action, Role.CHANGED)
    return PlanRow(_label(change.path, style), _values(change, style), _why(change), role)


def _why(change: FieldChange) -> str:
    """The reason; what the files' change did not bring about is said to be drift."""
    return "; ".join(word for word in ("drift" if change.drift else "", change.reason) if word)


def _values(change: FieldChange, style: Style) -> tuple[str, ...]:
    before, after = value_text(change.before, style), value_text(change.after, style)
    if change.action is Action.KEEP:
        return (f"{before} is kept",)
    if change.before == change.after:
        return ("sent again",)
    if change.action is Action.CREATE or (change.before is ABSENT and reference_in(change.after)):
        return (after,)
    return Sides(before, "(removed)" if change.after is ABSENT else after)


def _large_entry(change: FieldChange, style: Style) -> list[tuple[Path, Any]]:
    """The fields of a mapping that comes or goes and is too large for one line."""
    sides = [side for side in (change.before, change.after) if side is not ABSENT]
    entry = sides[0] if len(sides) == 1 else None
    is_large = isinstance(entry, Mapping) and change.action is not Action.KEEP
    if not is_large or reference_in(entry) is not None:
        return []
    fields = list(_leaves(entry, ()))
    small = len(fields) <= INLINE_FIELDS and all(len(path) == 1 for path, _ in fields)
    if small and len(value_text(entry, style)) <= INLINE_WIDTH:
        return []
    return fields


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if not isinstance(value, Mapping) or not value or reference_in(value) is not None:
        yield path, value
        return
    for name, inner in value.items():
        yield from _leaves(inner, (*path, name))


def _label(path: Path, style: Style) -> str:
    # An entry without a name is the only one; within a key the quotes would be escaped.
    return safe(path_text(path).replace('[""]', "[]"), style)


def _routes(change: FieldChange) -> Path:
    """The path of the routes that ``change`` moves traffic between; () for other changes."""
    if change.action is Action.KEEP or _shares(change) is None:
        return ()
    return change.path[:-2] if change.path[-1] == SHARE else change.path[:-1]


def moved_traffic(step: Step) -> dict[str, tuple[int, int]]:
    """The percentage before and after of each entry of ``step`` whose traffic changes."""
    changes = (change for change in step.changes if _routes(change))
    return {_entry_key(change).value: _shares(change) or (0, 0) for change in changes}


def _entry_key(change: FieldChange) -> Key:
    return next(segment for segment in reversed(change.path) if isinstance(segment, Key))


def _shares(change: FieldChange) -> tuple[int, int] | None:
    """The percentage before and after, 0 where there is no route; None for other changes."""
    entry = change.path[-1]
    if not isinstance(entry, Key) and not (entry == SHARE and len(change.path) > 1):
        return None
    before, after = (_share(side, whole=entry != SHARE) for side in (change.before, change.after))
    return None if before is None or after is None else (before, after)


def _share(value: Any, *, whole: bool) -> int | None:
    if value is ABSENT:
        return 0
    if whole:
        # A route that holds more than its entity and its share is not just a bar.
        route = isinstance(value, Mapping) and SHARE in value and len(value) == 2
        value = value[SHARE] if route else None
    percentage = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100
    return value if percentage else None


def _bar_row(change: FieldChange, style: Style) -> PlanRow:
    before, after = _shares(change) or (0, 0)
    entry = _entry_key(change)
    arrow = style.glyphs.arrow
    text = f"{after:3} %" if change.before is ABSENT else f"{before:3} {arrow} {after} %"
    removed = " (removed)" if change.after is ABSENT else ""
    role = Role.ADDED if after > before else Role.REMOVED
    return PlanRow(
        safe(entry.value, style), (text + removed,), _why(change), role, bar(after, style)
    )


def bar(percentage: int, style: Style) -> str:
    """``percentage`` of traffic as a bar: empty for nothing alone, and full for all alone."""
    full = min(max(round(percentage * BAR_WIDTH / 100), 1), BAR_WIDTH - 1)
    full = {0: 0, 100: BAR_WIDTH}.get(percentage, full)
    return style.glyphs.full * full + style.glyphs.empty * (BAR_WIDTH - full)
