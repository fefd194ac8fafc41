"""JSON values on one line of a plan, harmless, and short enough to be read. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import accumulate
from typing import Any, Final, NamedTuple
from unicodedata import combining, east_asian_width

from provisioner.model.plan import ABSENT
from provisioner.model.secret import reference_in
from provisioner.rendering.style import Style
from provisioner.rendering.text import harmless_line

MINUTE_S: Final = 60
HOUR_S: Final = 60 * MINUTE_S
DAY_S: Final = 24 * HOUR_S
# Largest first; a year is told in days up to two of them.
UNITS: Final = ((730 * DAY_S, 365 * DAY_S, "year"), (DAY_S, DAY_S, "day"))
SHORT_UNITS: Final = ((HOUR_S, HOUR_S, "hour"), (MINUTE_S, MINUTE_S, "min"))


def age(at: str, now: datetime) -> str:
    """``3 days`` between ``at``, an RFC 3339 time, and ``now``; ``""`` where there is none.

    Less than a minute is ``just now``, and so is the future: clocks differ.
    """
    if not at:
        return ""
    passed_s = int((now - datetime.fromisoformat(at)).total_seconds())
    for least_s, unit_s, word in (*UNITS, *SHORT_UNITS):
        if passed_s >= least_s:
            number = passed_s // unit_s
            return f"{number} {word}" + ("" if number == 1 or word == "min" else "s")
    return "just now"


def wrapped(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` columns, broken at blanks where there are some.

    Line breaks stay, and so does what a line begins with.
    """
    return [line for part in text.split("\n") for line in _lines(part, max(width, 2))] or [""]


def _lines(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in _words(text):
        if columns(line + word.rstrip()) <= width:
            line += word
            continue
        if line.strip():
            yield line.rstrip()
        *full, line = _pieces(word, width)
        yield from full
    yield line.rstrip()


def _words(text: str) -> Iterator[str]:
    """Words with the blanks behind them; what is before the first one belongs to it."""
    start = 0
    for end in range(1, len(text)):
        if text[end - 1] == " " != text[end] and text[start:end].strip():
            yield text[start:end]
            start = end
    yield text[start:]


def _pieces(word: str, width: int) -> list[str]:
    """``word`` cut into what fits; only its last piece may have blanks behind it."""
    pieces, piece, used = [], "", 0
    for character in word:
        taken = columns(character)
        if used + taken > width and character != " ":
            pieces.append(piece)
            piece, used = "", 0
        piece, used = piece + character, used + taken
    return [*pieces, piece]


# Texts that would read as something else: numbers and dates, words of JSON, our own words.
_AMBIGUOUS = re.compile(r"[-+.]?[0-9][-+0-9.:_eE]*|true|false|null|[\"(].*|\s.*|.*\s|", re.DOTALL)
_NEEDS_QUOTES_INSIDE = re.compile(r"[,:{}\[\]#]")
LEAST = 12
"""No value is made shorter than this, however narrow the terminal."""


def safe(text: str, style: Style) -> str:
    """``text`` on one line, without what a terminal would obey or cannot show."""
    text = harmless_line(text)
    return text if style.unicode else text.encode("ascii", "backslashreplace").decode()


def value_text(value: Any, style: Style, *, inside: bool = False) -> str:
    """``value`` as a manifest would write it on one line; secrets by their source.

    ``inside``: it stands in a list or mapping, where more texts need quotes.
    """
    if value is ABSENT:
        return "(not set)"
    secret = reference_in(value)
    if secret is not None:
        return secret_text(secret, style)
    if isinstance(value, str):
        return _quoted_if_ambiguous(value, style, inside)
    if isinstance(value, Mapping):
        fields = (
            f"{_key(k, style)}: {value_text(v, style, inside=True)}" for k, v in value.items()
        )
        return "{" + ", ".join(fields) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(value_text(entry, style, inside=True) for entry in value) + "]"
    return json.dumps(value)


def secret_text(reference: Mapping[str, str], style: Style) -> str:
    """Where a secret comes from, in words."""
    if "from_env" in reference:
        return f"(secret from ${safe(str(reference['from_env']), style)})"
    return f"(secret from file {safe(str(reference.get('from_file', '')), style)})"


def _key(name: Any, style: Style) -> str:
    return _quoted_if_ambiguous(str(name), style, inside=True)


def _quoted_if_ambiguous(text: str, style: Style, inside: bool) -> str:
    shown = safe(text, style)
    clear = shown == text and not _AMBIGUOUS.fullmatch(text)
    if clear and not (inside and _NEEDS_QUOTES_INSIDE.search(text)):
        return text
    return safe(json.dumps(text, ensure_ascii=not style.unicode), style)


def columns(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def padded(text: str, width: int) -> str:
    """``text`` filled up with blanks to ``width`` columns."""
    return text + " " * (width - columns(text))


def shortened(text: str, width: int, ellipsis: str) -> str:
    """``text`` in at most ``width`` columns, its middle left out where it is longer."""
    width = max(width, LEAST)
    if columns(text) <= width:
        return text
    room = width - columns(ellipsis)
    return _head(text, (room + 1) // 2) + ellipsis + _head(text[::-1], room // 2)[::-1]


def _head(text: str, width: int) -> str:
    used = enumerate(accumulate(map(_columns, text)))
    return text[: next((end for end, taken in used if taken > width), len(text))]


class Sides(NamedTuple):
    """A value before and after, as texts."""

    before: str
    after: str


def fitted(sides: Sides, width: int, ellipsis: str) -> Sides:
    """Both sides in at most ``width`` columns together, cut so that they still differ."""
    if sum(map(columns, sides)) <= width:
        return sides
    room = max(width // 2, LEAST)
    # What one side does not need the other may have.
    spare = [max(0, room - columns(side)) for side in sides]
    cut = [
        shortened(s, room + extra, ellipsis)
        for s, extra in zip(sides, reversed(spare), strict=True)
    ]
    if cut[0] != cut[1] or sides.before == sides.after:
        return Sides(*cut)
    start = max(0, _first_difference(sides) - LEAST // 2)
    tails = (ellipsis + side[start:] for side in sides)
    return Sides(*(_cut_off(tail, room, ellipsis) for tail in tails))


def _cut_off(text: str, width: int, ellipsis: str) -> str:
    if columns(text) <= width:
        return text
    return _head(text, width - columns(ellipsis)) + ellipsis


def _first_difference(sides: Sides) -> int:
    pairs = enumerate(zip(*sides, strict=False))
    shorter = min(map(len, sides))
    return next((index for index, (left, right) in pairs if left != right), shorter)


def common_width(texts: Iterable[str], most: int = 48) -> int:
    """The columns that ``texts`` take below each other; a longer one sticks out alone."""
    return max((width for text in texts if (width := columns(text)) <= most), default=0)
