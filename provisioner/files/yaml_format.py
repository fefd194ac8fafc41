"""A YAML file with its fields in the order of the docs and two blanks a level. Pure.

Comments go where the part goes that they stand above or behind; values stay as they are
written. A mapping with an anchor or an alias in it keeps its order: names come before uses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from provisioner.files.yaml_layout import LayoutEntry, LayoutNode, layout
from provisioner.model.field_rules import PLAIN, FieldRule

ANY: Final = "*"
"""In a free mapping the rule for what any name stands for."""
FREE: Final = "x-"
STEP: Final = 2

_BREAK = re.compile(r"\r\n|\r")


class NotArrangeableError(Exception):
    """Something stands between two fields that is neither a comment nor blank."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """An entry with the lines that belong to it."""

    name: str
    above: tuple[str, ...]
    own: tuple[str, ...]
    below: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        return (*self.above, *self.own, *self.below)


def arranged(content: str, rule: FieldRule) -> str:
    """``content``, which is good YAML, as it is to be laid out. Raises NotArrangeableError."""
    text = _BREAK.sub("\n", content)
    root = layout(text)
    if not root.is_block:
        return content
    page = _Page(text)
    first, last = page.line_of(root.entries[0].start), page.line_of(root.end)
    head = [line.rstrip() for line in page.lines[:first]]
    foot = [line.rstrip() for line in page.lines[last + 1 :]]
    body = page.collection(root, rule, 0)
    made = "\n".join([*head, *body, *foot]).rstrip("\n") + "\n"
    return made.replace("\n", "\r\n") if "\r\n" in content else made


def inner(rule: FieldRule, name: str) -> FieldRule:
    """The rule of the field ``name``; of an entry of a list for ``""``."""
    if not name:
        return FieldRule(fields=rule.fields)
    return rule.fields.get(name) or rule.fields.get(ANY) or PLAIN


class _Page:
    """A text by lines; every ``indent`` is the number of blanks that is wanted."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")

    def line_of(self, place: int) -> int:
        """The number of the line, from 0, that holds ``place``."""
        return self.text.count("\n", 0, place)

    def collection(self, node: LayoutNode, rule: FieldRule, indent: int) -> list[str]:
        """The lines of a block collection, from its first entry to its last."""
        #   # head                 name: chat       <- chunk `name`
        #   config:               config:          <- chunk `config`, with its comments
        #     # about a              # about a
        #     a: 1        ->         a: 1
        #     # end of config        # end of config
        #   name: chat
        # Each entry becomes a chunk: comments above it, its own lines, and the comments below that
        # are indented deeper than the next entry, so that they end its block. Chunks are sorted,
        # not lines.
        starts = [self._begin(node, entry) for entry in node.entries]
        delta = indent - self._column(starts[0])
        chunks: list[_Chunk] = []
        for start, entry in zip(starts, node.entries, strict=True):
            above: tuple[str, ...] = ()
            if chunks:
                gap = self._gap(self.line_of(node.entries[len(chunks) - 1].end), start)
                below, above = _split(gap, self._column(start))
                before = node.entries[len(chunks) - 1]
                moved = tuple(
                    _moved(line, self._delta(before, line, (delta, indent))) for line in below
                )
                chunks[-1] = replace(chunks[-1], below=moved)
            over, own = self._own(entry, inner(rule, entry.name), (start, indent))
            lines = tuple(_indented(line, indent) for line in (*above, *over))
            chunks.append(_Chunk(entry.name, lines, own))
        return [line for chunk in _sorted(chunks, node, rule) for line in chunk.lines]

    def _delta(self, entry: LayoutEntry, line: str, outside: tuple[int, int]) -> int:
        """How far ``line`` goes with the innermost block of ``entry`` that it ends."""
        (delta, indent), node = outside, entry.value
        while node.is_block:
            column = self._column(self._begin(node, node.entries[0]))
            indent += STEP
            if _depth(line) < column:
                break
            delta, node = indent - column, node.entries[-1].value
        return delta

    def _own(
        self, entry: LayoutEntry, rule: FieldRule, where: tuple[int, int]
    ) -> tuple[Sequence[str], tuple[str, ...]]:
        """The lines of an entry, and comments of its inside that have to go above it."""
        start, indent = where
        node = entry.value
        if not node.is_block:
            return (), self._short(entry, rule, where)
        line = self.line_of(start)
        if self.line_of(node.begin) > line:
            gap = self._gap(line, self._begin(node, node.entries[0]))
            above = [_indented(line, indent + STEP) for line in gap]
            head = " " * indent + self.lines[line][self._column(start) :].rstrip()
            return (), (head, *above, *self.collection(node, rule, indent + STEP))
        # `key: - a` on one line, or an anchor before a block, has no form that is known to be
        # right.
        if entry.name or node.start != node.begin:
            raise NotArrangeableError
        lines = self.collection(node, rule, indent + STEP)
        first = next(at for at, line in enumerate(lines) if line and not _is_comment(line))
        head = f"{' ' * indent}- {lines[first].lstrip()}"
        return [line for line in lines[:first] if line], (head, *lines[first + 1 :])

    def _short(
        self, entry: LayoutEntry, rule: FieldRule, where: tuple[int, int]
    ) -> tuple[str, ...]:
        """The lines of an entry whose value stands as it is written."""
        start, indent = where
        node = entry.value
        value = self._flow(node, rule) if node.flow else self.text[node.start : node.end]
        end = self.text.find("\n", node.end)
        tail = self.text[node.end : end if end >= 0 else len(self.text)]
        first, *more = f"{self.text[start : node.start]}{value}{tail}".split("\n")
        delta = indent - self._column(start)
        # In a block text a blank at the end of a line is part of the value.
        kept = node.style in "|>"
        moved = (_moved(line, delta) if kept else _moved(line.rstrip(), delta) for line in more)
        return (" " * indent + first.rstrip(), *moved)

    def _flow(self, node: LayoutNode, rule: FieldRule) -> str:
        """A collection between brackets; what is between its entries stays where it is."""
        if not (node.flow and node.entries):
            return self.text[node.start : node.end]
        texts = [self._flow_entry(entry, rule) for entry in node.entries]
        between = [
            self.text[entry.end : other.start]
            for entry, other in zip(node.entries, node.entries[1:], strict=False)
        ]
        # `{b: 1, a: 2}` is sorted; over several lines a comment would lose its entry.
        if not any("#" in gap or "\n" in gap for gap in between):
            names = [entry.name for entry in node.entries]
            texts = [texts[at] for at in _order(names, node, rule)]
        head = self.text[node.start : node.entries[0].start]
        tail = self.text[node.entries[-1].end : node.end]
        pairs = zip(texts, [*between, ""], strict=True)
        return head + "".join(text + gap for text, gap in pairs) + tail

    def _flow_entry(self, entry: LayoutEntry, rule: FieldRule) -> str:
        head = self.text[entry.start : entry.value.start]
        return head + self._flow(entry.value, inner(rule, entry.name))

    def _gap(self, line: int, start: int) -> list[str]:
        """The lines between ``line`` and the one of ``start``."""
        lines = [text.rstrip() for text in self.lines[line + 1 : self.line_of(start)]]
        # A document marker or a tag on a line of its own: moving its neighbours could change it.
        if any(line and not _is_comment(line) for line in lines):
            raise NotArrangeableError
        return lines

    def _begin(self, node: LayoutNode, entry: LayoutEntry) -> int:
        """Where an entry begins: a list's with its dash."""
        return entry.start if node.style == "map" else self.text.rfind("-", 0, entry.start)

    def _column(self, place: int) -> int:
        return place - (self.text.rfind("\n", 0, place) + 1)


def _sorted(chunks: list[_Chunk], node: LayoutNode, rule: FieldRule) -> list[_Chunk]:
    made = [chunks[at] for at in _order([chunk.name for chunk in chunks], node, rule)]
    above = list(made[0].above)
    while above and not above[0]:
        del above[0]
    return [replace(made[0], above=tuple(above)), *made[1:]]


def _order(names: list[str], node: LayoutNode, rule: FieldRule) -> list[int]:
    """The positions of ``names`` in the order of the docs."""
    positions = list(range(len(names)))
    if (
        node.style != "map"
        or rule.mapping
        or not rule.fields
        or any(entry.value.referring() for entry in node.entries)
    ):
        return positions
    known = {name: place for place, name in enumerate(rule.fields)}
    # What anchors need stands before what uses it.
    places = [-1 if name.startswith(FREE) else known.get(name, len(known)) for name in names]
    return sorted(positions, key=places.__getitem__)


def _split(gap: list[str], column: int) -> tuple[list[str], tuple[str, ...]]:
    """What ends the entry before, as its indentation says, and what is above the next one."""
    deeper = [at for at, line in enumerate(gap) if line and _depth(line) > column]
    end = deeper[-1] + 1 if deeper else 0
    return gap[:end], tuple(gap[end:])


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _indented(line: str, indent: int) -> str:
    return " " * indent + line.strip() if line.strip() else ""


def _moved(line: str, delta: int) -> str:
    if not line.strip():
        return line if line else ""
    depth = _depth(line)
    # A comment may stand further left than its block: it goes no further than the margin.
    return " " * max(0, depth + delta) + line[depth:]
