"""In which fields a desired document differs from a live one. The only door to deepdiff."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from provisioner.model.documents import paired_entries, value_at
from provisioner.model.field_rules import PLAIN, FieldRule, rule_at
from provisioner.model.paths import Key, Path
from provisioner.model.plan import ABSENT, FieldChange
from provisioner.model.secret import MARK
from provisioner.planning.comparable import comparable, readable


class Difference(NamedTuple):
    """A place where two comparable documents differ; ABSENT where a side has nothing."""

    path: Path
    before: Any
    after: Any


_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def diff(desired: Any, live: Any, rules: FieldRule) -> tuple[FieldChange, ...]:
    """The fields in which ``desired`` differs from ``live``, sorted by path.

    Both are JSON in manifest vocabulary. A whole entry of a keyed list that only one side
    has is one change and shown as it stands there; everything else is told down to the
    field. 1 and 1.0 are equal, 1 and true are not; 1 and "1" are equal only where the
    model gives the field a type.
    """
    # Most resources are unchanged, and comparing them as they are saves both reductions.
    if same(desired, live):
        return ()
    wanted, actual = comparable(desired, rules), comparable(live, rules)
    differences = _differences(wanted, actual, rules, ())
    return tuple(
        FieldChange(
            path,
            before=_shown(before, live, path, rules),
            after=_shown(after, desired, path, rules),
        )
        for path, before, after in sorted(differences, key=lambda each: by_path(each.path))
    )


def by_path(path: Path) -> tuple[tuple[bool, str], ...]:
    """Sort key: field by field in the order of the letters, positions in a list by number."""
    return tuple((isinstance(segment, Key), _sortable(segment)) for segment in path)


def _sortable(segment: str | Key) -> str:
    text = segment.value if isinstance(segment, Key) else segment
    # `[10]` comes after `[9]`, not after `[1]`.
    return text.zfill(9) if text.isdecimal() else text


def _shown(value: Any, document: Any, path: Path, rules: FieldRule) -> Any:
    """Keyed lists are mappings in ``value``; people know them as they stand in ``document``."""
    if not isinstance(value, dict | list):
        return value
    original = value_at(document, path, rules)
    return value if original is ABSENT else readable(original, rule_at(rules, path))


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal, for which Python takes True and 1."""
    return left == right and _same_types(left, right)


def _same_types(left: Any, right: Any) -> bool:
    """Whether two values that are equal for Python have booleans in the same places."""
    if isinstance(left, dict):
        # Most values are texts: not calling for them halves the time of a plan's diffs.
        return all(type(v) is str or _same_types(v, right[key]) for key, v in left.items())
    if isinstance(left, list):
        return all(map(_same_types, left, right))
    return isinstance(left, bool) == isinstance(right, bool)


def _differences(wanted: Any, actual: Any, rule: FieldRule, path: Path) -> Iterator[Difference]:
    if same(wanted, actual):
        return
    ruled = rule.fields or rule.mapping or rule.list_key
    if not ruled or not _inside(wanted, actual):
        yield from _unruled(wanted, actual, path)
        return
    wanted, actual = _mapping(wanted), _mapping(actual)
    if rule.list_key:
        # A single unnamed entry is paired with the single live one: the service made up the name of
        # the latter, and both are the same entity.
        yield from _of_entries(*paired_entries(wanted, actual), rule, path)
    elif rule.fields:
        yield from _of_fields(wanted, actual, rule, path)
    else:
        yield from _of_entries(wanted, actual, rule, path)


def _inside(wanted: Any, actual: Any) -> bool:
    """Whether to look inside: both are mappings, and nothing counts as an empty one."""
    return all(
        value is ABSENT or (isinstance(value, dict) and MARK not in value)
        for value in (wanted, actual)
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _of_fields(
    wanted: Mapping[str, Any], actual: Mapping[str, Any], rule: FieldRule, path: Path
) -> Iterator[Difference]:
    for name in wanted.keys() | actual.keys():
        left, right = wanted.get(name, ABSENT), actual.get(name, ABSENT)
        yield from _differences(left, right, rule.fields.get(name, PLAIN), (*path, name))


def _of_entries(
    wanted: Mapping[str, Any], actual: Mapping[str, Any], rule: FieldRule, path: Path
) -> Iterator[Difference]:
    for label in wanted.keys() | actual.keys():
        left, right = wanted.get(label, ABSENT), actual.get(label, ABSENT)
        place = (*path, Key(label))
        if rule.fields and isinstance(left, dict) and isinstance(right, dict):
            yield from _of_fields(left, right, rule, place)
        else:
            yield from _unruled(left, right, place)


def _unruled(wanted: Any, actual: Any, path: Path) -> Iterator[Difference]:
    """Where two values differ of whose inside no rule is known."""
    if same(wanted, actual):
        return
    if type(wanted) is type(actual) and isinstance(wanted, dict | list):
        for inner, (before, after) in _asked(wanted, actual).items():
            yield Difference((*path, *inner), before, after)
    else:
        yield Difference(path, actual, wanted)


def _asked(wanted: Any, actual: Any) -> Mapping[Path, tuple[Any, Any]]:
    """Before and after by place, as deepdiff finds them; all at () where it finds nothing."""
    # Imported late: it takes longer to load than most plans take to make.
    from deepdiff import DeepDiff
    from deepdiff.helper import notpresent

    tree = DeepDiff(
        actual,
        wanted,
        view="tree",
        ignore_private_variables=False,
        # Its list comparison takes 1 for True; pair by pair it does not.
        zip_ordered_iterables=_holds_boolean(wanted) or _holds_boolean(actual),
    )
    places: dict[Path, tuple[Any, Any]] = {}
    for level in (level for levels in tree.values() for level in levels):
        level, steps = _outside_secrets(level)
        before, after = (ABSENT if side is notpresent else side for side in (level.t1, level.t2))
        if not same(before, after):
            path = tuple(map(_segment, steps))
            # In one place an entry may be taken out and, as the other side counts, one put in.
            old, new = places.get(path, (ABSENT, ABSENT))
            places[path] = (old if before is ABSENT else before, new if after is ABSENT else after)
    return places or {(): (actual, wanted)}


def _outside_secrets(level: Any) -> tuple[Any, list[Any]]:
    """deepdiff's ``level`` and its path, climbed out of a secret reference: it is one value."""
    steps = level.path(output_format="list")
    while MARK in steps:
        level = level.up
        steps = level.path(output_format="list")
    return level, steps


def _holds_boolean(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_boolean, value.values()))
    if isinstance(value, list):
        return any(map(_holds_boolean, value))
    return isinstance(value, bool)


def _segment(step: Any) -> str | Key:
    """A step of deepdiff's path: an index, or the name of a field."""
    return step if isinstance(step, str) and _FIELD.fullmatch(step) else Key(str(step))
