"""Values as Python source, broken into lines where they are long. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

WIDEST: Final = 88
STEP: Final = 4


@dataclass(frozen=True, slots=True)
class Code:
    """An expression that is written as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call with arguments by name."""

    what: str
    given: Mapping[str, Any]


def literal(value: Any, indent: int = 0) -> str:
    """``value`` as an expression whose first line stands at column ``indent`` or behind it."""
    brackets, parts = _parts(value)
    if not parts:
        return brackets
    opening, closing = brackets[:-1], brackets[-1]
    inside = [(start, literal(part, indent + STEP)) for start, part in parts]
    flat = f"{opening}{', '.join(start + text for start, text in inside)}{closing}"
    if "\n" not in flat and indent + len(flat) <= WIDEST:
        return flat
    blank = " " * (indent + STEP)
    lines = "".join(f"{blank}{start}{text},\n" for start, text in inside)
    return f"{opening}\n{lines}{' ' * indent}{closing}"


def _parts(value: Any) -> tuple[str, list[tuple[str, Any]]]:
    """What is around a value, and what is in it; for a plain value itself and nothing."""
    if isinstance(value, Call):
        return f"{value.what}()", [(f"{name}=", one) for name, one in value.given.items()]
    if isinstance(value, Mapping):
        return "{}", [(f"{_text(name)}: ", one) for name, one in value.items()]
    if isinstance(value, list | tuple):
        return "[]", [("", one) for one in value]
    if isinstance(value, Code):
        return value.text, []
    return (_text(value) if isinstance(value, str) else repr(value)), []


def _text(text: str) -> str:
    # A JSON text is a Python text, too, and has the quotes that most people write.
    return json.dumps(text, ensure_ascii=not text.isprintable())
