"""How an environment's file defines its variables, and what is wrong with the definitions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from provisioner.errors import Finding, Location, Problem, UsageError
from provisioner.manifests.outside import VARIABLE, Outside, meant
from provisioner.manifests.promotes import PROMOTES_FROM
from provisioner.manifests.references import words_in
from provisioner.manifests.source import Source

VARIABLES: Final = "variables"
RELEASED: Final = "released"
ALIAS: Final = "alias"
_ALIAS: Final = re.compile(r"[^@]+@[A-Za-z0-9_-]+", re.ASCII)


def declared_in(source: Source | None) -> Mapping[str, Any]:
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
            f"{given[name][1]}: `{name}` is released, so its value in {environment} is the "
            "release file's alone",
            hint=f"take it away; another value is released with: "
            f"{releasing_command(data, environment, [name])}",
        )
        for name in data.get(RELEASED, ())
        if name in given
    ]
    if problems:
        raise UsageError(problems)


def mistakes(source: Source) -> Iterator[Finding]:
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
            message = f"`{value[ALIAS]}` is no alias of a registered model"
            hint = "write `catalog.schema.model@alias`"
            yield Finding((*at, ALIAS), "E705", message, hint)
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
