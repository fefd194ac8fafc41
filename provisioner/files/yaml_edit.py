"""One value of a YAML file set, added or taken out, and no other byte changed. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from provisioner.errors import Location
from provisioner.files.yaml_layout import LayoutEntry, LayoutNode, Step, layout, node_at
from provisioner.files.yaml_text import entry, inline, item, scalar
from provisioner.model.field_rules import PLAIN, FieldRule
from provisioner.model.plan import ABSENT


class NotEditableError(Exception):
    """Why a place cannot be edited, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Edit:
    """``value`` belongs at ``at``, whose parent is there; ABSENT takes out what is there.

    An index behind the last one of a list adds an entry. ``rule`` is the parent's.
    """

    at: Location
    value: Any
    rule: FieldRule = PLAIN


def edited(content: str, edit: Edit) -> str:
    """``content`` with the edit in it. Raises NotEditableError."""
    root = layout(content)
    parent = node_at(root, edit.at[:-1])
    if parent is None or not parent.is_collection:
        raise NotEditableError("it has an anchor that other places use")
    entry = parent.entry(edit.at[-1])
    if edit.value is ABSENT:
        return _without(content, parent, edit)
    if entry is None:
        return _added(content, parent, edit)
    if entry.value.anchor or entry.value.style == "alias":
        raise NotEditableError("it has an anchor that other places use")
    return _replaced(content, parent, entry, edit)


def _replaced(content: str, parent: LayoutNode, entry: LayoutEntry, edit: Edit) -> str:
    node = entry.value
    if not isinstance(edit.value, dict | list) and node.style in ("plain", '"', "'"):
        if node.start == node.end:  # Nothing is written behind the name.
            return _spliced(content, node.end, node.end, f" {scalar(edit.value)}")
        return _spliced(content, node.start, node.end, _styled(edit.value, node.style, parent.flow))
    if parent.flow:
        return _spliced(content, node.start, node.end, inline(edit.value))
    lines = _lines(edit.at[-1], edit)
    if isinstance(edit.at[-1], int):
        lines[0] = lines[0].removeprefix("- ")
        column = _column(content, _dash(content, entry.start))
    else:
        column = _column(content, entry.start)
    return _spliced(content, entry.start, entry.end, _indented(lines, column))


def _added(content: str, parent: LayoutNode, edit: Edit) -> str:
    if not parent.entries:
        made = [edit.value] if parent.style == "list" else {edit.at[-1]: edit.value}
        return _spliced(content, parent.begin, parent.end, inline(made))
    before = _predecessor(parent, edit)
    if parent.flow:
        name = "" if parent.style == "list" else f"{scalar(edit.at[-1])}: "
        text = f"{name}{inline(edit.value)}"
        if before is None:
            return _spliced(content, parent.entries[0].start, parent.entries[0].start, f"{text}, ")
        return _spliced(content, before.end, before.end, f", {text}")
    first = parent.entries[0].start
    column = _column(content, _dash(content, first) if parent.style == "list" else first)
    text = _indented(_lines(edit.at[-1], edit), column)
    if before is None:
        return _spliced(content, first, first, f"{text}\n{' ' * column}")
    end = _end_of_line(content, before.end)
    return _spliced(content, end, end, f"\n{' ' * column}{text}")


def _predecessor(parent: LayoutNode, edit: Edit) -> LayoutEntry | None:
    """The entry that a new one stands behind: the last one that the docs name before it."""
    order = {name: place for place, name in enumerate(edit.rule.fields)}
    place = order.get(str(edit.at[-1]), len(order))
    if parent.style == "list" or place == len(order):
        return parent.entries[-1]
    known = [entry for entry in parent.entries if order.get(entry.name, len(order)) < place]
    return known[-1] if known else None


def _without(content: str, parent: LayoutNode, edit: Edit) -> str:
    step = edit.at[-1]
    entry = parent.entry(step)
    if entry is None:
        raise NotEditableError("other places use this value")
    if len(parent.entries) == 1:
        empty: Any = [] if parent.style == "list" else {}
        return edited(content, Edit(edit.at[:-1], empty))
    index = parent.entries.index(entry)
    if parent.flow:
        start, end = entry.start, entry.end
        if index:
            start = parent.entries[index - 1].end
        else:
            end = parent.entries[1].start
        return _spliced(content, start, end, "")
    begin = content.rfind("\n", 0, entry.start) + 1
    head = content[begin : entry.start]
    if parent.style == "map" and head.strip():  # The first field behind a dash.
        return _spliced(content, entry.start, parent.entries[index + 1].start, "")
    return _spliced(content, begin, _end_of_line(content, entry.end) + 1, "")


def _lines(step: Step, edit: Edit) -> list[str]:
    if isinstance(step, int):
        return item(edit.value, FieldRule(fields=edit.rule.fields))
    return entry(step, edit.value, edit.rule.fields.get(step, PLAIN))


def _indented(lines: list[str], column: int) -> str:
    return f"\n{' ' * column}".join(lines)


def _styled(value: Any, style: str, flow: bool) -> str:
    """``value`` in the style that stands there, where it can be."""
    if not isinstance(value, str):
        return json.dumps(value)
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    text = inline(value) if flow else scalar(value)
    return f'"{text}"' if style == '"' and not text.startswith('"') else text


def _spliced(content: str, start: int, end: int, text: str) -> str:
    if "\r\n" in content:
        text = text.replace("\n", "\r\n")
    return f"{content[:start]}{text}{content[end:]}"


def _column(content: str, place: int) -> int:
    return place - (content.rfind("\n", 0, place) + 1)


def _dash(content: str, place: int) -> int:
    """Where the dash is before the entry of a list at ``place``."""
    return content.rfind("-", 0, place)


def _end_of_line(content: str, place: int) -> int:
    end = content.find("\n", place)
    if end < 0:
        return len(content)
    return end - 1 if content[end - 1] == "\r" and end > place else end
