"""Shapes of request bodies: small readers that take a JSON value apart and name what is wrong.

A reader gets a value and where it stands, and gives back the value that counts. As in the JSON form
of protocol buffers, null is absent, unknown fields are ignored, and numbers and booleans may come
as strings. [serving-api 2, 3.5]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from provisioner.emulator.http.routing import invalid

# rules(assumed, always): Bodies are read like the JSON form of protocol buffers: a value of another
#     type is refused with the name of its field, because it cannot be kept; unknown fields are
#     ignored. [serving-api 2, 3.5]

Reader = Callable[[Any, str], Any]
AnyReader = TypeVar("AnyReader", bound=Reader)
Schema = dict[str, Any]

LARGEST_INTEGER = 2**63 - 1
# Reader to the JSON Schema of what it takes, filled where readers are made.
SCHEMAS: dict[Reader, Schema] = {}


def schema_of(reader: Reader) -> Schema:
    """Returns the JSON Schema of the values that a reader takes."""
    return SCHEMAS.get(reader, {})


def described(schema: Schema) -> Callable[[AnyReader], AnyReader]:
    """Marks a reader with the schema of what it takes."""

    def mark(reader: AnyReader) -> AnyReader:
        SCHEMAS[reader] = schema
        return reader

    return mark


@described({})
def anything(value: Any, where: str) -> Any:
    return value


@described({"type": "string"})
def text(value: Any, where: str) -> str:
    """Reads a string."""
    if not isinstance(value, str):
        raise invalid(f"{where} must be a string.")
    return value


@described({"type": "boolean"})
def flag(value: Any, where: str) -> bool:
    """Reads a boolean, also one that was sent as a string."""
    if value in ("true", "false"):
        return bool(value == "true")
    if not isinstance(value, bool):
        raise invalid(f"{where} must be true or false.")
    return value


@described({"type": "integer", "minimum": 0, "maximum": LARGEST_INTEGER})
def integer(value: Any, where: str) -> int:
    """Reads a number that is not negative: no field of the service may be."""
    if isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_INTEGER:
        raise invalid(f"{where} must be an integer of at least 0.")
    return value


@described({"type": "number", "minimum": 0, "maximum": 1})
def fraction(value: Any, where: str) -> float:
    """Reads a number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise invalid(f"{where} must be a number from 0 to 1.")
    return value


def choice(*names: str) -> Reader:
    """Returns a reader of one of these strings."""

    @described({"type": "string", "enum": list(names)})
    def read(value: Any, where: str) -> str:
        if value not in names:
            raise invalid(f"{where} must be one of {', '.join(names)}.")
        return str(value)

    return read


def list_of(inner: Reader) -> Reader:
    """Returns a reader of lists whose entries ``inner`` reads."""

    @described({"type": "array", "items": schema_of(inner)})
    def read(value: Any, where: str) -> list[Any]:
        if not isinstance(value, list):
            raise invalid(f"{where} must be a list.")
        return [inner(entry, f"{where}[{index}]") for index, entry in enumerate(value)]

    return read


@described({"type": "object", "additionalProperties": {"type": "string"}})
def text_by_name(value: Any, where: str) -> dict[str, str]:
    """Reads an object whose values are strings."""
    if not isinstance(value, dict):
        raise invalid(f"{where} must be an object.")
    return {name: text(entry, f"{where}.{name}") for name, entry in value.items()}


def record(fields: Mapping[str, Reader], needed: tuple[str, ...] = ()) -> Reader:
    """Returns a reader of objects with these fields. The fields in ``needed`` are required."""

    schema: Schema = {
        "type": "object",
        "properties": {name: schema_of(reader) for name, reader in fields.items()},
    }

    @described(schema | ({"required": list(needed)} if needed else {}))
    def read(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise invalid(f"{where} must be an object.")
        prefix = f"{where}." if where else ""
        fields_read = {
            name: reader(value[name], f"{prefix}{name}")
            for name, reader in fields.items()
            if value.get(name) is not None
        }
        for name in needed:
            if fields_read.get(name) in (None, ""):
                raise invalid(f"{prefix}{name} must be given.")
        return fields_read

    return read
