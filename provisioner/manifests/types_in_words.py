"""A value of the wrong type: what it is, what is needed, and how to write that."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

_WORDS: Final = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "null": "nothing",
}
_SCALARS: Final = {"string", "integer", "number", "boolean"}
_YES: Final = {"yes", "y", "on", "true", "1"}
_NO: Final = {"no", "n", "off", "false", "0"}
_DIGITS: Final = re.compile(r"[+]?0*([0-9][0-9_,]*)(?:\.0+)?\s*%?")


@dataclass(frozen=True, slots=True)
class Needed:
    """The JSON types of which one is needed, and the words for them."""

    types: frozenset[str]
    words: str

    @property
    def is_scalar(self) -> bool:
        return bool(self.types & _SCALARS)


def needed(types: Iterable[Any]) -> Needed:
    """What the values of ``type`` keywords ask for: strings, or lists of them."""
    flat = [name for one in types for name in ([one] if isinstance(one, str) else one)]
    known = [name for name in dict.fromkeys(flat) if name in _WORDS]
    words = " or ".join(_WORDS[name] for name in known) or "something else"
    return Needed(frozenset(known), words)


def kind_of(value: Any) -> str:
    """The JSON type of ``value``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "something else")


def worded(value: Any, written: str, hide: bool) -> str:
    """The second half of "needs …": "not the number 3.10", or "not a number" to hide it."""
    match kind_of(value):
        case "integer" | "number" if hide:
            return "not a number"
        case "null":
            return "and is empty"
        case "boolean" | "integer" | "number" as kind:
            text = written or json.dumps(value)
            return f"not `{text}`" if kind == "boolean" else f"not the number {text}"
        case "string":
            return "not text" if hide or len(value) > 40 else f"not the text `{value}`"
        case kind:
            return f"not {_WORDS.get(kind, kind)}"


def hint_for_type(wanted: Needed, value: Any, written: str) -> str:
    """How to write what was probably meant; ``""`` when that is anybody's guess."""
    kind = kind_of(value)
    if kind == "null":
        return "give it a value, or leave it out"
    if "string" in wanted.types and kind in ("boolean", "integer", "number"):
        return f'quote it: "{written or json.dumps(value)}"'
    if "boolean" in wanted.types:
        return _as_boolean(value)
    if wanted.types & {"integer", "number"}:
        return _as_number(value)
    if "array" in wanted.types:
        return "begin each entry with `- `, also when there is only one"
    if "object" in wanted.types and kind == "array":
        return "this is no list: leave out the `- `"
    return ""


def _as_boolean(value: Any) -> str:
    text = str(value).lower()
    if text in _YES | _NO:
        return f"write {'true' if text in _YES else 'false'}, without quotes"
    return ""


def _as_number(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, float) else value
    found = _DIGITS.fullmatch(text) if isinstance(text, str) else None
    if not found:
        return ""
    digits = found[1].replace("_", "").replace(",", "")
    return f"write {digits}, without quotes" if len(digits) < 20 else ""
