"""The forms that the schema of a model takes: strict, for editors, and partial.

All of them are functions from JSON Schema to JSON Schema (draft-07, ``definitions``), made
for what our models produce: objects, arrays, free mappings, scalars and ``$ref``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Json = dict[str, Any]

REFERENCE = "Reference"
REFERENCE_SCHEMA: Json = {
    "description": "A reference, such as `${env.NAME}`, which is replaced when the file is read.",
    "type": "string",
    "pattern": r"\$\{[^{}]+\}",
}

_ANNOTATIONS = ("description", "default", "examples", "x-semantics")
_SCALARS = ("string", "integer", "number", "boolean")
_PARTS = ("items", "additionalProperties")
_MAPPINGS_OF_PARTS = ("properties", "patternProperties", "definitions")


def strict(schema: Json) -> Json:
    """``schema`` as pydantic wrote it, without what only disturbs a reader.

    Titles, null alternatives and null defaults go: a field that may be absent may not be
    null, and with the alternatives validators would hide the errors inside of them.
    """
    renamed = {("definitions" if key == "$defs" else key): part for key, part in schema.items()}
    return _without_noise(renamed)


def for_editors(schema: Json) -> Json:
    """``schema`` whose leaves also admit references; needs ``REFERENCE`` in definitions."""
    if _is_leaf(schema):
        return _or_reference(schema)
    return _with_parts(schema, for_editors)


def partial(schema: Json) -> Json:
    """``schema`` of which nothing is required, and everything can be null or deleted."""
    inner = _with_parts(schema, partial)
    if "properties" in inner:
        fields = {name: _or_null(part) for name, part in inner["properties"].items()}
        remove = {"const": True, "description": "Removes this entry."}
        inner["properties"] = {**fields, "$delete": remove}
        for limit in ("required", "minProperties", "maxProperties"):
            inner.pop(limit, None)
    if isinstance(inner.get("additionalProperties"), dict):
        inner["additionalProperties"] = _or_null(inner["additionalProperties"])
    inner.pop("minItems", None)
    return inner


def _without_noise(node: Json) -> Json:
    clean = _with_parts(node, _without_noise)
    clean.pop("title", None)
    if "default" in clean and clean["default"] is None:
        del clean["default"]
    choices = clean.get("anyOf", [])
    real = [_without_noise(choice) for choice in choices if choice.get("type") != "null"]
    if len(real) == 1:
        del clean["anyOf"]
        return {**real[0], **clean}
    return {**clean, "anyOf": real} if real else clean


def _with_parts(node: Json, change: Callable[[Json], Json]) -> Json:
    """``node`` with ``change`` made to every schema directly inside of it."""
    made = dict(node)
    for key in _PARTS:
        if isinstance(made.get(key), dict):
            made[key] = change(made[key])
    for key in _MAPPINGS_OF_PARTS:
        if key in made:
            made[key] = {name: change(part) for name, part in made[key].items()}
    return made


def _is_leaf(node: Json) -> bool:
    return node.get("type") in _SCALARS or "enum" in node or "const" in node


def _or_reference(node: Json) -> Json:
    annotations, constraints = _split(node)
    if constraints == {"type": "string"}:
        return node
    choices = [constraints, {"$ref": f"#/definitions/{REFERENCE}"}]
    return {**annotations, "anyOf": choices}


def _or_null(node: Json) -> Json:
    annotations, constraints = _split(node)
    choices = constraints.get("anyOf", [constraints])
    return {**annotations, "anyOf": [*choices, {"type": "null"}]}


def _split(node: Json) -> tuple[Json, Json]:
    """What ``node`` says to its reader, and what it asks of a value."""
    annotations = {key: value for key, value in node.items() if key in _ANNOTATIONS}
    return annotations, {key: value for key, value in node.items() if key not in _ANNOTATIONS}
