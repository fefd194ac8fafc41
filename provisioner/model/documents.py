"""Documents as a person would write them: fields in the order of the docs, no defaults. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from provisioner.model.field_rules import PLAIN, FieldRule


def names_in_order(names: Iterable[str], rule: FieldRule) -> list[str]:
    """``names`` in the order of the model; what it does not know stays behind, as it was."""
    found = list(names)
    known = {name: place for place, name in enumerate(rule.fields)}
    return sorted(found, key=lambda name: known.get(name, len(known)))


def in_order(value: Any, rule: FieldRule) -> Any:
    """``value`` with the fields of every mapping in the order of the model."""
    if isinstance(value, dict):
        names = names_in_order(value, rule) if rule.fields else list(value)
        return {name: in_order(value[name], rule.fields.get(name, PLAIN)) for name in names}
    if isinstance(value, list):
        entry = entry_rule(rule)
        return [in_order(one, entry) for one in value]
    return value


def in_fixed_order(value: Any, rule: FieldRule) -> Any:
    """``value`` with the entries of keyed lists sorted by what tells them apart.

    The order in which a service lists them is not stable.
    """
    if isinstance(value, dict):
        return {n: in_fixed_order(v, rule.fields.get(n, PLAIN)) for n, v in value.items()}
    if not isinstance(value, list):
        return value
    entries = [in_fixed_order(one, entry_rule(rule)) for one in value]
    if rule.list_key and all(isinstance(one, dict) for one in entries):
        entries.sort(key=lambda one: [str(one.get(name) or "") for name in rule.list_key])
    return entries


def without_defaults(value: Any, rule: FieldRule) -> Any:
    """``value`` without what says nothing: nulls, empty parts, and the service's own choices.

    Only values that the rules name as the service's choice are left out: what may be left to
    the service, but can be anything, somebody may have chosen.
    """
    if isinstance(value, dict) and rule.fields:
        return dict(_said(value, rule))
    if isinstance(value, list):
        entry = entry_rule(rule)
        return [_with_keys(one, without_defaults(one, entry), rule) for one in value]
    return value


def entry_rule(rule: FieldRule) -> FieldRule:
    """The rule of an entry of a list: the list's fields, and no key of its own."""
    return FieldRule(fields=rule.fields)


def _with_keys(entry: Any, made: Any, rule: FieldRule) -> Any:
    """``made`` of ``entry`` with all that tells it from the others, default or not."""
    if not isinstance(entry, dict):
        return made
    keys = {name: entry[name] for name in rule.list_key if entry.get(name) is not None}
    names = [name for name in entry if name in made or name in keys]
    return {name: made.get(name, keys.get(name)) for name in names}


def _said(value: dict[str, Any], rule: FieldRule) -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        inner_rule = rule.fields.get(name, PLAIN)
        made = without_defaults(inner, inner_rule)
        chosen = inner_rule.server_default and made in inner_rule.default_values
        if made is not None and made not in ({}, []) and not chosen:
            yield name, made
