"""The order of environments: each after the one that it takes its values from. Pure."""

from __future__ import annotations

from collections.abc import Mapping

Sources = Mapping[str, str]
"""By environment the one that it promotes from; ``""`` for none."""


def ordered(sources: Sources) -> tuple[str, ...]:
    """All of ``sources``, chain by chain; those that begin a chain by name.

    There must be no circle.
    """
    found: list[str] = []
    for first in sorted(name for name, source in sources.items() if source not in sources):
        left = [first]
        while left:
            name = left.pop()
            found.append(name)
            left += sorted(targets(name, sources), reverse=True)
    return tuple(found)


def targets(name: str, sources: Sources) -> tuple[str, ...]:
    """The environments that promote from ``name``, sorted."""
    return tuple(sorted(one for one, source in sources.items() if source == name))


def circles(sources: Sources) -> tuple[tuple[str, ...], ...]:
    """Each circle once, beginning with the first of its names; in the order of promotion."""
    found: list[tuple[str, ...]] = []
    told: set[str] = set()
    for start in sorted(sources):
        way = [start]
        while sources.get(way[-1]) and sources[way[-1]] not in way:
            way.append(sources[way[-1]])
        if sources.get(way[-1]) == start and start not in told:
            told.update(way)
            found.append((start, *reversed(way[1:])))
    return tuple(found)
