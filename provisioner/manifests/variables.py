"""The variables of an environment: what they are worth, and what is wrong with them.

Pure: what the process's environment and the command line hold comes in as ``Outside``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from provisioner.errors import Finding, Location, Problem, Severity
from provisioner.manifests.outside import VARIABLE, Outside, meant, typed
from provisioner.manifests.references import (
    NoValueError,
    References,
    inside_a_text,
    words_in,
)
from provisioner.manifests.source import MOST_BYTES, Source

VARIABLES: Final = "variables"
OWN_NAME: Final = ("environment.name", "bundle.target", "target.name")


class Variables:
    """The values of one environment's variables. ``used`` are those that were asked for.

    ``source`` is the environment's file; None where there is none.
    """

    def __init__(self, environment: str, source: Source | None, outside: Outside) -> None:
        self._environment = environment
        self._source = source
        self._outside = outside
        self._declared = declared_in(source)
        self._given = outside.given()
        self._known: dict[str, Any] = {}
        self._hopeless: dict[str, NoValueError] = {}
        self.used: set[str] = set()

    def value(self, word: str) -> Any:
        """The value of ``${word}``. Raises NoValueError."""
        if word in OWN_NAME:
            return self._environment
        kind, _, name = word.partition(".")
        if kind == "var":
            return self._variable(name)
        if kind == "env":
            message = f"`${{{word}}}` is not allowed here"
            hint = (
                "it can be all of a `*_plaintext` field, or in a variable of the environment: "
                "`variables: {NAME: ${env.X}}`, and here `${var.NAME}`"
            )
            raise NoValueError("E121", message, hint)
        hint = "known are `${var.NAME}` and `${environment.name}`; `$${` is a plain `${`"
        raise NoValueError("E121", f"`${{{word}}}` refers to nothing", hint)

    def text(self, word: str) -> str:
        """The value of ``${word}`` as part of a text. Raises NoValueError."""
        return inside_a_text(self.value(word), self.written(f"${{{word}}}"), word)

    def written(self, reference: Any) -> str:
        """The number or boolean behind ``${var.NAME}`` as typed in the file; else ``""``."""
        if not isinstance(reference, str) or not self._source:
            return ""
        name = reference.removeprefix("${var.").removesuffix("}")
        return "" if name in self._given else self._source.written((VARIABLES, name))

    def origin(self, name: str) -> str:
        """Where the value of the variable is from: an option, or ``FILE:LINE``."""
        if name in self._given:
            return self._given[name][1]
        if not self._source:
            return ""
        place = self._source.position((VARIABLES, name))
        return f"{place.file}:{place.line}"

    def unused(self) -> Iterator[Problem]:
        """A warning for each variable that nothing asked for."""
        for name in self._declared:
            if name not in self.used and self._source:
                message = f"the variable `{name}` is not used"
                hint = f"use it as `${{var.{name}}}`, or take it out"
                at = (VARIABLES, name)
                finding = Finding(at, "W740", message, hint, Severity.WARNING, key=True)
                yield self._source.problem(finding)

    def _variable(self, name: str) -> Any:
        if name not in self._declared:
            file = self._source.text.file if self._source else "the environment's file"
            hint = meant(name, self._declared) or f"declare it below `{VARIABLES}:` in {file}"
            raise NoValueError("E215", f"there is no variable `{name}`", hint)
        self.used.add(name)
        if name in self._hopeless:
            raise self._hopeless[name]
        if name not in self._known:
            try:
                self._known[name] = self._evaluated(name)
            except NoValueError as error:
                # Remembered: many uses of many uses would ask for it again and again.
                self._hopeless[name] = error
                raise
        return self._known[name]

    def _evaluated(self, name: str) -> Any:
        declared = self._declared[name]
        if name in self._given:
            text, how = self._given[name]
            return typed(text, how, declared)
        inside = References(_Definition(self, name))
        value = inside.replaced(declared, (VARIABLES, name))
        if inside.findings:
            first = inside.findings[0]
            raise NoValueError(first.code, first.message, first.hint)
        if len(json.dumps(value)) > MOST_BYTES:
            message = f"the variable `{name}` becomes larger than {MOST_BYTES // 1_000_000} MB"
            raise NoValueError("E114", message)
        return value

    def from_process(self, word: str, name: str) -> str:
        """The value of ``${env.…}`` in the definition of ``name``. Raises NoValueError."""
        variable = word.partition(".")[2]
        value = self._outside.environ.get(variable)
        if value:
            return value
        place = self._source.position((VARIABLES, name)) if self._source else ""
        hint = f"`{name}` is made from it at {place}: set it, or give --var {name}=..."
        raise NoValueError("E218", f"the environment variable {variable} is not set", hint)


@dataclass(frozen=True, slots=True)
class _Definition:
    """What words mean in the definition of the variable ``name``: ``env`` is allowed."""

    variables: Variables
    name: str

    def value(self, word: str) -> Any:
        if word.startswith("env."):
            return self.variables.from_process(word, self.name)
        return self.variables.value(word)

    def text(self, word: str) -> str:
        if word.startswith("env."):
            return self.variables.from_process(word, self.name)
        return self.variables.text(word)


def declared_in(source: Source | None) -> Mapping[str, Any]:
    """The variables of an environment's file as they are written."""
    found: Mapping[str, Any] = source.data.get(VARIABLES, {}) if source else {}
    return found


def mistakes(source: Source) -> Iterator[Finding]:
    """What is wrong with the definitions themselves: names, references, circles."""
    declared = declared_in(source)
    refers: dict[str, list[tuple[Location, str]]] = {}
    for name, value in declared.items():
        at = (VARIABLES, name)
        if not VARIABLE.fullmatch(name):
            hint = "letters, digits and `_`, the first one not a digit"
            message = f"`{name}` cannot be the name of a variable"
            yield Finding(at, "E109", message, hint, key=True)
        refers[name] = []
        for place, word in words_in(value, at):
            other = word.removeprefix("var.")
            if other == word or other in declared:
                refers[name].append((place, other))
            else:
                message = f"there is no variable `{other}`"
                yield Finding(place, "E215", message, meant(other, declared))
    yield from _circles(refers)


def _circles(refers: Mapping[str, list[tuple[Location, str]]]) -> Iterator[Finding]:
    """Each circle once, at the first of its variables."""
    told: set[str] = set()
    for start in refers:
        way = _way_back(start, refers) if start not in told else []
        if way:
            told.update(way)
            circle = " → ".join(f"`{name}`" for name in [*way, start])
            message = f"the variable `{start}` is made from itself"
            yield Finding((VARIABLES, start), "E216", message, f"write one of them out: {circle}")


def _way_back(start: str, refers: Mapping[str, list[tuple[Location, str]]]) -> list[str]:
    """The variables on the shortest way from ``start`` to itself; empty without one."""
    ways, seen = [[start]], {start}
    for way in ways:
        for _, name in refers.get(way[-1], ()):
            if name == start:
                return way
            if name not in seen:
                seen.add(name)
                ways.append([*way, name])
    return []
