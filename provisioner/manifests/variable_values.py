"""What single variables of an environment are worth, without its manifests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from provisioner.errors import FileError, Finding, Problem
from provisioner.manifests.project import Environment
from provisioner.manifests.references import NoValueError
from provisioner.manifests.variables import (
    NOT_RELEASED,
    VARIABLES,
    Variables,
    declared_in,
    is_alias,
)
from provisioner.model.release import Alias, Released, Value


def values(environment: Environment, names: Iterable[str]) -> Mapping[str, Value]:
    """Those of ``names`` that hold one value; what is not released yet has none.

    Raises FileError for what cannot be evaluated.
    """
    declared = declared_in(environment.source)
    known = [name for name in names if name in declared]
    evaluated = _asked(environment, known, lambda variables, name: variables.value(f"var.{name}"))
    return {name: value for name, value in evaluated.items() if isinstance(value, Value)}


def aliases(environment: Environment) -> Mapping[str, Alias]:
    """All variables that are written as aliases. Raises FileError."""
    declared = declared_in(environment.source)
    names = sorted(name for name in declared if is_alias(declared[name]))
    evaluated = _asked(environment, names, lambda variables, name: variables.alias(name))
    return {name: _alias(text) for name, text in evaluated.items()}


def with_released(environment: Environment, released: Mapping[str, Released]) -> Environment:
    """``environment`` as it would be with these entries in its release file."""
    promotion = environment.promotion
    releases = {**promotion.releases, **released}
    return replace(environment, promotion=replace(promotion, releases=releases))


def _asked(
    environment: Environment, names: Iterable[str], ask: Callable[[Variables, str], object]
) -> dict[str, object]:
    variables = Variables(
        environment.name, environment.source, environment.outside, environment.promotion
    )
    evaluated: dict[str, object] = {}
    problems: list[Problem] = []
    for name in names:
        try:
            evaluated[name] = ask(variables, name)
        except NoValueError as error:
            if error.code != NOT_RELEASED and environment.source:
                finding = Finding((VARIABLES, name), error.code, error.message, error.hint)
                problems.append(environment.source.problem(finding))
    if problems:
        raise FileError(problems)
    return evaluated


def _alias(text: object) -> Alias:
    model, _, name = str(text).rpartition("@")
    return Alias(model, name)
