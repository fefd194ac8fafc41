"""The shape of a document: asks jsonschema, and says what it found in our words.

The only door to jsonschema, which is loaded for what does not surely fit. Each schema is
made ready once: its references are written out, because that is most of what a check costs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from provisioner.errors import Finding, Location
from provisioner.manifests.schema.conversion import Conversion, Converter, Written, nothing_written
from provisioner.manifests.schema.fields import (
    FieldIndex,
    FieldPath,
    Schema,
    inlined,
)

if TYPE_CHECKING:
    from jsonschema import ValidationError

    from provisioner.manifests.schema.messages import Violation

NUMBERS: Final = (int, float)
ANNOTATIONS: Final = frozenset(
    ("$schema", "description", "default", "examples", "x-semantics", "x-output-only")
)
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
    for keyword, argument in schema.items():
        if keyword not in ANNOTATIONS:
            check = CHECKS.get(keyword)
            if check is None or not check(value, argument, schema):
                return False
    return True


@cache
def anchored(pattern: str) -> re.Pattern[str]:
    """``pattern`` of a schema as Python has to have it."""
    # In Python `$` also matches before a line break at the end; in a schema it does not.
    return re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern))


def _type(value: Any, types: Any, _: Schema) -> bool:
    return isinstance(types, str) and type(value) in TYPES.get(types, ())


def _properties_fit(value: Any, properties: Mapping[str, Schema], _: Schema) -> bool:
    if type(value) is not dict:
        return True
    return all(fits(inner, properties[name]) for name, inner in value.items() if name in properties)


def _additional(value: Any, allowed: Any, schema: Schema) -> bool:
    if type(value) is not dict or allowed is True:
        return True
    others = value.keys() - schema.get("properties", {}).keys()
    return not others or (
        allowed is not False and all(fits(value[name], allowed) for name in others)
    )


def _items(value: Any, items: Any, _: Schema) -> bool:
    if type(value) is not list:
        return True
    return isinstance(items, Mapping) and all(fits(entry, items) for entry in value)


CHECKS: Final[Mapping[str, Callable[[Any, Any, Schema], bool]]] = {
    "type": _type,
    "properties": _properties_fit,
    "additionalProperties": _additional,
    "items": _items,
    "propertyNames": lambda value, names, _: (
        type(value) is not dict or all(fits(name, names) for name in value)
    ),
    "anyOf": lambda value, alternatives, _: any(
        fits(value, alternative) for alternative in alternatives
    ),
    "required": lambda value, required, _: type(value) is not dict or value.keys() >= set(required),
    "minProperties": lambda value, least, _: type(value) is not dict or len(value) >= least,
    "maxProperties": lambda value, most, _: type(value) is not dict or len(value) <= most,
    "minItems": lambda value, least, _: type(value) is not list or len(value) >= least,
    "minLength": lambda value, least, _: type(value) is not str or len(value) >= least,
    "maxLength": lambda value, most, _: type(value) is not str or len(value) <= most,
    "minimum": lambda value, least, _: type(value) in NUMBERS and value >= least,
    "maximum": lambda value, most, _: type(value) in NUMBERS and value <= most,
    "pattern": lambda value, pattern, _: (
        type(value) is str and bool(anchored(pattern).search(value))
    ),
    # Equal values of two types (1 and true) are for jsonschema to judge.
    "enum": lambda value, values, _: type(value) is str and value in values,
    "const": lambda value, constant, _: type(value) is type(constant) is str and value == constant,
}


_READY: dict[int, tuple[Schema, FieldIndex]] = {}


def shape(
    document: Any,
    schema: Schema,
    written: Written = nothing_written,
    spelled: Callable[[Location], str] = nothing_written,
) -> Iterator[Finding]:
    """Yields what in ``document`` is not as ``schema`` has it, each at the leaf to blame.

    ``written`` returns the text of a number or boolean as it was typed, ``spelled`` the name
    of a field in the file where it differs from the one in ``document``.
    """
    index = _ready(schema)
    if fits(document, index.schema):
        return iter(())
    from provisioner.manifests.schema.messages import all_findings

    errors = _validator()(index.schema).iter_errors(document)
    return all_findings([_violation(error, spelled) for error in errors], index, written)


def converted(
    document: Any, schema: Schema, written: Written = nothing_written, *, drop_empty: bool
) -> tuple[Any, tuple[Conversion, ...]]:
    """Returns a copy of ``document`` with its values as the Databricks CLI reads them.

    ``drop_empty`` leaves out keys without a value: right for manifests and bundles, and wrong
    for layers, where ``null`` removes.
    """
    converter = Converter(written, drop_empty=drop_empty)
    made = converter.converted(document, _ready(schema).schema)
    return made, tuple(converter.conversions)


def paths(schema: Schema) -> Iterator[FieldPath]:
    """The paths of all fields of ``schema``."""
    for name, homes in _ready(schema).homes.items():
        yield from ((*home, name) for home in homes)


def _ready(schema: Schema) -> FieldIndex:
    known = _READY.get(id(schema))
    if known is None:
        # The schema itself is kept too, so that its id stays its own.
        known = _READY[id(schema)] = (schema, FieldIndex.of(inlined(schema)))
    return known[1]


def _violation(error: ValidationError, spelled: Callable[[Location], str]) -> Violation:
    from provisioner.manifests.schema.messages import Violation

    at = tuple(error.absolute_path)
    return Violation(
        keyword=str(error.validator),
        expected=error.validator_value,
        at=at,
        spelled=spelled(at),
        value=error.instance,
        schema=error.schema if isinstance(error.schema, Mapping) else {},
        branches=_branches(error, spelled),
    )


def _branches(
    error: ValidationError, spelled: Callable[[Location], str]
) -> tuple[tuple[Violation, ...], ...]:
    """Returns the violations of each alternative of an ``anyOf``."""
    branches: dict[Any, list[Violation]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(_violation(inner, spelled))
    return tuple(tuple(violations) for violations in branches.values())


def _whole_number(_: Any, value: Any) -> bool:
    # The library takes 20.0 for an integer, and the service would be sent 20.0.
    return isinstance(value, int) and not isinstance(value, bool)


def _pattern(_: Any, pattern: str, value: Any, schema: Schema) -> Iterator[ValidationError]:
    from jsonschema import ValidationError

    if isinstance(value, str) and not anchored(pattern).search(value):
        yield ValidationError("does not match")


def _properties(
    validator: Any, properties: Schema, value: Any, schema: Schema
) -> Iterator[ValidationError]:
    """What the library does, but without looking twice at leaves that plainly fit."""
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        part = properties.get(name)
        if part is not None and not _plainly_fits(inner, part):
            yield from validator.descend(inner, part, path=name, schema_path=name)


def _plainly_fits(value: Any, part: Schema) -> bool:
    return part.get("type") == _PLAIN.get(type(value), "") and _LIMITS.isdisjoint(part)


_PLAIN = {str: "string", bool: "boolean"}
_LIMITS = frozenset(("enum", "const", "pattern", "minLength", "maxLength", "anyOf", "format"))


@cache
def _validator() -> Any:
    from jsonschema import Draft7Validator
    from jsonschema.validators import extend

    return extend(  # type: ignore[no-untyped-call] # untyped in types-jsonschema
        Draft7Validator,
        {"pattern": _pattern, "properties": _properties},
        type_checker=Draft7Validator.TYPE_CHECKER.redefine("integer", _whole_number),
    )
