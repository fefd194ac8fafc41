"""The variables of an environment: what they are worth, and what is wrong with them.

Pure: what the process's environment and the command line hold comes in as ``Outside``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from provisioner.errors import Finding, Location, Position, Problem, Severity, UsageError
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.manifests.given_values import VARIABLE, Outside, typed
from provisioner.manifests.promotion_source import PROMOTES_FROM
from provisioner.manifests.references import (
    NoValueError,
    References,
    inside_a_text,
    words_in,
)
from provisioner.manifests.yaml.source import MOST_BYTES, SourceFile
from provisioner.model.release import Promotion, Value

VARIABLES: Final = "variables"
RELEASED: Final = "released"
ALIAS: Final = "alias"
LONGEST_CHAIN: Final = 50
_ALIAS: Final = re.compile(r"[^@]+@[A-Za-z0-9_-]+", re.ASCII)


def declared_in(source: SourceFile | None) -> Mapping[str, Any]:
    """The variables of an environment's file as they are written.

    One that is only released, and has no value of its own in the file, is None.
    """
    if not source:
        return {}
    only_released: dict[str, Any] = dict.fromkeys(source.data.get(RELEASED, ()))
    return {**only_released, **source.data.get(VARIABLES, {})}


def is_alias(value: Any) -> bool:
    """Whether a variable is written as an alias of a registered model."""
    return isinstance(value, dict) and set(value) == {ALIAS}


def releasing_command(data: Mapping[str, Any], environment: str, names: Iterable[str]) -> str:
    """What gives the released variables ``names`` their values.

    ``data`` is the environment's file. An alias is pinned, and the rest is promoted.
    """
    wanted, declared = tuple(names), data.get(VARIABLES, {})
    aliases = [name for name in wanted if is_alias(declared.get(name))]
    others = [name for name in wanted if name not in aliases]
    source = [] if PROMOTES_FROM in data else ["--from ENVIRONMENT"]
    pin = ["provisioner pin -e", environment, *aliases]
    promote = ["provisioner promote", *source, "--to", environment, *others, "--write"]
    return "; ".join(" ".join(words) for words, some in ((pin, aliases), (promote, others)) if some)


def check_not_released(outside: Outside, data: Mapping[str, Any], environment: str) -> None:
    """Raise UsageError for values from outside for what the file ``data`` has as released.

    What serves must be what the release file says: reviewed, and proven before.
    """
    given = outside.given()
    problems = [
        Problem(
            "E708",
            f"{given[name][1]}: only the release file of {environment} may set `{name}`",
            hint="remove this value. To release another one, run "
            f"{releasing_command(data, environment, [name])}",
        )
        for name in data.get(RELEASED, ())
        if name in given
    ]
    if problems:
        raise UsageError(problems)


def mistakes(source: SourceFile) -> Iterator[Finding]:
    """What is wrong with the definitions themselves: names, references, circles."""
    declared = declared_in(source)
    refers: dict[str, list[tuple[Location, str]]] = {}
    for name, value in declared.items():
        at: Location = (VARIABLES, name)
        if not source.has(at):
            at = (RELEASED, source.data[RELEASED].index(name))
        if not VARIABLE.fullmatch(name):
            hint = "letters, digits and `_`, the first one not a digit"
            message = f"`{name}` cannot be the name of a variable"
            yield Finding(at, "E109", message, hint, key=True)
        if is_alias(value) and not _ALIAS.fullmatch(str(value[ALIAS])):
            message = f"`{value[ALIAS]}` is not an alias of a registered model"
            hint = "write `catalog.schema.model@alias`"
            yield Finding((*at, ALIAS), "E705", message, hint)
        refers[name] = []
        for place, word in words_in(value, at):
            other = word.removeprefix("var.")
            if other == word or other in declared:
                refers[name].append((place, other))
            else:
                message = f"there is no variable `{other}`"
                yield Finding(place, "E215", message, did_you_mean(other, declared))
    yield from _circles(refers)


def _circles(refers: Mapping[str, list[tuple[Location, str]]]) -> Iterator[Finding]:
    """Each circle once, at the first of its variables."""
    reported: set[str] = set()
    for start in refers:
        way = _way_back(start, refers) if start not in reported else []
        if way:
            reported.update(way)
            circle = " → ".join(f"`{name}`" for name in [*way, start])
            message = f"the variable `{start}` refers to itself"
            hint = f"replace one of the references with a value: {circle}"
            yield Finding((VARIABLES, start), "E216", message, hint)


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


NOT_RELEASED: Final = "E701"
_WHOLE: Final = re.compile(r"\$\{var\.([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)
ROLLOUT_WORDS: Final = ("rollout.new", "rollout.old", "rollout.endpoint")
OWN_NAME: Final = ("environment.name", "bundle.target", "target.name")


class Variables:
    """The values of one environment's variables. ``used`` are those that were asked for.

    ``source`` is the environment's file; None where there is none. What ``promotion`` says
    is released wins over the file.
    """

    def __init__(
        self,
        environment: str,
        source: SourceFile | None,
        outside: Outside,
        promotion: Promotion | None = None,
    ) -> None:
        self._environment = environment
        self._source = source
        self._outside = outside
        self._promotion = promotion or Promotion()
        self._declared = declared_in(source)
        self._given = outside.given()
        self._known: dict[str, Any] = {}
        self._hopeless: dict[str, NoValueError] = {}
        self._depth = 0
        self.used: set[str] = set()

    def value(self, word: str) -> Any:
        """The value of ``${word}``. Raises NoValueError."""
        if word in OWN_NAME:
            return self._environment
        if word in ROLLOUT_WORDS:
            # Filled in when the command runs: the versions are not known before.
            return f"${{{word}}}"
        kind, _, name = word.partition(".")
        if kind == "var":
            return self._variable(name)
        if kind == "env":
            message = f"`${{{word}}}` is not allowed here"
            hint = (
                "use it as the whole value of a `*_plaintext` field, or in a variable of the "
                "environment: write `variables: {NAME: ${env.X}}` there, and `${var.NAME}` here"
            )
            raise NoValueError("E121", message, hint)
        hint = "write `${var.NAME}` or `${environment.name}`, or `$${` for a literal `${`"
        hint = "use it only in a resource with `for_each`" if kind == "each" else hint
        # Words that only the Databricks CLI knows: its import replaces those that can be.
        if kind in ("resources", "workspace", "bundle", "variables"):
            hint = "for a bundle, `provisioner import --from-bundle FILE` replaces such references"
        raise NoValueError("E121", f"`${{{word}}}` is not a valid reference", hint)

    def text(self, word: str) -> str:
        """The value of ``${word}`` as part of a text. Raises NoValueError."""
        return inside_a_text(self.value(word), self.written(f"${{{word}}}"), word)

    def collection(self, name: str) -> Any:
        """What the file says about ``name``, references in it too. Raises NoValueError."""
        if name not in self._declared:
            self._variable(name)
        self.used.add(name)
        if name in self._given:
            hint = "remove that value: only a file may decide which resources exist"
            raise NoValueError("E124", f"`{name}` is set by {self._given[name][1]}", hint)
        return self._declared[name]

    def written(self, reference: Any) -> str:
        """The number or boolean behind ``${var.NAME}`` as typed in the file; else ``""``."""
        if not isinstance(reference, str) or not self._source:
            return ""
        name = reference.removeprefix("${var.").removesuffix("}")
        elsewhere = name in self._given or self._released(name) is not None
        return "" if elsewhere else self._source.written((VARIABLES, name))

    @property
    def source(self) -> SourceFile | None:
        """The environment's file."""
        return self._source

    def definition(self, data: Any, at: Location) -> Location | None:
        """Where in the environment's file the value at ``at`` of ``data`` stands.

        None where it is no reference, or only a part of a text, or its value is not written
        in that file: given from outside, released, or made from another variable.
        """
        for index, step in enumerate((*at, "")):
            # A variable may hold a whole mapping: the rest of the way is inside of it.
            whole = _WHOLE.fullmatch(data) if isinstance(data, str) else None
            if whole:
                return self._definition(whole[1], at[index:])
            try:
                data = data[step]
            except (KeyError, IndexError, TypeError):
                return None
        return None

    def _definition(self, name: str, rest: Location) -> Location | None:
        elsewhere = name in self._given or self._released(name) is not None
        place: Location = (VARIABLES, name, *rest)
        if elsewhere or not self._source or not self._source.has(place):
            return None
        # What is made from other variables stands in several places, and none is to blame alone.
        refers = any(True for _ in words_in(self._source.data[VARIABLES][name]))
        return None if refers else place

    def lacking(self, words: Iterable[str]) -> tuple[str, ...]:
        """The released variables behind ``words`` that have no value so far, sorted."""
        return tuple(sorted(name for name in self.behind(words) if self._is_lacking(name)))

    def behind(self, words: Iterable[str]) -> frozenset[str]:
        """The names of the variables that ``words`` refer to, also through other variables."""
        reached: set[str] = set()
        left = [word.removeprefix("var.") for word in words if word.startswith("var.")]
        while left:
            name = left.pop()
            if name not in reached and name in self._declared:
                reached.add(name)
                if self._released(name) is None:
                    inside = words_in(self._declared[name])
                    left += [word.removeprefix("var.") for _, word in inside]
        return frozenset(reached)

    def unreleased_aliases(self) -> Iterator[Problem]:
        """A problem for each alias that was asked for and can never stand for a version."""
        for name in sorted(self.used - set(self._promotion.released)):
            if self._source and is_alias(self._declared[name]):
                message = f"`{name}` is an alias, but it is not in `released`"
                pin = f"provisioner pin -e {self._environment} {name}"
                hint = f"write `released: [{name}]`, then run {pin}"
                yield self._source.problem(Finding((VARIABLES, name), "E704", message, hint))

    def alias(self, name: str) -> str:
        """The alias ``name`` with values in place of its references. Raises NoValueError."""
        return str(self.replaced_in(name, self._declared[name][ALIAS]))

    def aliases(self) -> Iterator[tuple[str, str]]:
        """Each variable that is pinned from an alias, and that alias, where it has a value."""
        for name in sorted(self._declared):
            if is_alias(self._declared[name]):
                try:
                    yield name, self.alias(name)
                except NoValueError:
                    # The variables that it is made from are told by themselves.
                    continue

    def origin(self, name: str) -> str:
        """Where the value of the variable is from: an option, or ``FILE:LINE``."""
        if name in self._given:
            return self._given[name][1]
        place = self._place(name)
        return f"{place.file}:{place.line}" if place else ""

    def _place(self, name: str) -> Position | None:
        """What is released stands in the release file, whatever the environment's says."""
        if self._released(name) is not None:
            return self._promotion.releases[name].where
        return self._source.position((VARIABLES, name)) if self._source else None

    def unused(self) -> Iterator[Problem]:
        """A warning for each variable that nothing asked for."""
        used = self.used | {
            word.removeprefix("var.")
            for name in self.used
            if is_alias(self._declared[name])
            for _, word in words_in(self._declared[name])
        }
        for name in self._declared:
            if name not in used and self._source:
                at: Location = (VARIABLES, name)
                if not self._source.has(at):
                    at = (RELEASED, self._promotion.released.index(name))
                message = f"the variable `{name}` is not used"
                hint = f"use it as `${{var.{name}}}`, or remove it"
                finding = Finding(at, "W740", message, hint, Severity.WARNING, key=True)
                yield self._source.problem(finding)

    def _variable(self, name: str) -> Any:
        if name not in self._declared:
            file = self._source.text.file if self._source else "the environment's file"
            hint = did_you_mean(name, self._declared, f"declare it under `{VARIABLES}:` in {file}")
            raise NoValueError("E215", f"there is no variable `{name}`", hint)
        self.used.add(name)
        if name in self._hopeless:
            raise self._hopeless[name]
        if name not in self._known:
            if self._depth >= LONGEST_CHAIN:
                message = f"more than {LONGEST_CHAIN} variables refer to each other in a chain"
                raise NoValueError("E114", message, "replace one of the references with a value")
            self._depth += 1
            try:
                self._known[name] = self._evaluated(name)
            except NoValueError as error:
                # Remembered: many uses of many uses would ask for it again and again.
                self._hopeless[name] = error
                raise
            finally:
                self._depth -= 1
        return self._known[name]

    def _released(self, name: str) -> Value | None:
        known = self._promotion.releases.get(name)
        return known.value if known and name in self._promotion.released else None

    def _is_lacking(self, name: str) -> bool:
        """Whether ``name`` itself is released, or an alias, and has no value so far."""
        declared = self._declared[name]
        return self._released(name) is None and (declared is None or is_alias(declared))

    def _evaluated(self, name: str) -> Any:
        released = self._released(name)
        if released is not None:
            return released
        if self._is_lacking(name):
            message = f"`{name}` has no value in {self._environment} yet"
            raise NoValueError(NOT_RELEASED, message, "release it with `promote` or `pin`")
        declared = self._declared[name]
        if name in self._given:
            text, how = self._given[name]
            return typed(text, how, declared)
        value = self.replaced_in(name, declared)
        if len(json.dumps(value)) > MOST_BYTES:
            limit = f"{MOST_BYTES // 1_000_000} MB"
            raise NoValueError("E114", f"the variable `{name}` expands to more than {limit}")
        return value

    def replaced_in(self, name: str, written: Any) -> Any:
        """``written``, a part of the definition of ``name``, resolved. Raises NoValueError."""
        inside = References(_Definition(self, name))
        value = inside.replaced(written, (VARIABLES, name))
        if inside.findings:
            first = inside.findings[0]
            raise NoValueError(first.code, first.message, first.hint)
        return value

    def from_process(self, word: str, name: str) -> str:
        """The value of ``${env.…}`` in the definition of ``name``. Raises NoValueError."""
        variable = word.partition(".")[2]
        value = self._outside.environ.get(variable)
        if value:
            return value
        place = self._source.position((VARIABLES, name)) if self._source else ""
        hint = f"`{name}` refers to it at {place}: set it, or pass --var {name}=..."
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
