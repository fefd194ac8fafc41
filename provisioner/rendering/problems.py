"""Problems as text for people and as JSON for programs.

error[E104]: unknown field `worklod_size`
  --> manifests/fraud.yaml:20:13  (model_serving_endpoints.fraud)
   |
20 |             worklod_size: Small
   |             ^^^^^^^^^^^^
   = hint: did you mean `workload_size`?
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any
from unicodedata import combining, east_asian_width

from provisioner.errors import Position, Problem, Severity
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.text import harmless, harmless_line

WIDEST = 100
"""Columns of an excerpt; of a longer line what is around the caret is shown."""

_ROLES = {
    Severity.ERROR: Role.REMOVED,
    Severity.WARNING: Role.CHANGED,
    Severity.NOTE: Role.TAKEN,
}
_TAB = "    "
_CUT = "…"
LEAST_WIDTH = 20

Cell = tuple[str, int]
"""What is shown for one character of a file, and how many columns it takes."""


def text(problems: Iterable[Problem], colour: bool, width: int = 0) -> str:
    """``problems`` in the given order, a blank line between them, no line break at the end.

    ``width`` is that of a terminal, whose lines are broken at blanks; 0 breaks none.
    """
    style = Style(colour=colour)
    blocks = [painted(_block(problem, width), style) for problem in problems]
    return "\n".join(blocks).removesuffix("\n")


def to_json(problems: Iterable[Problem]) -> dict[str, Any]:
    """``problems`` in the words of ``terraform validate -json``, which tools know already.

    Each diagnostic has our ``code`` besides, and the ``subject`` that is to be mended.
    """
    listed = list(problems)
    counts = {severity: sum(p.severity is severity for p in listed) for severity in Severity}
    return {
        "format_version": "1.0",
        "valid": not counts[Severity.ERROR],
        "error_count": counts[Severity.ERROR],
        "warning_count": counts[Severity.WARNING],
        "diagnostics": [_diagnostic(problem) for problem in listed],
    }


def _diagnostic(problem: Problem) -> dict[str, Any]:
    made: dict[str, Any] = {
        "severity": str(problem.severity),
        "code": problem.code,
        "summary": harmless(problem.message),
        "detail": harmless(problem.hint),
    }
    if problem.subject:
        made["subject"] = harmless(problem.subject)
    if problem.log:
        made["log"] = harmless(problem.log)
    where = problem.where
    if where:
        end = {"line": where.line, "column": where.column + problem.width}
        made["range"] = {
            "filename": where.file,
            "start": {"line": where.line, "column": where.column},
            "end": end,
        }
    if where and problem.excerpt:
        start = where.column - 1
        made["snippet"] = {
            "code": harmless(problem.excerpt),
            "start_line": where.line,
            "highlight_start_offset": start,
            "highlight_end_offset": start + problem.width,
        }
    return made


def _broken(text: str, first: int, rest: int, width: int) -> list[str]:
    """``text`` in lines: ``first`` columns stand before the first one, ``rest`` before others."""
    if not width or not text:
        return [text]
    # Flags, paths and addresses are not broken, so that they can be copied.
    lines = textwrap.wrap(
        text,
        max(width - rest, LEAST_WIDTH),
        initial_indent=" " * max(first - rest, 0),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [
        line.removeprefix(" " * max(first - rest, 0)) if not at else line
        for at, line in enumerate(lines)
    ]


def _block(problem: Problem, width: int = 0) -> Iterator[Line]:
    role = _ROLES[problem.severity]
    head = Span(f"{problem.severity}[{problem.code}]", role)
    message = _broken(harmless_line(problem.message), len(head.text) + 2, 2, width)
    yield (head, Span(f": {message[0]}", Role.STRONG))
    yield from ((Span(f"  {line}", Role.STRONG),) for line in message[1:])
    margin = " " * (len(str(problem.where.line)) if problem.where else 1)
    yield from _place(problem, margin)
    if problem.where and problem.excerpt:
        yield from _excerpt(problem, problem.where, margin, width)
    # Behind a bar, so that no line of a log can look like one of ours.
    for line in problem.log.splitlines():
        yield (Span(f"{margin} | ", Role.FAINT), Span(harmless_line(line)))
    hint = harmless(problem.hint).split("\n")
    before = len(margin) + len(" = hint: ")
    first, *more = [part for line in hint for part in _broken(line, before, before, width)]
    if first:
        yield (Span(f"{margin} = ", Role.FAINT), Span("hint: ", Role.STRONG), Span(first))
    yield from ((Span(f"{margin}         {line}"),) for line in more)


def _place(problem: Problem, margin: str) -> Iterator[Line]:
    subject = f"({harmless_line(problem.subject)})" if problem.subject else ""
    if problem.where:
        place = harmless_line(str(problem.where))
        between = "  " if subject else ""
        yield (Span(f"{margin}--> ", Role.FAINT), Span(f"{place}{between}{subject}"))
    elif subject:
        yield (Span(f"{margin}--> ", Role.FAINT), Span(subject))


def _excerpt(problem: Problem, where: Position, margin: str, width: int = 0) -> Iterator[Line]:
    widest = (
        min(WIDEST, max(width - len(margin) - 3 - len(_CUT) * 2, LEAST_WIDTH)) if width else WIDEST
    )
    shown, before, under = _around(problem.excerpt, where.column - 1, problem.width, widest)
    caret = Span("^" * under, _ROLES[problem.severity])
    yield (Span(f"{margin} |", Role.FAINT),)
    # Once more as a whole: what a build agent obeys is more than one character.
    yield (Span(f"{where.line} | ", Role.FAINT), Span(harmless_line(shown)))
    yield (Span(f"{margin} | {' ' * before}", Role.FAINT), caret)


def _around(excerpt: str, start: int, width: int, widest: int = WIDEST) -> tuple[str, int, int]:
    """The part of ``excerpt`` to show, columns before the caret, columns under it."""
    cells = [_cell(character) for character in excerpt.rstrip()]
    first, last = _window(cells, start, widest)
    lead = _CUT if first else ""
    tail = _CUT if last < len(cells) else ""
    shown = lead + "".join(what for what, _ in cells[first:last]) + tail
    before = len(lead) + _columns(cells[first:start]) + max(start - len(cells), 0)
    under = _columns(cells[start : min(start + width, last)])
    return shown, before, max(under, 1)


def _window(cells: list[Cell], start: int, widest: int) -> tuple[int, int]:
    """Which cells to show: all where they fit, else those around ``start``."""
    if _columns(cells) <= widest:
        return 0, len(cells)
    first = start = min(start, len(cells))
    room = widest // 3
    while first and room > 0:
        first -= 1
        room -= cells[first][1]
    last, room = first, widest
    while last < len(cells) and room > 0:
        room -= cells[last][1]
        last += 1
    return first, last


def _columns(cells: list[Cell]) -> int:
    return sum(columns for _, columns in cells)


def _cell(character: str) -> Cell:
    if character == "\t":
        return _TAB, len(_TAB)
    shown = harmless_line(character)
    if shown != character:
        return shown, len(shown)
    if combining(character):
        return character, 0
    return character, 2 if east_asian_width(character) in "WF" else 1
