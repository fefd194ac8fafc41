"""Paths of policies: which values of a document they stand for, and what is missing.

A path is written as in plans, with ``[*]`` for every entry of a list or of a free mapping.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from provisioner.errors import Location
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.model.documents import entries_by_label
from provisioner.model.field_rules import PLAIN, FieldRule
from provisioner.model.paths import Key, Path, Schema, parse_path
from provisioner.model.plan import ABSENT
from provisioner.policies.comparison import Comparisons

EACH: Final = Key("*")


class UnknownPathError(ValueError):
    """A path that no document of the kind can have. ``hint`` says what is there instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Match(NamedTuple):
    """A value at ``at``, or ABSENT: then ``field`` is what is missing in the part at ``at``."""

    at: Location
    value: Any
    field: str = ""


class _Stage(NamedTuple):
    """A segment with the rule of what it leads into; ``list_rule`` is of the list it is in."""

    segment: str | Key
    list_rule: FieldRule


@dataclass(frozen=True, slots=True)
class FieldPattern:
    """A checked path. ``last_each`` is the place of the last ``[*]`` in it, -1 for none.

    ``type`` is the JSON type of the field, ``""`` where it has none or several, and ``is_secret``
    says that its value is never shown.
    """

    text: str
    stages: tuple[_Stage, ...]
    last_each: int
    type: str = ""
    is_secret: bool = False

    @property
    def ends_with_each(self) -> bool:
        """Whether the path stands for the entries themselves."""
        return self.last_each == len(self.stages) - 1 and self.last_each >= 0

    def matches(self, document: Any, where: Tests = ()) -> Iterator[Match]:
        """Yields what the path stands for in ``document``.

        A value that is missing is yielded as ABSENT, but not behind a ``[*]`` that has no
        entries. ``where`` holds tests of the entries of the last ``[*]``.
        """
        return self._from(0, document, (), where)

    def _from(self, index: int, value: Any, at: Location, where: Tests) -> Iterator[Match]:
        for place in range(index, len(self.stages)):
            segment, rule = self.stages[place]
            if segment == EACH:
                yield from self._each(place, value, at, where)
                return
            step = _step(value, segment, rule)
            inner = None if step is None else value[step]
            if step is None or inner is None:
                # Behind nothing there are no entries that could lack anything.
                if self.last_each <= place or self.ends_with_each:
                    yield Match(at, ABSENT, str(segment).strip("[]"))
                return
            value, at = inner, (*at, step)
        yield Match(at, value)

    def _each(self, place: int, value: Any, at: Location, where: Tests) -> Iterator[Match]:
        steps: Any = range(len(value)) if isinstance(value, list) else ()
        if isinstance(value, dict):
            steps = tuple(value)
        is_last = place == self.last_each
        some = False
        for step in steps:
            if not is_last or all(test.holds(value[step]) for test in where):
                some = True
                yield from self._from(place + 1, value[step], (*at, step), where)
        if not some and self.ends_with_each and is_last:
            yield Match(at, ABSENT)


class FieldTest(NamedTuple):
    """A field and whether its value is as wanted; ``holds`` is False where it is missing."""

    pattern: FieldPattern
    comparisons: Comparisons

    def holds(self, document: Any) -> bool:
        """Whether some value at the path meets every comparison."""
        return any(
            match.value is not ABSENT and self.comparisons.hold(match.value)
            for match in self.pattern.matches(document)
        )


Tests = tuple[FieldTest, ...]


def _step(value: Any, segment: str | Key, rule: FieldRule) -> str | int | None:
    """The name or the index in ``value`` that ``segment`` means; None where there is none."""
    if isinstance(value, dict):
        name = segment.value if isinstance(segment, Key) else segment
        return name if name in value else None
    if not isinstance(value, list) or not isinstance(segment, Key):
        return None
    label = segment.value
    if len(rule.list_key) == 1:
        (name,) = rule.list_key
        entries = (entry.get(name) if isinstance(entry, dict) else None for entry in value)
        return next((index for index, text in enumerate(entries) if text == label), None)
    if rule.list_key:
        return {name: at for at, name in enumerate(entries_by_label(value, rule))}.get(label)
    return int(label) if label.isdecimal() and int(label) < len(value) else None


class Vocabulary(NamedTuple):
    """What a part of a document may hold: its schema, the whole schema, its rules."""

    schema: Schema
    root: Schema
    rules: FieldRule

    def pattern(self, text: str) -> FieldPattern:
        """The path ``text`` from this part on.

        Raises UnknownPathError for a path that leads to no field: it would check nothing.
        """
        walk = self._walk(_parsed(text), text)
        eaches = [place for place, stage in enumerate(walk.stages) if stage.segment == EACH]
        kind = _shape(walk.schema, self.root).get("type", "")
        type_ = kind if isinstance(kind, str) else ""
        last = eaches[-1] if eaches else -1
        return FieldPattern(text, walk.stages, last, type_, walk.is_secret)

    def entries(self, pattern: FieldPattern) -> Vocabulary:
        """What the entries of the last ``[*]`` of ``pattern`` may hold."""
        path = tuple(stage.segment for stage in pattern.stages[: pattern.last_each + 1])
        walk = self._walk(path, pattern.text)
        return Vocabulary(walk.schema, self.root, replace(walk.rules, list_key=()))

    def entry_values(self, name: str) -> str:
        """The only field beside the key in the entries of the list ``name``; ``""`` for none.

        ``tags: {tier: internal}`` in a policy means the entry's value by this.
        """
        rule = self.rules.fields.get(name, PLAIN)
        others = [field for field in rule.fields if field not in rule.list_key]
        return others[0] if len(rule.list_key) == len(others) == 1 else ""

    def _walk(self, path: Path, text: str) -> _Walk:
        node, rule, is_secret = self.schema, self.rules, False
        stages: list[_Stage] = []
        for segment in path:
            if isinstance(segment, Key):
                node = _entry(node, self.root, text, segment)
            else:
                node = _field(node, self.root, text, segment)
                rule = rule.fields.get(segment, PLAIN)
                is_secret = is_secret or rule.secret or rule.secret_reference
            stages.append(_Stage(segment, rule))
        return _Walk(tuple(stages), node, rule, is_secret)


class _Walk(NamedTuple):
    stages: tuple[_Stage, ...]
    schema: Schema
    rules: FieldRule
    is_secret: bool


def _parsed(text: str) -> Path:
    try:
        path = parse_path(text)
    except ValueError:
        path = ()
    if not path:
        raise UnknownPathError(f"`{text}` is not a path", "write it like `config.parts[*].field`")
    return path


def _field(node: Schema, root: Schema, text: str, name: str) -> Schema:
    shape = _shape(node, root)
    fields: Mapping[str, Schema] = shape.get("properties", {})
    if name in fields:
        return fields[name]
    if not fields and _is_free(shape):
        return {}
    entry = _inner(shape, root)
    if entry is not None and shape.get("type") == "array":
        hint = f"write `[*]` or `[KEY]` before the fields of its entries, as in `[*].{name}`"
    elif entry is not None:
        hint = f"write `[{name}]` instead of `.{name}`"
    else:
        hint = did_you_mean(name, fields)
    raise UnknownPathError(f"`{text}` is not a path of the schema: there is no `{name}`", hint)


def _entry(node: Schema, root: Schema, text: str, segment: Key) -> Schema:
    shape = _shape(node, root)
    entry = _inner(shape, root)
    if entry is None:
        message = f"`{text}` is not a path of the schema: nothing before `{segment}` has entries"
        raise UnknownPathError(message)
    return entry


def _inner(shape: Schema, root: Schema) -> Schema | None:
    """The schema of the entries of a list or of a free mapping; None for anything else."""
    if shape.get("type") == "array":
        return _shape(shape.get("items", {}), root)
    inner = shape.get("additionalProperties")
    if isinstance(inner, Mapping):
        return _shape(inner, root)
    return {} if _is_free(shape) else None


def _is_free(shape: Schema) -> bool:
    """Whether anything may be in it: a mapping of the service that has no fields of its own."""
    free = shape.get("additionalProperties", True) is not False
    return "properties" not in shape and shape.get("type", "object") == "object" and free


def _shape(node: Schema, root: Schema) -> Schema:
    """``node``, or what it refers to; of alternatives the first that is not null."""
    while "$ref" in node:
        node = root["definitions"][str(node["$ref"]).rpartition("/")[2]]
    choices = [choice for choice in node.get("anyOf", ()) if choice.get("type") != "null"]
    return _shape(choices[0], root) if choices else node
