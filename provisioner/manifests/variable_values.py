"""What single variables of an environment are worth, without its manifests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from provisioner.errors import FileError, Finding, Problem, Severity
from provisioner.errors.wording import listed
from provisioner.manifests.declaration import Declaration
from provisioner.manifests.layers import Layers
from provisioner.manifests.project import Environment
from provisioner.manifests.references import NoValueError
from provisioner.manifests.variables import (
    NOT_RELEASED,
    VARIABLES,
    Variables,
    declared_in,
    is_alias,
    releasing_command,
)
from provisioner.model.plan import Address
from provisioner.model.release import Alias, Released, Value
from provisioner.model.resource import Resource

# Resources that are left out of an environment until their variables are released to it.


def placeholders(declarations: Iterable[Declaration]) -> tuple[Resource, ...]:
    """What stands for those that are left out: their addresses and names, and no document."""
    return tuple(
        Resource(declaration.address, declaration.name, {}, where=declaration.where)
        for declaration in declarations
        if declaration.lacking
    )


def uses(declarations: Iterable[Declaration]) -> Mapping[str, tuple[Address, ...]]:
    """For each variable the sorted addresses that are made from it."""
    users: dict[str, list[Address]] = {}
    for declaration in declarations:
        for name in declaration.variables:
            users.setdefault(name, []).append(declaration.address)
    return {name: tuple(sorted(addresses)) for name, addresses in sorted(users.items())}


def mistakes(layers: Layers, environment: Environment) -> Iterator[Problem]:
    """Aliases that can never be pinned, and released values that nothing asks for."""
    yield from layers.variables.unreleased_aliases()
    yield from environment.release_file.unknown(environment.promotion.released)


def notes(declarations: Iterable[Declaration], environment: Environment) -> Iterator[Problem]:
    """A note for each that is left out, with the command that brings it in."""
    data = environment.source.data if environment.source else {}
    for declaration in declarations:
        if declaration.lacking:
            yield Problem(
                "W741",
                f"not released in {environment.name} yet: {listed(declaration.lacking)}; "
                f"`{declaration.address}` is skipped",
                declaration.where,
                releasing_command(data, environment.name, declaration.lacking),
                Severity.NOTE,
                str(declaration.address),
            )


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
