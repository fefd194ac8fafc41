"""How a text is to look: coloured spans laid out first, painted last. Pure.

Colour is never the only carrier of a meaning: without it the same symbols and words stand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Role(Enum):
    """What a span is, as the parameters of the ANSI sequence that shows it."""

    PLAIN = ""
    STRONG = "1"
    FAINT = "2"
    ADDED = "32"
    CHANGED = "33"
    REMOVED = "31"
    TAKEN = "36"
    ODD = "35"


class Span(NamedTuple):
    """A piece of a line. It holds nothing that could move a cursor.

    ``link`` is an address of ours that a terminal with colours makes clickable (OSC 8).
    """

    text: str
    role: Role = Role.PLAIN
    link: str = ""


Line = tuple[Span, ...]


class Glyphs(NamedTuple):
    """The signs that not every terminal can show."""

    arrow: str
    ellipsis: str
    replace: str
    full: str
    empty: str


UNICODE = Glyphs(arrow="→", ellipsis="…", replace="±", full="█", empty="░")
ASCII = Glyphs(arrow="->", ellipsis="...", replace="-+", full="#", empty=".")


@dataclass(frozen=True, slots=True)
class Style:
    """``width`` in columns. ``verbose`` also shows what is left as it is, and why."""

    colour: bool = False
    unicode: bool = True
    width: int = 100
    verbose: bool = False

    @property
    def glyphs(self) -> Glyphs:
        """The signs to use."""
        return UNICODE if self.unicode else ASCII


def painted(lines: Iterable[Line], style: Style) -> str:
    """``lines`` as one text, each ended by a line break."""
    return "".join(f"{_line(line, style)}\n" for line in lines)


def _line(line: Line, style: Style) -> str:
    if style.colour:
        return "".join(map(_coloured, line))
    return "".join(span.text for span in line).rstrip()


def _coloured(span: Span) -> str:
    text = f"\x1b[{span.role.value}m{span.text}\x1b[0m" if span.role.value else span.text
    return f"\x1b]8;;{span.link}\x1b\\{text}\x1b]8;;\x1b\\" if span.link else text
