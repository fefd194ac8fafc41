"""``for_each``: one block of a manifest that stands for a resource per element of a collection.

The collection is known offline and stands in a file, so that a review shows what comes and what
goes: its keys come from no process and from no release.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from provisioner.errors import Finding, Location, Problem
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.errors.wording import listed
from provisioner.manifests.envelope import KEY_HINT, PART_OF_KEY, Element, ManifestEntry
from provisioner.manifests.references import Meaning, NoValueError, inside_a_text, words_in
from provisioner.manifests.variables import Variables

FOR_EACH: Final = "for_each"
CODE: Final = "E124"
KEY: Final = "each.key"
VALUE: Final = "each.value"
MOST_ELEMENTS: Final = 1_000
"""In one block; a workspace takes as many endpoints."""

MOST_CHARACTERS: Final = 20_000_000
"""Of all that one block becomes: 1,000 elements of a usual endpoint take a tenth of it."""

EACH_PART: Final = re.compile(r"\$\{each\.value((?:\.[^.{}]+)*)\}")
"""A reference to the value of an element, or to a part of it."""

_WHOLE: Final = re.compile(r"\$\{var\.([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)
_HINT: Final = (
    "write `for_each: ${var.NAME}`. The variable must be a list of strings, or a mapping from "
    "keys to values"
)


class ElementNames:
    """What references in a block mean for one element; ``words`` are those of its value."""

    def __init__(self, names: Meaning, variables: Variables, element: Element) -> None:
        self._names = names
        self._variables = variables
        self._element = element
        self.words: set[str] = set()

    def value(self, word: str) -> Any:
        """The value of ``${word}``. Raises NoValueError."""
        if word == KEY:
            return self._element.key
        if word != VALUE and not word.startswith(f"{VALUE}."):
            return self._names.value(word)
        part, _ = self._part(word)
        self.words |= {inner for _, inner in words_in(part)}
        if not self._element.variable:
            return part
        # Only now, and only this part: what another element refers to may not be released yet.
        return self._variables.replaced_in(self._element.variable, part)

    def text(self, word: str) -> str:
        """The value of ``${word}`` as part of a text. Raises NoValueError."""
        if word != VALUE and not word.startswith(f"{VALUE}."):
            return self._names.text(word) if word != KEY else self._element.key
        at = self._element.location(self._part(word)[1])
        source = self._variables.source
        written = source.written(at) if source and self._element.variable else ""
        return inside_a_text(self.value(word), written, word)

    def _part(self, word: str) -> tuple[Any, Location]:
        """The part of the element that ``word`` names, as it is written, and where it is."""
        part, way = self._element.value, word.split(".")[2:]
        for name in way:
            if not isinstance(part, Mapping) or name not in part:
                known = list(part) if isinstance(part, Mapping) else []
                message = f"the element `{self._element.key}` has no field `{name}`"
                fallback = f"it has {listed(known, 'none')}"
                raise NoValueError(CODE, message, did_you_mean(name, known, fallback))
            part = part[name]
        return part, tuple(way)


def expanded(
    entry: ManifestEntry, variables: Variables, released: frozenset[str]
) -> Iterator[ManifestEntry | Finding]:
    """Yields ``entry`` once for each element of its ``for_each``; itself without one."""
    if FOR_EACH not in entry.document:
        yield entry
        return
    block = {name: value for name, value in entry.document.items() if name != FOR_EACH}
    try:
        elements = _elements(entry.document[FOR_EACH], variables, released)
        _refuse_explosion(block, len(elements))
    except NoValueError as error:
        yield Finding((*entry.at, FOR_EACH), error.code, error.message, error.hint)
        return
    for element in elements:
        key = f"{entry.key}/{element.key}"
        yield replace(entry, key=key, document=block, element=element)


def _elements(written: Any, variables: Variables, released: frozenset[str]) -> tuple[Element, ...]:
    """The elements of the collection ``written``. Raises NoValueError."""
    collection, variable = _collection(written, variables, released)
    if isinstance(collection, list):
        _refuse_no_keys(collection)
        elements = [Element(key, key, variable, (index,)) for index, key in enumerate(collection)]
    elif isinstance(collection, Mapping):
        elements = [Element(key, value, variable, (key,)) for key, value in collection.items()]
    else:
        raise NoValueError(CODE, "`for_each` is not a list or mapping", _HINT)
    for element in elements:
        if not re.fullmatch(PART_OF_KEY, element.key):
            message = f"`{element.key}` cannot be the key of an element"
            raise NoValueError(CODE, message, _of_process(element.key) or KEY_HINT)
    return tuple(elements)


def _collection(written: Any, variables: Variables, released: frozenset[str]) -> tuple[Any, str]:
    """The collection as it is written, and the variable that holds it. Raises NoValueError."""
    variable, seen = "", set[str]()
    while isinstance(written, str):
        whole = _WHOLE.fullmatch(written)
        if whole is None:
            raise NoValueError(
                CODE, "`for_each` is not a list or mapping", _of_process(written) or _HINT
            )
        variable = whole[1]
        if variable in released:
            message = f"the released variable `{variable}` cannot be used in `for_each`"
            hint = (
                "each promotion would create and delete resources: refer to the variable in "
                "the elements instead"
            )
            raise NoValueError(CODE, message, hint)
        # A circle is reported where the variables are.
        written = None if variable in seen else variables.collection(variable)
        seen.add(variable)
    return written, variable


def _of_process(text: str) -> str:
    if "${env." not in text:
        return ""
    return (
        "write the keys in a file: environment variables must not decide which resources are "
        "created and deleted"
    )


def _refuse_no_keys(collection: list[Any]) -> None:
    """Raise NoValueError for a list whose entries are not the keys of elements."""
    if any(isinstance(each, Mapping) for each in collection):
        hint = (
            "write a mapping from keys to values: the position in a list cannot identify a resource"
        )
        raise NoValueError(CODE, "`for_each` is a list of mappings", hint)
    for each in collection:
        if not isinstance(each, str):
            message = f"`{json.dumps(each)}` is not a string, so it cannot be a key"
            raise NoValueError(CODE, message, "put it in quotes")
    counts = Counter(collection)
    repeated = min((key for key in counts if counts[key] > 1), default=None)
    if repeated is not None:
        raise NoValueError(
            CODE, f"`{repeated}` is in the list twice", "keys must be unique: remove one of them"
        )


def _refuse_explosion(block: Mapping[str, Any], number: int) -> None:
    """Raise NoValueError for a block that becomes more than anybody means."""
    if number > MOST_ELEMENTS:
        message = f"`for_each` has {number:,} elements, but the maximum is {MOST_ELEMENTS:,}"
        raise NoValueError(CODE, message, "split it into several blocks")
    size = number * len(json.dumps(block))
    if size > MOST_CHARACTERS:
        message = f"the block would expand to {size // 1_000_000} MB with {number:,} elements"
        hint = f"the maximum is {MOST_CHARACTERS // 1_000_000} MB: split it"
        raise NoValueError(CODE, message, hint)


def merged(problems: list[Problem]) -> list[Problem]:
    """``problems`` with one for those that elements of a block have in common."""
    groups: dict[Problem, list[Problem]] = {}
    for problem in problems:
        shared = replace(problem, subject="") if "/" in problem.subject else problem
        groups.setdefault(shared, []).append(problem)
    return [_one_of(group) for group in groups.values()]


def _one_of(group: list[Problem]) -> Problem:
    first, *others = group
    if not others or "/" not in first.subject:
        return first
    return replace(first, subject=f"{first.subject} and {len(others)} more")
