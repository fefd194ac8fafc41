"""Whether a document surely fits its schema: the short way for manifests without mistakes.

It knows the keywords that our schemas use and says False where it is not sure, for any
reason; then jsonschema is asked, which takes longer to load than all the rest of a check.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from provisioner.manifests.fields import Schema

NUMBERS: Final = (int, float)
ANNOTATIONS: Final = frozenset(("$schema", "description", "default", "examples", "x-semantics"))
TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": NUMBERS,
    "boolean": (bool,),
}


def fits(value: Any, schema: Schema) -> bool:
    """True only where jsonschema would find nothing in ``value``; ``schema`` is inlined."""
    for keyword, asked in schema.items():
        if keyword not in ANNOTATIONS:
            check = CHECKS.get(keyword)
            if check is None or not check(value, asked, schema):
                return False
    return True


@cache
def anchored(pattern: str) -> re.Pattern[str]:
    """``pattern`` of a schema as Python has to have it."""
    # In Python `$` also matches before a line break at the end; in a schema it does not.
    return re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern))


def _type(value: Any, asked: Any, _: Schema) -> bool:
    return isinstance(asked, str) and type(value) in TYPES.get(asked, ())


def _properties(value: Any, asked: Mapping[str, Schema], _: Schema) -> bool:
    if type(value) is not dict:
        return True
    return all(fits(inner, asked[name]) for name, inner in value.items() if name in asked)


def _additional(value: Any, asked: Any, schema: Schema) -> bool:
    if type(value) is not dict or asked is True:
        return True
    others = value.keys() - schema.get("properties", {}).keys()
    return not others or (asked is not False and all(fits(value[name], asked) for name in others))


def _items(value: Any, asked: Any, _: Schema) -> bool:
    if type(value) is not list:
        return True
    return isinstance(asked, Mapping) and all(fits(entry, asked) for entry in value)


CHECKS: Final[Mapping[str, Callable[[Any, Any, Schema], bool]]] = {
    "type": _type,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
    "propertyNames": lambda value, asked, _: (
        type(value) is not dict or all(fits(name, asked) for name in value)
    ),
    "anyOf": lambda value, asked, _: any(fits(value, one) for one in asked),
    "required": lambda value, asked, _: type(value) is not dict or value.keys() >= set(asked),
    "minProperties": lambda value, asked, _: type(value) is not dict or len(value) >= asked,
    "maxProperties": lambda value, asked, _: type(value) is not dict or len(value) <= asked,
    "minItems": lambda value, asked, _: type(value) is not list or len(value) >= asked,
    "minLength": lambda value, asked, _: type(value) is not str or len(value) >= asked,
    "maxLength": lambda value, asked, _: type(value) is not str or len(value) <= asked,
    "minimum": lambda value, asked, _: type(value) in NUMBERS and value >= asked,
    "maximum": lambda value, asked, _: type(value) in NUMBERS and value <= asked,
    "pattern": lambda value, asked, _: type(value) is str and bool(anchored(asked).search(value)),
    # Equal values of two types (1 and true) are for jsonschema to judge.
    "enum": lambda value, asked, _: type(value) is str and value in asked,
    "const": lambda value, asked, _: type(value) is type(asked) is str and value == asked,
}
