"""The fields of a schema: which there are, where, and which hold digits only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

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


# Texts that a pattern of the schema refuses: which part is wrong, and what was meant. Pure.

_PAGE: Final = re.compile(r"(https?://)?(?:[^/@\s]*@)?([A-Za-z0-9.-]+\.[A-Za-z]+(?::[0-9]+)?)[/?#]")
MOST_SHOWN: Final = 5
"""With more refused characters than this, the others are not listed."""


def refused_part(text: str, pattern: str) -> str:
    """What of ``text`` the pattern of a name refuses, as ``: `.` is not allowed``; or ``""``.

    Found by trying: a name is a sequence of characters that are each allowed or not, and has a
    greatest length.
    """
    # Forms such as addresses and numbers refuse this, and have no single refused character.
    if not text or not re.search(pattern, "aaa"):
        return ""
    refused = [each for each in dict.fromkeys(text) if not re.search(pattern, f"a{each}a")]
    if refused:
        shown = ["whitespace" if each.isspace() else f"`{each}`" for each in refused[:MOST_SHOWN]]
        return f": {', '.join(shown)} {'is' if len(refused) == 1 else 'are'} not allowed"
    sizes = range(len(text))
    most = next((size for size in sizes if not re.search(pattern, "a" * (size + 1))), 0)
    return f": it has {len(text)} characters, but the maximum is {most}" if most else ""


def meant(text: str, pattern: str) -> str:
    """How to write ``text`` so that ``pattern`` takes it; ``""`` where that is not known."""
    return _last_part(text, pattern) or _address(text, pattern)


def _last_part(text: str, pattern: str) -> str:
    """A hint for `catalog.schema.name` where a name has no catalog and no schema."""
    *outer, name = text.split(".")
    if len(outer) != 2 or not re.search(pattern, name):
        return ""
    return f"write `{name}`: the name must not contain the catalog and schema"


def _address(text: str, pattern: str) -> str:
    """A hint for the address of a page, where the address of its server is needed."""
    page = _PAGE.match(text)
    address = f"{page[1] or 'https://'}{page[2]}" if page else ""
    is_meant = page and re.search(pattern, address)
    return f"write only the URL of the workspace: {address}" if is_meant else ""
