"""From a path of a difference back to its place in a document. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from provisioner.errors import Location
from provisioner.model.field_rules import PLAIN, FieldRule
from provisioner.model.paths import Key, Path
from provisioner.planning.comparable import keyed, paired


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
        indexes = {name: at for at, name in enumerate(keyed(value, rule))}
        entries, _ = paired(indexes, {label: None})
        return entries.get(label)
    return int(label) if label.isdecimal() and int(label) < len(value) else None


def visible(rules: FieldRule) -> FieldRule:
    """``rules`` for two desired documents, in which what is write-only can be compared too."""
    fields = {name: visible(rule) for name, rule in rules.fields.items()}
    return replace(rules, write_only=False, fields=fields)
