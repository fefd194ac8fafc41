"""Documents as their rules see them: what can be compared, shown, and found by a path.

Live documents may hold anything that JSON can: nothing here raises because of what is in one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from provisioner.model.documents import entries_by_label
from provisioner.model.field_rules import FieldRule
from provisioner.model.paths import Key, Path
from provisioner.model.secret import MARK

# At most 18 digits: any such number is exact, and Python refuses to read very long ones.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,2})?")
_LARGEST = 10**18
_PYTHON = {"string": str, "integer": int, "number": int, "boolean": bool}


def comparable(document: Any, rules: FieldRule) -> Any:
    """``document`` reduced to what can be compared with the other side.

    Keyed lists become mappings. Nulls, write-only fields, fields that the model does not
    know, and mappings and lists that are or become empty are dropped. Numbers written as
    text, and the other way round, take the type that the model gives the field. Secret
    references stay as they are.
    """
    if isinstance(document, dict):
        if MARK in document:
            return document
        if rules.fields and not rules.list_key:
            return _comparable_fields(document, rules)
        if rules.mapping:
            return _comparable_entries(document)
        return _without_nulls(document)
    if isinstance(document, list):
        if rules.list_key:
            # Entries are paired by identity, because the order of most lists is not stable
            # [serving-api 3.4]:
            #   [{key: user, calls: 20}, {key: endpoint, calls: 90}]
            #   -> {"user": {key: user, calls: 20}, "endpoint": {key: endpoint, calls: 90}}
            # So a moved entry is no change, and a changed one is a change of its field alone.
            entries = entries_by_label(document, rules)
            return {label: _comparable_entry(entry, rules) for label, entry in entries.items()}
        if rules.fields:
            return [_comparable_entry(entry, rules) for entry in document]
        return [_without_nulls(entry) for entry in document]
    return _of_type(document, rules.type) if rules.type else document


def _comparable_entry(entry: Any, rules: FieldRule) -> Any:
    return _comparable_fields(entry, rules) if isinstance(entry, dict) else entry


def _comparable_fields(document: Mapping[str, Any], rules: FieldRule) -> dict[str, Any]:
    fields = rules.fields
    compared = {}
    for name, value in document.items():
        rule = fields.get(name)
        # The service adds fields to its answers at any time: compared, each would be a change that
        # no call can make. Null and absent mean the same to the service, and a write-only field is
        # never in its answers.
        if rule is None or value is None or rule.write_only:
            continue
        # Runs for every field of every endpoint: a value of the right type takes no call.
        if type(value) is not _PYTHON.get(rule.type):
            value = comparable(value, rule)
            if is_empty(value):
                continue
        compared[name] = value
    return compared


def _comparable_entries(document: Mapping[str, Any]) -> dict[str, Any]:
    reduced = {k: v if type(v) is str else _without_nulls(v) for k, v in document.items()}
    return {name: value for name, value in reduced.items() if not is_empty(value)}


def is_empty(value: Any) -> bool:
    """Whether ``value`` says no more than its absence would."""
    # Whether an empty list comes back as `[]` or is left out differs by field: tags, for one, are
    # left out [serving-api 10.5]. Neither may look like a change.
    return value is None or (not value and isinstance(value, dict | list))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nulls(inner) for k, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value


def _of_type(value: Any, name: str) -> Any:
    """``value`` in the JSON type ``name`` where only the spelling of a number differs."""
    # For Python `True` is an int, and would become the text "True".
    if isinstance(value, bool):
        return value
    if name == "string":
        # `entity_version: 3` in YAML and "3" in an answer are the same version.
        exact = isinstance(value, int) and abs(value) < _LARGEST
        return str(value) if exact else value
    if name == "integer" and isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if name == "number" and isinstance(value, str) and _NUMBER.fullmatch(value):
        return int(value) if _INTEGER.fullmatch(value) else float(value)
    return value


def readable(value: Any, rule: FieldRule) -> Any:
    """``value`` as it is shown: only what the model knows, no nulls, lists as lists.

    Unlike ``comparable`` it keeps what is write-only: who creates an entry sees all of it.
    """
    if isinstance(value, dict) and rule.fields and MARK not in value:
        return {
            name: readable(inner, rule.fields[name])
            for name, inner in value.items()
            if inner is not None and name in rule.fields
        }
    if isinstance(value, list) and rule.fields:
        return [readable(entry, rule) for entry in value]
    return _without_nulls(value)


def write_only_values(
    document: Any, rules: FieldRule, path: Path = ()
) -> Iterator[tuple[Path, Any, FieldRule]]:
    """Path, value and rule of everything in ``document`` that cannot be read back."""
    if isinstance(document, list) and rules.list_key:
        for label, entry in entries_by_label(document, rules).items():
            yield from _write_only_fields(entry, rules, (*path, Key(label)))
    elif isinstance(document, list) and rules.fields:
        for index, entry in enumerate(document):
            yield from _write_only_fields(entry, rules, (*path, Key(str(index))))
    else:
        yield from _write_only_fields(document, rules, path)


def _write_only_fields(
    document: Any, rules: FieldRule, path: Path
) -> Iterator[tuple[Path, Any, FieldRule]]:
    if not isinstance(document, dict):
        return
    held = rules.unread.keys() & document.keys()
    for name in [name for name in rules.unread if name in held] if len(held) > 1 else held:
        value, rule = document[name], rules.unread[name]
        if is_empty(value):
            continue
        if rule.write_only:
            yield (*path, name), value, rule
        else:
            yield from write_only_values(value, rule, (*path, name))


def visible(rules: FieldRule) -> FieldRule:
    """``rules`` for two desired documents, in which what is write-only can be compared too."""
    fields = {name: visible(rule) for name, rule in rules.fields.items()}
    return replace(rules, write_only=False, fields=fields)
