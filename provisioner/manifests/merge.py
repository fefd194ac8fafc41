"""The one merge rule: what becomes of a document when another is laid over it. Pure.

Mappings merge. Lists whose entries have an identity merge by it. ``null`` removes, and so
does ``$delete: true``; everything else replaces. Every value remembers where it is from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from provisioner.errors import Location
from provisioner.model.documents import parts_of_entry, split_of
from provisioner.model.field_rules import PLAIN, FieldRule

DELETE: Final = "$delete"
Step = str | int


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value is from: a layer, and where it is there.

    ``inner`` has only the parts that are from elsewhere than their whole.
    """

    layer: str
    at: Location = ()
    inner: Mapping[Step, Origin] = field(default_factory=dict)

    def of(self, at: Location) -> Origin:
        """The place of what is at ``at`` inside of it."""
        place = self
        for step in at:
            # A step that `inner` does not name is from the same file as its whole.
            place = place.inner.get(step) or Origin(place.layer, (*place.at, step))
        return place


class PlacedValue(NamedTuple):
    """A value and its place."""

    value: Any
    place: Origin

    def part(self, step: Step) -> PlacedValue:
        return PlacedValue(self.value[step], self.place.of((step,)))


def laid_over(under: PlacedValue, over: PlacedValue, rule: FieldRule) -> PlacedValue:
    """``over`` laid over ``under``; fields and entries in the order of ``under``.

    What ``over`` removes and ``under`` does not have is no part of the result.
    """
    return _merged(under, over, rule, clean=True)


def laid_under(under: PlacedValue, over: PlacedValue, rule: FieldRule) -> PlacedValue:
    """The same for ``under`` that only fills up: fields and entries in ``over``'s order.

    What ``over`` removes and ``under`` does not have stays: there it means nothing.
    """
    made = _merged(under, over, rule, clean=False)
    return _ordered(made, over.value)


def _merged(under: PlacedValue, over: PlacedValue, rule: FieldRule, clean: bool) -> PlacedValue:
    if isinstance(under.value, dict) and isinstance(over.value, dict):
        return _mapping(under, over, rule, clean)
    if rule.list_key and _has_entries(under.value) and _has_entries(over.value):
        #     under  [{key: team, value: a}, {key: cost, value: 1}]
        #     over   [{key: cost, value: 2}, {key: tier, value: x}]
        #     made   [{key: team, value: a}, {key: cost, value: 2}, {key: tier, value: x}]
        # An override so changes one rate limit without repeating the others.
        return _keyed(under, over, rule, clean)
    if type(under.value) is type(over.value) and under.value == over.value:
        # What only says it again, such as the key of an entry, changes no origin.
        return under
    return _cleaned(over) if clean else over


def _mapping(under: PlacedValue, over: PlacedValue, rule: FieldRule, clean: bool) -> PlacedValue:
    merged: dict[str, PlacedValue] = {}
    for name in dict.fromkeys((*under.value, *over.value)):
        if name not in over.value:
            merged[name] = under.part(name)
        elif name not in under.value:
            if not (clean and _removes(over.value[name])):
                merged[name] = _cleaned(over.part(name)) if clean else over.part(name)
        elif not _removes(over.value[name]):
            inner = rule.fields.get(name, PLAIN)
            merged[name] = _merged(under.part(name), over.part(name), inner, clean)
    values = {name: part.value for name, part in merged.items()}
    inner_places: dict[Step, Origin] = {name: part.place for name, part in merged.items()}
    return PlacedValue(values, Origin(under.place.layer, under.place.at, inner_places))


def _keyed(under: PlacedValue, over: PlacedValue, rule: FieldRule, clean: bool) -> PlacedValue:
    additions = _parts(over, rule)
    # Reversed, so that the first of two entries of one identity is the one that is laid over.
    theirs = dict(reversed([(_identity(p.value, rule), i) for i, p in enumerate(additions)]))
    placed: list[PlacedValue] = []
    met: set[int] = set()
    # An entry of a keyed list has the fields of the list's rule, but no key of its own.
    entry_rule = FieldRule(fields=rule.fields)
    for part in _parts(under, rule):
        whole = theirs.get(_whole_identity(part.value, rule))
        index = theirs.get(_identity(part.value, rule), whole)
        # What is laid over without a part of the list's split is meant for every part.
        if index is None or (index in met and not (index == whole and rule.split_by)):
            placed.append(part)
            continue
        met.add(index)
        if not _removes_part(additions[index].value, rule):
            placed.append(_merged(part, additions[index], entry_rule, clean))
    # One that is written twice stays twice: the relations of the kind say so at its place.
    more = [part for index, part in enumerate(additions) if index not in met]
    if clean:
        more = [_cleaned(part) for part in more if not _removes_part(part.value, rule)]
    placed += more
    inner: dict[Step, Origin] = {index: part.place for index, part in enumerate(placed)}
    values = [part.value for part in placed]
    return PlacedValue(values, Origin(under.place.layer, under.place.at, inner))


def removals_of_nothing(
    under: Any, over: Any, rule: FieldRule, at: Location = ()
) -> Iterator[Location]:
    """Where ``over`` deletes an entry of a list that ``under`` does not have."""
    if isinstance(under, dict) and isinstance(over, dict):
        for name in over:
            inner = rule.fields.get(name, PLAIN)
            yield from removals_of_nothing(under.get(name), over[name], inner, (*at, name))
    elif rule.list_key and _has_entries(over):
        known: dict[str, Any] = {}
        for below in under if _has_entries(under) else ():
            for part in parts_of_entry(below, rule):
                known |= {_whole_identity(part, rule): below, _identity(part, rule): below}
        for index, entry in enumerate(over):
            here = known.get(_identity(entry, rule))
            if here is None and _removes(entry):
                yield (*at, index)
            elif here is not None:
                inner = FieldRule(fields=rule.fields)
                yield from removals_of_nothing(here, entry, inner, (*at, index))


def _ordered(made: PlacedValue, wanted: Any) -> PlacedValue:
    """The mapping ``made`` with the fields of ``wanted`` first, at every level."""
    if not isinstance(made.value, dict) or not isinstance(wanted, dict):
        return made
    names = [name for name in dict.fromkeys((*wanted, *made.value)) if name in made.value]
    parts = {name: _ordered(made.part(name), wanted.get(name)) for name in names}
    inner = {name: part.place for name, part in parts.items()}
    place = Origin(made.place.layer, made.place.at, {**made.place.inner, **inner})
    return PlacedValue({name: part.value for name, part in parts.items()}, place)


def _cleaned(part: PlacedValue) -> PlacedValue:
    """``part`` without what it only has in order to remove."""
    value = part.value
    if isinstance(value, dict):
        kept = {name: _cleaned(part.part(name)) for name in value if not _removes(value[name])}
        inner = {name: part.place for name, part in kept.items()}
        made = {name: part.value for name, part in kept.items()}
        return PlacedValue(made, Origin(part.place.layer, part.place.at, inner))
    if _has_entries(value):
        entries = [_cleaned(entry) for entry in _entries(part) if not _removes(entry.value)]
        places: dict[Step, Origin] = {index: entry.place for index, entry in enumerate(entries)}
        return PlacedValue(
            [entry.value for entry in entries], Origin(part.place.layer, part.place.at, places)
        )
    return part


def _removes(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and value.get(DELETE) is True)


def _has_entries(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def _entries(part: PlacedValue) -> list[PlacedValue]:
    return [part.part(index) for index in range(len(part.value))]


def _parts(list_value: PlacedValue, rule: FieldRule) -> list[PlacedValue]:
    """The entries; one that holds several fields of the list's split, as one for each."""
    return [
        PlacedValue(part, entry.place)
        for entry in _entries(list_value)
        for part in parts_of_entry(entry.value, rule)
    ]


def _removes_part(value: Any, rule: FieldRule) -> bool:
    """Whether ``value`` removes an entry, or all that the part of an entry is about."""
    part = split_of(value, rule)
    return _removes(value) or (bool(part) and value[part] is None)


def _identity(entry: Mapping[str, Any], rule: FieldRule) -> str:
    return _whole_identity(entry, rule) + split_of(entry, rule)


def _whole_identity(entry: Mapping[str, Any], rule: FieldRule) -> str:
    values = [entry.get(name, rule.key_default.get(name)) for name in rule.list_key]
    return json.dumps(values, sort_keys=True)
