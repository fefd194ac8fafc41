"""Resources that are left out of an environment until their variables are released to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from provisioner.errors import Problem, Severity
from provisioner.errors.wording import listed
from provisioner.manifests.declaration import Declaration
from provisioner.manifests.layers import Layers
from provisioner.manifests.project import Environment
from provisioner.manifests.variables import releasing_command
from provisioner.model.plan import Address
from provisioner.model.resource import Resource


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
                f"`{declaration.address}` is left out",
                declaration.where,
                releasing_command(data, environment.name, declaration.lacking),
                Severity.NOTE,
                str(declaration.address),
            )
