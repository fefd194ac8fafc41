"""Documents and the field rules of their kind: the entries of keyed lists, places, order.

The fields that tell the entries of a list apart stand once, as ``KeyedBy`` on the model; the
label of an entry is made from them here, and nowhere else. Live documents may hold anything
that JSON can: nothing here raises because of what is in one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provisioner.errors import Location
from provisioner.model.field_rules import PLAIN, FieldRule
from provisioner.model.paths import Key, Path
from provisioner.model.plan import ABSENT


def names_in_order(names: Iterable[str], rule: FieldRule) -> list[str]:
    """``names`` in the order of the model; what it does not know stays behind, as it was."""
    ordered = list(names)
    known = {name: place for place, name in enumerate(rule.fields)}
    return sorted(ordered, key=lambda name: known.get(name, len(known)))


def in_order(value: Any, rule: FieldRule) -> Any:
    """``value`` with the fields of every mapping in the order of the model."""
    if isinstance(value, dict):
        names = names_in_order(value, rule) if rule.fields else list(value)
        return {name: in_order(value[name], rule.fields.get(name, PLAIN)) for name in names}
    if isinstance(value, list):
        entry = entry_rule(rule)
        return [in_order(item, entry) for item in value]
    return value


def in_fixed_order(value: Any, rule: FieldRule) -> Any:
    """``value`` with the entries of keyed lists sorted by what tells them apart.

    The order in which a service lists them is not stable.
    """
    if isinstance(value, dict):
        return {n: in_fixed_order(v, rule.fields.get(n, PLAIN)) for n, v in value.items()}
    if not isinstance(value, list):
        return value
    entries = [in_fixed_order(entry, entry_rule(rule)) for entry in value]
    if rule.list_key and all(isinstance(entry, dict) for entry in entries):
        names = (*rule.list_key, *rule.split_by)
        entries.sort(key=lambda entry: [str(entry.get(name) or "") for name in names])
    return entries


def without_defaults(value: Any, rule: FieldRule) -> Any:
    """``value`` without what says nothing: nulls, empty parts, and the service's own choices.

    Only values that the rules name as the service's choice are left out: what may be left to
    the service, but can be anything, a user may have chosen.
    """
    if isinstance(value, dict) and rule.fields:
        return dict(_said(value, rule))
    if isinstance(value, list):
        entry = entry_rule(rule)
        return [_with_keys(item, without_defaults(item, entry), rule) for item in value]
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


_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")

LabelledEntries = Mapping[str, Any]
"""The entries of a keyed list by their labels."""


def entries_by_label(entries: list[Any], rules: FieldRule) -> LabelledEntries:
    """The entries of a keyed list, as they stand, by their labels.

    A label is the text of the key field, or the texts of several, joined. Where the first
    of several is missing the names stand with the texts, because then the fields are
    alternatives (``group_name:analysts``). Nothing to go by gives ``""``. A repeated label
    gets ``#2``, ``#3``: live lists may repeat what a manifest may not. An entry that holds
    several of the fields that the list is split by has a label, and a part, for each.
    """
    return {label: entry for label, (_, entry) in _labelled(entries, rules).items()}


def indexes_by_label(entries: list[Any], rules: FieldRule) -> Mapping[str, int]:
    """The index of the entry of each label; two labels may share an entry."""
    return {label: index for label, (index, _) in _labelled(entries, rules).items()}


def _labelled(entries: list[Any], rules: FieldRule) -> dict[str, tuple[int, Any]]:
    entry_of_key: dict[str, tuple[int, Any]] = {}
    seen: dict[str, int] = {}
    for index, entry in enumerate(entries):
        for part in parts_of_entry(entry, rules):
            label = base = label_of(part, rules)
            while label in entry_of_key:
                seen[base] = seen.get(base, 0) + 1
                label = f"{base}#{seen[base] + 1}"
            entry_of_key[label] = (index, part)
    return entry_of_key


def parts_of_entry(entry: Any, rules: FieldRule) -> list[Any]:
    """``entry`` as one entry for each field in it that its list is split by."""
    if not rules.split_by or not isinstance(entry, dict):
        return [entry]
    held = [name for name in rules.split_by if name in entry]
    if len(held) < 2:
        return [entry]
    return [
        {name: value for name, value in entry.items() if name == part or name not in held}
        for part in held
    ]


def split_of(entry: Mapping[str, Any], rules: FieldRule) -> str:
    """The first field in ``entry`` that its list is split by, ``""`` where it holds none."""
    return next((name for name in rules.split_by if name in entry), "")


def label_of(entry: Any, rules: FieldRule) -> str:
    """The label of an entry of a keyed list, ``""`` where it has no key field."""
    if not isinstance(entry, dict):
        return ""
    names = rules.list_key
    texts = [_text(entry.get(name)) or rules.key_default.get(name, "") for name in names]
    if len(texts) == 1 and not rules.split_by:
        return texts[0]
    if not texts[0]:
        texts = [f"{name}:{text}" if text else "" for name, text in zip(names, texts, strict=True)]
    # The first of the fields is the usual one, and adds nothing to the label.
    part = split_of(entry, rules)
    texts += [part] if part not in rules.split_by[:1] else []
    return ":".join(filter(None, texts))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, sort_keys=True)


def paired_entries(
    wanted: LabelledEntries, actual: LabelledEntries
) -> tuple[LabelledEntries, LabelledEntries]:
    """Both sides; where each has a single entry and one is unnamed, under one label."""
    if len(wanted) == len(actual) == 1 and ("" in wanted or "" in actual):
        label = next(iter(actual)) or next(iter(wanted))
        (left,), (right,) = wanted.values(), actual.values()
        return {label: left}, {label: right}
    return wanted, actual


def value_at(document: Any, path: Path, rules: FieldRule) -> Any:
    """What ``document`` holds at ``path`` as it stands there; ABSENT for null or nothing.

    A single unnamed entry of a keyed list is found under any label.
    """
    value, rule = document, rules
    for segment in path:
        if isinstance(segment, Key):
            value = _entry_at(value, segment.value, rule)
        else:
            value = value.get(segment) if isinstance(value, dict) else None
            rule = rule.fields.get(segment, PLAIN)
        if value is None:
            return ABSENT
    return value


def _entry_at(value: Any, label: str, rule: FieldRule) -> Any:
    if isinstance(value, dict):
        return value.get(label)
    if not isinstance(value, list):
        return None
    if rule.list_key:
        entries, _ = paired_entries(entries_by_label(value, rule), {label: None})
        return entries.get(label)
    at = int(label) if _INDEX.fullmatch(label) else -1
    return value[at] if 0 <= at < len(value) else None


def location_of(document: Any, path: Path, rules: FieldRule) -> Location:
    """Field names and list indexes of ``path`` in ``document``, as far as it goes there."""
    at: list[str | int] = []
    value, rule = document, rules
    for segment in path:
        step: str | int | None
        if isinstance(segment, Key):
            step = _entry(value, segment.value, rule)
        else:
            step = segment if isinstance(value, dict) and segment in value else None
            rule = rule.fields.get(segment, PLAIN)
        if step is None:
            break
        value = value[step]
        at.append(step)
    return tuple(at)


def _entry(value: Any, label: str, rule: FieldRule) -> str | int | None:
    """The index, or the name, of the entry with this label; None where there is none."""
    if isinstance(value, dict):
        return label if label in value else None
    if not isinstance(value, list):
        return None
    if rule.list_key:
        indexes = indexes_by_label(value, rule)
        entries, _ = paired_entries(indexes, {label: None})
        return entries.get(label)
    return int(label) if label.isdecimal() and int(label) < len(value) else None
