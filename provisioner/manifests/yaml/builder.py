"""From YAML events to plain data, and beside it where every part stands in the text.

Everything is counted before it is built: PyYAML's own constructors follow nesting and
aliases without a bound, and its C loader crashes the interpreter on 30,000 brackets. Here
the parser is asked for one event at a time and never gets deeper than ``DEEPEST`` levels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from provisioner.errors import Finding, Span
from provisioner.manifests.yaml.text import Text

Scalar = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
_MAYBE = frozenset("-0123456789")
# 19 digits hold every 64-bit integer. With two digits of exponent nothing overflows to
# infinity or underflows to zero.
_NUMBER = re.compile(
    r"(?P<whole>-?(?:0|[1-9][0-9]{0,18}))(?P<rest>(?:\.[0-9]{1,17})?(?:[eE][-+]?[0-9]{1,2})?)"
)


def meaning(word: str) -> Scalar:
    """The value of the plain (unquoted) scalar ``word``."""
    if word in _WORDS:
        return _WORDS[word]
    if word[0] not in _MAYBE:
        return word
    number = _NUMBER.fullmatch(word)
    if number is None:
        return word
    return float(word) if number["rest"] else int(word)


DEEPEST = 100
MOST_NODES = 200_000

_FEWER = "an alias repeats the whole content of its anchor: do not use aliases inside anchors"

_TAG = re.compile(r"![^\s,\[\]{}]{0,40}")
_BRACES = re.compile(r"\{\{.*?\}\}[^\s,\]}]*")


class Mark(NamedTuple):
    """Where a value and its key stand.

    ``written`` is the text of a number, a boolean or a null as its author typed it.
    ``inner`` are the marks of what is inside, by field name or by index.
    """

    value: Span
    key: Span | None = None
    written: str = ""
    inner: Mapping[str | int, Mark] = {}


class TooMuchError(Exception):
    """The file would become too deep or too large; nothing more is read of it."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.message)


Built = tuple[Any, Mark]


class Builder:
    """Builds one document out of the events that ``next_event`` gives.

    ``findings`` collects what is wrong but does not keep the rest from being read.
    ``has_open_braces``: one of them is about braces without quotes.
    """

    def __init__(self, next_event: Callable[[], Any], text: Text) -> None:
        self._next = next_event
        self._text = text
        self._nodes = 0
        self._anchors: dict[str, Built | None] = {}
        self.findings: list[Finding] = []
        self.has_open_braces = False

    def node(self, event: Any, depth: int = 1, key: Span | None = None) -> Built:
        """The value that begins with ``event``. Raises TooMuchError."""
        kind = type(event)
        if kind is AliasEvent:
            return self._alias(event, depth, key)
        self._count(_span(event), depth)
        if event.tag is not None:
            self._tag(event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if kind is ScalarEvent:
            built = self._scalar(event, key)
        elif kind is MappingStartEvent:
            built = self._mapping(event, depth, key)
        else:
            built = self._sequence(event, depth, key)
        if event.anchor is not None:
            self._anchors[event.anchor] = built
        return built

    def _scalar(self, event: Any, key: Span | None) -> Built:
        word: str = event.value
        if event.style:
            return word, Mark(_span(event), key)
        value = meaning(word)
        return value, Mark(_span(event), key, "" if value is word else word)

    def _sequence(self, start: Any, depth: int, key: Span | None) -> Built:
        data: list[Any] = []
        inner: dict[str | int, Mark] = {}
        while type(event := self._next()) is not SequenceEndEvent:
            value, inner[len(data)] = self.node(event, depth + 1)
            data.append(value)
        return data, Mark(_collection(start, event), key, "", inner)

    def _mapping(self, start: Any, depth: int, key: Span | None) -> Built:
        data: dict[str, Any] = {}
        inner: dict[str | int, Mark] = {}
        merged: Built | None = None
        while type(event := self._next()) is not MappingEndEvent:
            span = _span(event)
            if type(event) is ScalarEvent and event.value == "<<" and not event.style:
                if merged is not None:
                    self._merged_twice(span)
                merged = self.node(self._next(), depth + 1, span)
                continue
            name = self._name(event, depth, start)
            value, mark = self.node(self._next(), depth + 1, span)
            if name is None:
                continue
            if name in data:
                self._duplicate(name, span, inner[name])
            data[name], inner[name] = value, mark
        if merged is not None:
            self._merge(merged, data, inner)
        return data, Mark(_collection(start, event), key, "", inner)

    def _name(self, event: Any, depth: int, mapping: Any) -> str | None:
        """The name of a field; None, and a finding, for anything that is not text."""
        is_plain = type(event) is ScalarEvent and event.tag is None and event.anchor is None
        if is_plain and (event.style or type(meaning(event.value)) is str):
            # By far the most frequent case, kept short.
            name: str = event.value
            return name
        value, _ = self.node(event, depth + 1)
        if isinstance(value, str):
            return value
        self._not_a_name(event, value, mapping)
        return None

    def _not_a_name(self, event: Any, value: Any, mapping: Any) -> None:
        braces = _BRACES.match(self._text.content, mapping.start_mark.index)
        if isinstance(value, dict) and braces:
            hint = f'put it in quotes: "{braces[0]}"'
            self.has_open_braces = True
            self._report("E118", "unquoted `${...}` or `{{...}}`", braces.span(), hint)
        elif isinstance(value, dict | list):
            message = "the name of a field must be a string, not a list or a mapping"
            self._report("E117", message, _span(event))
        else:
            word = self._text.content[slice(*_span(event))] or "null"
            message = f"the name of a field must be a string, and `{word}` is not"
            self._report("E117", message, _span(event), f'put it in quotes: "{word}"')

    def _alias(self, event: Any, depth: int, key: Span | None) -> Built:
        span = _span(event)
        name = event.anchor
        known = self._anchors.get(name)
        if known is None:
            self._count(span, depth)
            inside = name in self._anchors
            # Not named: it may be a password that begins with `*` and is not in quotes.
            message = (
                "this alias refers to a value that contains it"
                if inside
                else "no earlier anchor has this name"
            )
            self._report(
                "E119", message, span, "" if inside else "put it in quotes to make it a string"
            )
            return None, Mark(span, key)
        value, mark = known
        return self._copy(value, span, depth), Mark(span, key, mark.written, mark.inner)

    def _copy(self, value: Any, span: Span, depth: int) -> Any:
        """What an alias stands for, as data of its own: nothing is shared in a document."""
        self._count(span, depth, _FEWER)
        if isinstance(value, dict):
            return {name: self._copy(inner, span, depth + 1) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._copy(inner, span, depth + 1) for inner in value]
        return value

    def _merge(self, merged: Built, data: dict[str, Any], inner: dict[str | int, Mark]) -> None:
        """Add the fields behind ``<<`` that the mapping does not have itself."""
        value, mark = merged
        parts = [(value, mark)]
        if isinstance(value, list):
            parts = [(part, mark.inner[index]) for index, part in enumerate(value)]
        for part, place in parts:
            if not isinstance(part, dict):
                hint = "write `<<: *NAME` or `<<: [*NAME, *OTHER]`"
                self._report("E119", "`<<` merges mappings only", place.key or place.value, hint)
                continue
            for name, field in part.items():
                if name not in data:
                    data[name], inner[name] = field, place.inner[name]

    def _merged_twice(self, span: Span) -> None:
        hint = "merge several with `<<: [*NAME, *OTHER]`"
        self._report("E103", "`<<` is written twice in this mapping", span, hint)

    def _duplicate(self, name: str, span: Span, first: Mark) -> None:
        place = self._text.position((first.key or first.value)[0])
        hint = f"it is already at {place}: keep one of them"
        self._report("E103", f"`{name}` is written twice in this mapping", span, hint)

    def _tag(self, event: Any) -> None:
        # Before the tag there may be an anchor, after it the value.
        tag = _TAG.search(self._text.content, event.start_mark.index)
        span = tag.span() if tag else _span(event)
        message = f"YAML tags such as `{tag[0] if tag else event.tag}` are not allowed"
        hint = "remove it; to make a value a string, put it in quotes"
        self._report("E115", message, span, hint)

    def _report(self, code: str, message: str, span: Span, hint: str = "") -> None:
        self.findings.append(Finding((), code, message, hint, span=span))

    def _count(self, span: Span, depth: int, hint: str = "split the file") -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            message = f"more than {MOST_NODES:,} values, including those that aliases repeat"
            raise TooMuchError(Finding((), "E114", message, hint, span=span))
        if depth > DEEPEST:
            message = f"nested more than {DEEPEST} levels deep"
            raise TooMuchError(Finding((), "E113", message, span=span))


def _span(event: Any) -> Span:
    return event.start_mark.index, event.end_mark.index


def _collection(start: Any, end: Any) -> Span:
    """From the first bracket to the last; a block has no visible end, so only its start."""
    begin = start.start_mark.index
    return begin, end.end_mark.index if start.flow_style else begin
