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
        Resource(one.address, one.name, {}, where=one.where) for one in declarations if one.lacking
    )


def uses(declarations: Iterable[Declaration]) -> Mapping[str, tuple[Address, ...]]:
    """For each variable the sorted addresses that are made from it."""
    found: dict[str, list[Address]] = {}
    for one in declarations:
        for name in one.variables:
            found.setdefault(name, []).append(one.address)
    return {name: tuple(sorted(addresses)) for name, addresses in sorted(found.items())}


def mistakes(layers: Layers, environment: Environment) -> Iterator[Problem]:
    """Aliases that can never be pinned, and released values that nothing asks for."""
    yield from layers.variables.unreleased_aliases()
    yield from environment.release_file.unknown(environment.promotion.released)


def notes(declarations: Iterable[Declaration], environment: Environment) -> Iterator[Problem]:
    """A note for each that is left out, with the command that brings it in."""
    data = environment.source.data if environment.source else {}
    for one in declarations:
        if one.lacking:
            yield Problem(
                "W741",
                f"not released in {environment.name} yet: {listed(one.lacking)}; "
                f"`{one.address}` is left out",
                one.where,
                releasing_command(data, environment.name, one.lacking),
                Severity.NOTE,
                str(one.address),
            )
