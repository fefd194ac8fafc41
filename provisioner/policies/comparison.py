"""Comparisons of a value with what a policy wants: a table of operators."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final


def same(value: Any, wanted: Any) -> bool:
    """Equality as JSON has it: `true` is not 1."""
    return value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _matches(value: Any, wanted: re.Pattern[str]) -> bool:
    return isinstance(value, str) and wanted.search(value) is not None


Operator = Callable[[Any, Any], bool]

OPERATORS: Final[Mapping[str, Operator]] = {
    "equals": same,
    "in": lambda value, wanted: any(same(value, each) for each in wanted),
    "not_in": lambda value, wanted: not any(same(value, each) for each in wanted),
    "pattern": _matches,
    "min": lambda value, wanted: _number(value) and value >= wanted,
    "max": lambda value, wanted: _number(value) and value <= wanted,
}

WORDS: Final[Mapping[str, str]] = {
    "equals": "{}",
    "in": "one of {}",
    "not_in": "none of {}",
    "pattern": "text that matches {}",
    "min": "at least {}",
    "max": "at most {}",
}

FIELD_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "pattern": ("string",),
    "min": ("integer", "number"),
    "max": ("integer", "number"),
}
"""The JSON types that an operator is for: on another field it could only ever fail."""


@dataclass(frozen=True, slots=True)
class Comparisons:
    """All of them have to hold. ``wanted`` is by operator, as it stands in the policy."""

    wanted: Mapping[str, Any]
    checks: tuple[tuple[Operator, Any], ...]

    def hold(self, value: Any) -> bool:
        """Whether ``value`` meets every comparison; any value does where there is none."""
        return all(check(value, wanted) for check, wanted in self.checks)

    @property
    def words(self) -> str:
        """``at least 1 and at most 20``; ``""`` where there is no comparison."""
        wanted = self.wanted.items()
        return " and ".join(WORDS[name].format(_shown(value)) for name, value in wanted)


def comparisons(wanted: Mapping[str, Any]) -> Comparisons:
    """The comparisons of a mapping from operators. Raises re.error for a bad pattern."""
    checks = tuple(
        (OPERATORS[name], _pattern(value) if name == "pattern" else value)
        for name, value in wanted.items()
    )
    return Comparisons(wanted, checks)


def _pattern(text: str) -> re.Pattern[str]:
    # In Python `$` also matches before a line break at the end, which would let a value through.
    return re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", text))


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value))
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"
