"""Parts of a text within a number of bytes: in full, as a line, as a name, or counted. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

NAMES_SHARE: Final = 0.5
"""How much of the room may go to names of what is not vital, before anything is told in full."""

ROOM_FOR_NOTE: Final = 300
ABSENT, NAME, LINE, FULL = range(4)


@dataclass(frozen=True, slots=True)
class ReportPart:
    """Something to tell, in three lengths. ``vital``: to be named before all others are.

    ``group`` is the heading above it, as Markdown; ``full`` and ``line`` are blocks of
    their own, ``name`` stands in a list of names that begins with their ``family``.
    """

    group: str
    full: str
    line: str
    name: str
    family: str = ""
    vital: bool = False

    def size(self, level: int) -> int:
        """Bytes that this part takes at ``level``, with what separates it from the next."""
        if level == ABSENT:
            return 0
        return len((self.name, self.line, self.full)[level - 1].encode()) + 2


def fitted(parts: Sequence[ReportPart], budget: int) -> str:
    """All ``parts`` in their order, as long as there is room; the first ones keep the most."""
    levels = _levels(parts, budget - ROOM_FOR_NOTE - _headings(parts))
    blocks: list[str] = []
    done = 0
    for group, members in groupby(parts, key=lambda part: part.group):
        there = list(members)
        blocks.append(f"### {group} ({len(there)})\n")
        blocks += _group(there, levels[done : done + len(there)])
        done += len(there)
    shortened = sum(level < FULL for level in levels)
    if shortened:
        blocks.append(_note(shortened, levels.count(ABSENT)))
    return "\n".join(blocks)


def _headings(parts: Sequence[ReportPart]) -> int:
    # Each with the line that counts what is not even named, and with its families.
    headings = {text for part in parts for text in (part.group, part.group + part.family)}
    return sum(len(text.encode()) + 60 for text in headings)


def _levels(parts: Sequence[ReportPart], budget: int) -> list[int]:
    levels, used = [ABSENT] * len(parts), 0
    for target, room, vital in (
        (NAME, budget, True),
        (NAME, int(budget * NAMES_SHARE), False),
        (LINE, budget, False),
        (FULL, budget, False),
    ):
        for index, part in enumerate(parts):
            if levels[index] != target - 1 or (vital and not part.vital):
                continue
            more = part.size(target) - part.size(target - 1)
            if used + more > room:
                break
            levels[index], used = target, used + more
    return levels


def _group(parts: Sequence[ReportPart], levels: Sequence[int]) -> Iterator[str]:
    at = list(zip(parts, levels, strict=True))
    yield from (part.full for part, level in at if level == FULL)
    lines = [part.line for part, level in at if level == LINE]
    if lines:
        yield "\n".join(lines) + "\n"
    named = [part for part, level in at if level == NAME]
    for family in sorted({part.family for part in named}):
        names = ", ".join(part.name for part in named if part.family == family)
        yield f"{family}: {names}\n" if family else f"{names}\n"
    missing = sum(level == ABSENT for level in levels)
    if missing:
        yield f"... and {missing} more that {'is' if missing == 1 else 'are'} not named here\n"


def _note(shortened: int, missing: int) -> str:
    left_out = f", {missing} of them without their names" if missing else ""
    return (
        f"_This text is limited in length: {shortened} of the entries above are shown without "
        f"their details{left_out}. The log of the run and the other reports have all of them._\n"
    )
