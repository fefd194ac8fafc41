"""The fields of a schema: which there are, where, and which hold digits only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from provisioner.errors import Location

Schema = Mapping[str, Any]
FieldPath = tuple[str, ...]
"""Names of fields from the root on, without indexes; ``*`` for a name that is free."""

ANY_NAME = "*"


def inlined(schema: Schema) -> dict[str, Any]:
    """``schema`` with every ``$ref`` replaced by what it refers to.

    What stands beside a ``$ref`` wins. A schema that refers to itself is not one of ours
    and ends in RecursionError.
    """
    return _inlined(schema, schema.get("definitions", {}))


def _inlined(node: Schema, definitions: Mapping[str, Schema]) -> dict[str, Any]:
    made = {key: value for key, value in node.items() if key not in ("definitions", "$ref")}
    if "$ref" in node:
        made = {**definitions[node["$ref"].rpartition("/")[2]], **made}
    for key, value in made.items():
        if key in ("items", "additionalProperties") and isinstance(value, Mapping):
            made[key] = _inlined(value, definitions)
        elif key in ("properties", "patternProperties"):
            made[key] = {name: _inlined(part, definitions) for name, part in value.items()}
        elif key in ("anyOf", "oneOf"):
            made[key] = [_inlined(part, definitions) for part in value]
    # A reference to what is itself a reference.
    return _inlined(made, definitions) if "$ref" in made else made


@dataclass(frozen=True, slots=True)
class FieldIndex:
    """All fields of an inlined schema. ``homes``: name to the paths of the objects with it."""

    schema: Schema
    homes: Mapping[str, tuple[FieldPath, ...]]

    @classmethod
    def of(cls, schema: Schema) -> FieldIndex:
        homes: dict[str, tuple[FieldPath, ...]] = {}
        for path, _ in _fields(schema, ()):
            homes[path[-1]] = (*homes.get(path[-1], ()), path[:-1])
        return cls(schema, homes)

    def path_of(self, at: Location) -> FieldPath:
        """``at`` as names of fields, as far as the schema knows them."""
        path: list[str] = []
        node = self.schema
        for step in at:
            if isinstance(step, int):
                node = node.get("items", {})
            elif step in node.get("properties", {}):
                path.append(step)
                node = node["properties"][step]
            else:
                path.append(ANY_NAME)
                inner = node.get("additionalProperties")
                node = inner if isinstance(inner, Mapping) else {}
        return tuple(path)

    def requires(self, at: Location) -> bool:
        """Whether the field ``at`` may not be left out."""
        node = self.schema
        for step in at[:-1]:
            inner = "items" if isinstance(step, int) else "additionalProperties"
            inner_node = node.get("properties", {}).get(step, node.get(inner))
            node = inner_node if isinstance(inner_node, Mapping) else {}
        return bool(at) and at[-1] in node.get("required", ())


def _fields(node: Schema, path: FieldPath) -> Iterator[tuple[FieldPath, Schema]]:
    for name, part in node.get("properties", {}).items():
        yield (*path, name), part
        yield from _fields(part, (*path, name))
    if isinstance(node.get("items"), Mapping):
        yield from _fields(node["items"], path)
    if isinstance(node.get("additionalProperties"), Mapping):
        yield from _fields(node["additionalProperties"], (*path, ANY_NAME))
    for choice in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from _fields(choice, path)


@cache
def digits_only(pattern: str) -> bool:
    """Whether ``pattern`` admits whole numbers and nothing else."""
    return (
        bool(pattern)
        and all(re.search(pattern, text) for text in ("1", "10", "987"))
        and not any(re.search(pattern, text) for text in ("", "a", "1a", "a1", "1.5", "-1", "1 2"))
    )


def taken_as_text(value: Any) -> bool:
    """Whether ``value`` is a whole number of which the digits are all there is to know."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
