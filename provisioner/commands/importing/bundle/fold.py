"""A target laid over a bundle as the Databricks CLI does, and the override that says the same.

Source: databricks/cli libs/dyn/merge/merge.go and bundle/config/root.go. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.manifests.merge import DELETE
from provisioner.model.documents import entry_rule, parts_of_entry, split_of
from provisioner.model.field_rules import PLAIN, FieldRule
from provisioner.model.paths import Document


def mapping(value: Any) -> Document:
    """``value`` where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def folded(under: Any, over: Any) -> Any:
    """Returns ``over`` laid over ``under``: mappings merge, lists append, null changes nothing."""
    if over is None or under is None:
        return under if over is None else over
    if isinstance(under, dict) and isinstance(over, dict):
        names = dict.fromkeys((*under, *over))
        return {name: folded(under.get(name), over.get(name)) for name in names}
    if isinstance(under, list) and isinstance(over, list):
        return [*under, *over]
    return over


def without_empty(value: Any) -> Any:
    """Returns ``value`` without keys that have no value: in a bundle they are absent."""
    if isinstance(value, dict):
        return {name: without_empty(inner) for name, inner in value.items() if inner is not None}
    return [without_empty(inner) for inner in value] if isinstance(value, list) else value


def united(value: Any, rule: FieldRule) -> Any:
    """Returns ``value`` with entries of keyed lists that have one identity as one entry.

    The CLI appends the list of a target, and the service refuses two entries of one name:
    who writes such a target means to change the entry.
    """
    if isinstance(value, dict):
        return {name: united(inner, rule.fields.get(name, PLAIN)) for name, inner in value.items()}
    if not isinstance(value, list):
        return value
    folds: dict[object, Any] = {}
    for index, entry in enumerate(_all_parts(value, rule)):
        identity = identity_of(entry, rule) or index
        folds[identity] = folded(folds[identity], entry) if identity in folds else entry
    return [united(entry, entry_rule(rule)) for entry in folds.values()]


def identity_of(entry: Any, rule: FieldRule) -> tuple[str, ...]:
    """What tells ``entry`` from the others of its list; empty where nothing does."""
    if not rule.list_key or not isinstance(entry, dict):
        return ()
    values = [entry.get(name, rule.key_default.get(name)) for name in rule.list_key]
    if all(value is None for value in values):
        return ()
    return (*map(str, values), *filter(None, [split_of(entry, rule)]))


def _all_parts(entries: list[Any], rule: FieldRule) -> list[Any]:
    return [part for entry in entries for part in parts_of_entry(entry, rule)]


def difference(under: Any, wanted: Any, rule: FieldRule) -> Any:
    """Returns what has to be laid over the mapping ``under`` to make it ``wanted``.

    Lists whose entries have an identity are compared by entry, and what is gone is removed as
    overrides do it: with ``null``, and ``$delete: true`` for an entry.
    """
    made: Document = {}
    for name in dict.fromkeys((*under, *wanted)):
        inner = rule.fields.get(name, PLAIN)
        if name not in wanted:
            made[name] = None
        elif name not in under:
            made[name] = wanted[name]
        elif under[name] != wanted[name]:
            made[name] = _changed(under[name], wanted[name], inner)
    return made


def _changed(under: Any, wanted: Any, rule: FieldRule) -> Any:
    if isinstance(under, dict) and isinstance(wanted, dict):
        return difference(under, wanted, rule)
    if isinstance(under, list) and isinstance(wanted, list) and rule.list_key:
        return list(_changed_entries(under, wanted, rule))
    return wanted


def _changed_entries(under: list[Any], wanted: list[Any], rule: FieldRule) -> Iterator[Any]:
    under, wanted = _all_parts(under, rule), _all_parts(wanted, rule)
    known = {identity_of(entry, rule): entry for entry in under}
    kept = {identity_of(entry, rule) for entry in wanted}
    for entry in wanted:
        here = known.get(identity_of(entry, rule))
        if here is None:
            yield entry
        elif here != entry:
            yield {**_key(entry, rule), **difference(here, entry, entry_rule(rule))}
    for identity, entry in known.items():
        if identity not in kept:
            yield {**_key(entry, rule), DELETE: True}


def _key(entry: Mapping[str, Any], rule: FieldRule) -> Document:
    return {name: entry[name] for name in (*rule.list_key, *rule.split_by) if name in entry}
