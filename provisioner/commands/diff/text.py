"""Two environments side by side as people read it: accidents first, each side with its origin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioner.commands.diff.result import (
    EnvironmentDiff,
    FieldDifference,
    OnlyHere,
    Purpose,
    ResourceDifference,
    Side,
)
from provisioner.errors.wording import counted
from provisioner.model.paths import path_text
from provisioner.model.plan import ABSENT
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.values import Sides, columns, fitted, padded, safe, shortened, value_text

SHOWN = {Purpose.BY_ACCIDENT: Role.REMOVED, Purpose.ON_PURPOSE: Role.TAKEN}
INDENT = "    "
GAP = "  "
LEAST_VALUE = 16


def text(difference: EnvironmentDiff, style: Style) -> str:
    """The whole comparison; it ends with the summary."""
    return painted(_lines(difference, style), style)


def summary(difference: EnvironmentDiff) -> str:
    """``2 fields by accident, 3 on purpose; 1 resource in one only; 4 resources are the same``."""
    by_accident = counted(difference.fields(Purpose.BY_ACCIDENT), "field")
    parts = [f"{by_accident} by accident, {difference.fields(Purpose.ON_PURPOSE)} on purpose"]
    if difference.only:
        parts.append(f"{counted(len(difference.only), 'resource')} in one only")
    parts.append(f"{counted(difference.same, 'resource')} the same")
    if difference.absent:
        parts.append(f"{counted(difference.absent, 'resource')} in neither workspace")
    if difference.fields(Purpose.LEFT_ALONE):
        parts.append(f"{counted(difference.fields(Purpose.LEFT_ALONE), 'field')} left alone")
    return "; ".join(parts)


def _lines(difference: EnvironmentDiff, style: Style) -> Iterator[Line]:
    left, right = (safe(name, style) for name in difference.environments)
    how = "as live in the workspaces" if difference.hosts else "as declared in the files"
    yield (Span(f"{safe(difference.project, style)}: {left} and {right}, {how}", Role.STRONG),)
    for name, host in zip((left, right), difference.hosts or (), strict=False):
        yield (Span(f"{INDENT}{name} is {safe(host, style)}", Role.FAINT),)
    yield ()
    for only in difference.only:
        yield from _only(only, style)
        yield ()
    for resource in difference.differing:
        shown = list(_resource(resource, difference.environments, style))
        if len(shown) > 1:
            yield from shown
            yield ()
    yield (Span(f"Diff: {summary(difference)}", Role.STRONG),)


def _only(resource: OnlyHere, style: Style) -> Iterator[Line]:
    head = Span(f"only in {safe(resource.environment, style)}", SHOWN[resource.purpose])
    address, name = safe(str(resource.address), style), safe(f"({resource.name})", style)
    yield (head, Span(GAP), Span(address, Role.STRONG), Span(GAP), Span(name, Role.FAINT))
    yield (Span(f"{INDENT}{safe(resource.origin, style)}", Role.FAINT),)
    yield (Span(f"{INDENT}{resource.purpose}: {safe(resource.reason, style)}"),)


def _resource(
    resource: ResourceDifference, environments: tuple[str, str], style: Style
) -> Iterator[Line]:
    names = " | ".join(dict.fromkeys(safe(name, style) for name in resource.names))
    address = safe(str(resource.address), style)
    yield (Span(address, Role.STRONG), Span(GAP), Span(f"({names})", Role.FAINT))
    for purpose, role in SHOWN.items():
        fields = resource.of(purpose)
        if fields:
            yield (Span(f"{GAP}{purpose}", role),)
        for field in fields:
            yield from _field(field, environments, style)


def _field(field: FieldDifference, environments: tuple[str, str], style: Style) -> Iterator[Line]:
    label = safe(path_text(field.path).replace('[""]', "[]"), style)
    reason = f"{GAP}({safe(field.reason, style)})" if field.reason else ""
    yield (Span(f"{INDENT}{label}"), Span(reason, Role.FAINT))
    names = [safe(name, style) for name in environments]
    sides = (field.left, field.right)
    behind = [_behind(side, style) for side in sides]
    width = max(map(columns, names))
    room = style.width - len(INDENT) - width - 3 * len(GAP) - max(map(columns, behind))
    room = max(room, LEAST_VALUE)
    values = _cut(Sides(*(_value(side, style) for side in sides)), room, style)
    wide = max(map(columns, values))
    for name, value, remark in zip(names, values, behind, strict=True):
        before = f"{INDENT}{GAP}{padded(name, width)}{GAP}"
        yield (Span(before, Role.FAINT), Span(padded(value, wide)), Span(GAP + remark, Role.FAINT))


def _value(side: Side, style: Style) -> str:
    if side.value is ABSENT and side.note:
        return safe(side.note, style)
    return value_text(side.value, style)


def _behind(side: Side, style: Style) -> str:
    """Where the value is from, and what it is made of."""
    words = ", ".join(dict.fromkeys(f"${{{word}}}" for word in side.words))
    where = safe(" ".join(filter(None, (side.origin, words))), style)
    if side.value is ABSENT and side.declared is ABSENT:
        return where
    if not side.note:
        return where
    declared = shortened(value_text(side.declared, style), LEAST_VALUE, style.glyphs.ellipsis)
    return GAP.join(filter(None, (f"{safe(side.note, style)}: {declared}", where)))


def _cut(sides: Sides, room: int, style: Style) -> Sides:
    """Each in at most ``room`` columns, and so that they still differ."""
    dots = style.glyphs.ellipsis
    cut = Sides(*(shortened(side, room, dots) for side in sides))
    return cut if cut.before != cut.after else fitted(sides, 2 * room, dots)


FORMAT_VERSION = 1


def to_json(difference: EnvironmentDiff) -> dict[str, Any]:
    """The comparison; what one side does not have has no ``value`` there."""
    left, right = difference.environments
    hosts = difference.hosts or ("", "")
    return {
        "format_version": FORMAT_VERSION,
        "project": difference.project,
        "live": difference.hosts is not None,
        "left": {"environment": left, **({"host": hosts[0]} if hosts[0] else {})},
        "right": {"environment": right, **({"host": hosts[1]} if hosts[1] else {})},
        "summary": {
            "by_accident": difference.fields(Purpose.BY_ACCIDENT),
            "on_purpose": difference.fields(Purpose.ON_PURPOSE),
            "left_alone": difference.fields(Purpose.LEFT_ALONE),
            "only_in_one": len(difference.only),
            "same": difference.same,
            "in_neither": difference.absent,
        },
        "only": [_json_only(resource) for resource in difference.only],
        "resources": [_json_resource(resource) for resource in difference.differing],
    }


def _json_only(resource: OnlyHere) -> dict[str, Any]:
    return {
        "address": str(resource.address),
        "name": resource.name,
        "environment": resource.environment,
        "origin": resource.origin,
        "purpose": _word(resource.purpose),
        "reason": resource.reason,
    }


def _json_resource(resource: ResourceDifference) -> dict[str, Any]:
    left, right = resource.names
    return {
        "address": str(resource.address),
        "names": {"left": left, "right": right},
        "differences": [_json_field(field) for field in resource.fields],
    }


def _json_field(field: FieldDifference) -> dict[str, Any]:
    return {
        "path": path_text(field.path),
        "purpose": _word(field.purpose),
        "reason": field.reason,
        "left": _side(field.left),
        "right": _side(field.right),
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        **({} if side.value is ABSENT else {"value": side.value}),
        **({} if side.declared is ABSENT else {"declared": side.declared}),
        "origin": side.origin,
        "references": list(side.words),
        "note": side.note,
    }


def _word(purpose: Purpose) -> str:
    return purpose.value.replace(" ", "_")
