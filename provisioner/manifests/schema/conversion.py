"""Values as the Databricks CLI reads them: a field takes text for its number, and the reverse.

Source: databricks/cli libs/dyn/convert/normalize.go. What the CLI takes and a reader may
understand in two ways is not converted: the schema then refuses it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from provisioner.errors import Location
from provisioner.manifests.schema.fields import Schema, digits_only, taken_as_text

# The words that the CLI takes for a boolean, as go-yaml's decoder has them.
_WORDS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("True", "TRUE"), True),
    **dict.fromkeys(("false", "n", "N", "no", "No", "NO", "off", "Off", "OFF"), False),
    **dict.fromkeys(("False", "FALSE"), False),
}
# No leading zeros: `010` is 8 for YAML 1.1 and 10 for the CLI. 18 digits fit into 64 bits.
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?")

Written = Callable[[Location], str]
"""The text of the number, boolean or null at a location as it was typed, ``""`` for others."""


def nothing_written(at: Location) -> str:
    """Returns ``""``: for data that was in no file."""
    return ""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A value at ``at`` that was read as ``type``, a JSON type; ``null``: taken as absent."""

    at: Location
    type: str


class Converter:
    """Converts documents of one inlined schema.

    ``conversions`` collects what was converted. With ``drop_empty`` a key without a value is
    absent, as in a bundle; without it ``null`` stays, because in a layer it removes.
    """

    def __init__(self, written: Written = nothing_written, *, drop_empty: bool) -> None:
        self.conversions: list[Conversion] = []
        self._written = written
        self._drop_empty = drop_empty

    def converted(self, value: Any, schema: Schema, at: Location = ()) -> Any:
        """Returns ``value``, which is left as it is, with every certain value converted."""
        kind = type(value)
        if kind is dict:
            return self._mapping(value, schema, at)
        if kind is list:
            entry = schema.get("items")
            if not isinstance(entry, Mapping):
                return value
            return [self.converted(item, entry, (*at, index)) for index, item in enumerate(value)]
        wanted = schema.get("type")
        return value if wanted in _FITTING.get(kind, ()) else self._scalar(value, schema, at)

    def _mapping(self, value: dict[str, Any], schema: Schema, at: Location) -> dict[str, Any]:
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties")
        free = others if isinstance(others, Mapping) else None
        made = {}
        for name, inner in value.items():
            part = properties.get(name, free)
            # What the schema does not know is refused by it, or is free, as below `raw`.
            if part is None:
                made[name] = inner
            elif inner is None and self._drop_empty and name not in schema.get("required", ()):
                self._say((*at, name), "null")
            else:
                made[name] = self.converted(inner, part, (*at, name))
        return made

    def _scalar(self, value: Any, schema: Schema, at: Location) -> Any:
        wanted = schema.get("type")
        read = _READERS.get((type(value), wanted))
        facts = schema.get("x-semantics", {})
        # Never for a secret: what is written out there has to be refused, not repaired.
        if not read or facts.get("secret") or facts.get("secret_reference"):
            return value
        made = read(value, self._written(at))
        if made is None:
            return value
        # A version is digits and nothing else: `entity_version: 3` is a form of its own.
        if not (taken_as_text(value) and digits_only(schema.get("pattern", ""))):
            self._say(at, str(wanted))
        return made

    def _say(self, at: Location, kind: str) -> None:
        self.conversions.append(Conversion(at, kind))


_FITTING: Final[Mapping[type, tuple[str, ...]]] = {
    str: ("string",),
    bool: ("boolean",),
    int: ("integer", "number"),
    float: ("number",),
}


def _boolean(text: str, _: str) -> bool | None:
    return _WORDS.get(text)


# Not `int(text)` alone: Python takes blanks, underscores and digits of other scripts.
def _integer(text: str, _: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None


def _number(text: str, _: str) -> int | float | None:
    if not _NUMBER.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


# The service would be sent 20.0, and some clients of it refuse that.
def _whole(number: float, _: str) -> int | None:
    return int(number) if number.is_integer() else None


def _text(value: bool | int | float, written: str) -> str | None:
    """The text of a number or boolean, where it is the one that was typed.

    The CLI reads ``3.10`` as "3.1" and ``1e3`` as "1000": its author may have meant either.
    """
    text = json.dumps(value)
    return text if written in ("", text) else None


_READERS: Final[Mapping[tuple[type, Any], Callable[[Any, str], Any]]] = {
    (str, "boolean"): _boolean,
    (str, "integer"): _integer,
    (str, "number"): _number,
    (float, "integer"): _whole,
    (bool, "string"): _text,
    (int, "string"): _text,
    (float, "string"): _text,
}
