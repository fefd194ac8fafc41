"""Environments that would take their values from each other, round and round."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.errors import Finding, Problem
from provisioner.manifests.project import Environment
from provisioner.manifests.promotion_source import PROMOTES_FROM

Sources = Mapping[str, str]
"""By environment the one that it promotes from; ``""`` for none."""


def ordered(sources: Sources) -> tuple[str, ...]:
    """All of ``sources``, chain by chain; those that begin a chain by name.

    There must be no circle.
    """
    ordered_names: list[str] = []
    for first in sorted(name for name, source in sources.items() if source not in sources):
        left = [first]
        while left:
            name = left.pop()
            ordered_names.append(name)
            left += sorted(targets(name, sources), reverse=True)
    return tuple(ordered_names)


def targets(name: str, sources: Sources) -> tuple[str, ...]:
    """The environments that promote from ``name``, sorted."""
    return tuple(sorted(target for target, source in sources.items() if source == name))


def circles(sources: Sources) -> tuple[tuple[str, ...], ...]:
    """Each circle once, beginning with the first of its names; in the order of promotion."""
    cycles: list[tuple[str, ...]] = []
    reported: set[str] = set()
    for start in sorted(sources):
        way = [start]
        while sources.get(way[-1]) and sources[way[-1]] not in way:
            way.append(sources[way[-1]])
        if sources.get(way[-1]) == start and start not in reported:
            reported.update(way)
            cycles.append((start, *reversed(way[1:])))
    return tuple(cycles)


def circle_problems(environments: Mapping[str, Environment]) -> list[Problem]:
    """A problem at each ``promotes_from`` that leads back to where it stands."""
    sources = {
        name: environment.promotion.promotes_from for name, environment in environments.items()
    }
    problems = []
    for circle in circles(sources):
        way = " → ".join(f"`{name}`" for name in (*circle, circle[0]))
        for name in circle:
            others = ", ".join(
                str(_place(environments[member])) for member in circle if member != name
            )
            finding = Finding(
                (PROMOTES_FROM,),
                "E726",
                f"the environments promote in a cycle: {way}",
                f"the other parts of the cycle are at {others}: remove one of them",
            )
            problems += [
                source.problem(finding) for source in [environments[name].source] if source
            ]
    return problems


def _place(environment: Environment) -> str:
    source = environment.source
    place = source.position((PROMOTES_FROM,)) if source else None
    return f"{place.file}:{place.line}" if place else environment.name
