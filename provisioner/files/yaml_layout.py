"""How a YAML file is laid out: which part stands where, in which style.

For files that ``manifests.source`` has read before: sizes and depths are bounded there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from provisioner.errors import Location

Step = str | int


# Without slots: made by the thousand, and looked at once.
@dataclass(frozen=True)
class LayoutNode:
    """A value from ``start`` to ``end``, offsets in characters.

    ``style`` is ``map``, ``list`` or ``alias``, or how a scalar is written: ``plain``, or its
    first sign. ``flow``: between brackets. ``anchor``: other places may refer to it; then
    ``begin`` is where its own text begins, behind the name.
    """

    style: str
    start: int
    end: int
    begin: int
    flow: bool = False
    anchor: bool = False
    entries: tuple[LayoutEntry, ...] = ()

    @property
    def is_collection(self) -> bool:
        return self.style in ("map", "list")

    @property
    def is_block(self) -> bool:
        return self.is_collection and not self.flow and bool(self.entries)

    def entry(self, step: Step) -> LayoutEntry | None:
        """The entry of a mapping or list by name or index."""
        if isinstance(step, int):
            return self.entries[step] if step < len(self.entries) else None
        return next((entry for entry in self.entries if entry.name == step), None)

    def referring(self) -> bool:
        """Whether anything in it is named, or is what is named elsewhere."""
        inner = any(entry.value.referring() for entry in self.entries)
        return self.anchor or self.style == "alias" or inner


@dataclass(frozen=True)
class LayoutEntry:
    """One entry of a collection; ``start`` is that of its key or of its value."""

    name: str
    start: int
    value: LayoutNode

    @property
    def end(self) -> int:
        return self.value.end


def layout(content: str) -> LayoutNode:
    """The layout of the one document in ``content``, which is known to be good YAML."""
    from yaml._yaml import CParser
    from yaml.events import DocumentStartEvent

    parser = CParser(content)
    events = iter(parser.get_event, None)
    for event in events:
        if isinstance(event, DocumentStartEvent):
            return _node(next(events), events, content)
    raise ValueError("an empty document has no layout")


def node_at(root: LayoutNode, at: Location) -> LayoutNode | None:
    """The node at ``at``; None where it is not written there itself."""
    node = root
    for step in at:
        entry = node.entry(step) if node.is_collection else None
        if entry is None:
            return None
        node = entry.value
    return node


def _node(event: Any, events: Iterator[Any], content: str) -> LayoutNode:
    kind = type(event).__name__
    start, end = event.start_mark.index, event.end_mark.index
    if kind == "AliasEvent":
        return LayoutNode("alias", start, end, start)
    anchored = event.anchor is not None
    if kind == "ScalarEvent":
        begin = _behind_anchor(content, start, end) if anchored else start
        style = event.style or "plain"
        if style in "|>":
            end = _end_of_block(content, begin, end)
        return LayoutNode(style, start, end, begin, anchor=anchored)
    is_map = kind == "MappingStartEvent"
    style = "map" if is_map else "list"
    entries, end_of_flow = _entries(is_map, events, content)
    if event.flow_style:
        begin = _behind_anchor(content, start, len(content)) if anchored else start
        return LayoutNode(style, start, end_of_flow, begin, True, anchored, entries)
    begin = entries[0].start if entries else end
    last = entries[-1].end if entries else end
    return LayoutNode(style, start, last, begin, False, anchored, entries)


def _entries(
    is_map: bool, events: Iterator[Any], content: str
) -> tuple[tuple[LayoutEntry, ...], int]:
    """The entries up to the end of the collection, and where that is."""
    entries: list[LayoutEntry] = []
    for event in events:
        if type(event).__name__ in ("MappingEndEvent", "SequenceEndEvent"):
            return tuple(entries), event.end_mark.index
        first = _node(event, events, content)
        value = _node(next(events), events, content) if is_map else first
        entries.append(
            LayoutEntry(getattr(event, "value", "") if is_map else "", first.start, value)
        )
    raise ValueError("a collection without an end")


def _behind_anchor(content: str, start: int, end: int) -> int:
    """Where the text of what is named at ``start`` begins."""
    place = start
    while place < end and not content[place].isspace():
        place += 1
    while place < end and content[place].isspace():
        place += 1
    return place


def _end_of_block(content: str, begin: int, end: int) -> int:
    """Where the text of a block scalar ends, without empty lines that mean nothing."""
    head = content[begin : content.find("\n", begin)].partition("#")[0]
    text = content[begin:end]
    if "+" in head:
        return begin + len(text.removesuffix("\n"))
    return begin + len(text.rstrip())
