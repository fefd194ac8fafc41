"""JSON values that satisfy a JSON Schema of the sort used for tools and structured answers.

Knows types, enum, const, $ref inside the schema, anyOf, oneOf, allOf and the usual bounds; no
patterns, no conditions. What it does not know is ignored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from provisioner.emulator.http.routing import invalid

# rules(local): Made-up JSON is limited in depth and size.

# Deeper and larger than any sensible answer, and far from Python's own limits.
DEPTH_LIMIT = 40
VALUE_LIMIT = 10_000
TEXT_LIMIT = 100_000
ENDLESS = "The JSON schema has no finite value: it requires itself"
# From here on only what is required is written, so that a recursive schema comes to an end.
DEPTH_OF_OPTIONAL = 4

Schema = Mapping[str, Any]

FORMATS = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "made-up@example.test",
    "hostname": "example.test",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.test/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def example(schema: Schema, text: str) -> Any:
    """Returns a value for ``schema``; ``text`` stands for every free string.

    Raises ApiError 400 for a malformed schema, for a reference that leads nowhere, and where there
    is no value of a bearable size.
    """
    try:
        return _Example(schema, text).of(schema, 0)
    except RecursionError as error:
        raise invalid(ENDLESS) from error
    # Anything may stand in place of a number or a list; one place that says so will do.
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
        raise invalid(f"The JSON schema is malformed: {error}") from error


class _Example:
    """Writes a value for a schema, within the limits of depth and size."""

    def __init__(self, root: Schema, text: str) -> None:
        self._root = root
        self._text = text
        self._values = 0
        self._writers: dict[str, Callable[[Schema, int], Any]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "integer": lambda schema, _: _whole(schema),
            "number": lambda schema, _: _number(schema, usual=0.5, tick=0.5),
            "boolean": lambda _, __: True,
            "null": lambda _, __: None,
        }

    def of(self, schema: Any, depth: int) -> Any:
        """Returns a value for a part of the schema."""
        self._values += 1
        if depth > DEPTH_LIMIT:
            raise invalid(ENDLESS)
        if self._values > VALUE_LIMIT:
            raise invalid(f"The JSON schema requires more than {VALUE_LIMIT} values")
        if not isinstance(schema, Mapping):
            return self._text
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        return self._writers[_type_of(schema)](schema, depth)

    def _resolved(self, schema: Schema) -> Schema:
        """Returns ``schema`` with references followed and the first alternative chosen."""
        for _ in range(DEPTH_LIMIT):
            if "$ref" in schema:
                rest = {key: value for key, value in schema.items() if key != "$ref"}
                schema = {**self._target(schema["$ref"]), **rest}
            elif alternatives := schema.get("anyOf") or schema.get("oneOf"):
                rest = {k: v for k, v in schema.items() if k not in ("anyOf", "oneOf")}
                schema = _merge(rest, _simplest(alternatives))
            elif parts := schema.get("allOf"):
                rest = {key: value for key, value in schema.items() if key != "allOf"}
                schema = _merge(rest, *(self._resolved(part) for part in parts))
            else:
                return schema
        raise invalid(ENDLESS)

    def _target(self, reference: Any) -> Schema:
        target: Any = self._root
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise invalid(f"The JSON schema refers to {reference!r}, which is outside of it")
        for segment in filter(None, reference[1:].split("/")):
            name = segment.replace("~1", "/").replace("~0", "~")
            target = target.get(name) if isinstance(target, Mapping) else None
        if not isinstance(target, Mapping):
            raise invalid(f"The JSON schema has no {reference!r}")
        return target

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        fields = schema.get("properties") or {}
        names = list(schema.get("required") or ())
        if depth < DEPTH_OF_OPTIONAL:
            names = [*fields, *(name for name in names if name not in fields)]
        return {name: self.of(fields.get(name, {}), depth + 1) for name in names}

    def _array(self, schema: Schema, depth: int) -> list[Any]:
        least, most = schema.get("minItems", 0), schema.get("maxItems", 1)
        wanted = max(least, min(1, most) if depth < DEPTH_OF_OPTIONAL else 0)
        places = schema.get("prefixItems") or ()
        return [
            self.of(places[i] if i < len(places) else schema.get("items", {}), depth + 1)
            for i in range(wanted)
        ]

    def _string(self, schema: Schema, _: int) -> str:
        text = FORMATS.get(schema.get("format", ""), self._text)
        length = schema.get("minLength", 0)
        if length > TEXT_LIMIT:
            raise invalid(f"The JSON schema requires a text of more than {TEXT_LIMIT} characters")
        return text.ljust(length, ".")[: schema.get("maxLength")]


def _type_of(schema: Schema) -> str:
    named = schema.get("type")
    if isinstance(named, list):
        named = next((name for name in named if name != "null"), "null")
    if named is None:
        named = "object" if "properties" in schema else "string"
    if named not in ("object", "array", "string", "integer", "number", "boolean", "null"):
        raise invalid(f"The JSON schema names the type {named!r}, which there is not")
    return str(named)


def _simplest(alternatives: Any) -> Schema:
    """Returns the first alternative that is not null, so that optional fields are there."""
    schemas = [each for each in alternatives if isinstance(each, Mapping)]
    return next((each for each in schemas if each.get("type") != "null"), {"type": "null"})


def _merge(*schemas: Schema) -> Schema:
    whole: dict[str, Any] = {}
    for schema in schemas:
        for key, value in schema.items():
            if key == "properties":
                whole[key] = {**whole.get(key, {}), **value}
            elif key == "required":
                whole[key] = [*whole.get(key, ()), *value]
            else:
                whole.setdefault(key, value)
    return whole


def _number(schema: Schema, usual: float, tick: float) -> float:
    """Returns a number within the bounds, ``usual`` if possible.

    An exclusive bound is kept by a distance of ``tick``.
    """
    least: float = schema.get("minimum", -math.inf)
    if "exclusiveMinimum" in schema:
        least = max(least, schema["exclusiveMinimum"] + tick)
    most: float = schema.get("maximum", math.inf)
    if "exclusiveMaximum" in schema:
        most = min(most, schema["exclusiveMaximum"] - tick)
    step: float = schema.get("multipleOf", 0)
    value = min(max(usual, least), most)
    if not step:
        return value
    above = math.ceil(value / step) * step
    return above if above <= most else math.floor(most / step) * step


def _whole(schema: Schema) -> int:
    return math.ceil(_number({"multipleOf": 1, **schema}, usual=1, tick=1))
