"""A live value of one element of a `for_each` as an override of the environment. Pure.

The block in the manifest is of all elements, so it is never changed for one of them.
"""

from __future__ import annotations

from typing import Any

from provisioner.errors import Location
from provisioner.model.documents import entry_rule
from provisioner.model.field_rules import PLAIN, FieldRule
from provisioner.model.paths import Path


class CannotAcceptError(Exception):
    """Why a difference cannot be written; ``hint`` says what to do by hand."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.why, self.hint = why, hint


def nested(path: Path, value: Any, rule: FieldRule) -> Any:
    """``value`` at ``path`` as an override has it. Raises CannotAcceptError."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    if isinstance(first, str):
        return {first: nested(rest, value, rule.fields.get(first, PLAIN))}
    inner = nested(rest, value, entry_rule(rule))
    if rule.mapping:
        return {first.value: inner}
    if len(rule.list_key) != 1 or not isinstance(inner, dict):
        raise CannotAcceptError(
            "an override of one entry of this list cannot be written", "write it by hand"
        )
    return [{rule.list_key[0]: first.value, **inner}]


def missing_part(data: Any, wanted: Any) -> tuple[Location, Any]:
    """The part of ``wanted`` that ``data`` does not have yet, and where it belongs."""
    if isinstance(wanted, list) and isinstance(data, list):
        (entry,) = wanted
        label = next(iter(entry.items()))
        for index, known in enumerate(data):
            if isinstance(known, dict) and known.get(label[0]) == label[1]:
                rest = dict(list(entry.items())[1:])
                where, part = missing_part(known, rest)
                return (index, *where), part
        return (len(data),), entry
    if isinstance(wanted, dict) and isinstance(data, dict) and len(wanted) == 1:
        ((name, inner),) = wanted.items()
        if name not in data:
            return (name,), inner
        where, part = missing_part(data[name], inner)
        return (name, *where), part
    return (), wanted
