"""Environments that would take their values from each other, round and round."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.errors import Finding, Problem
from provisioner.manifests.project import Environment
from provisioner.manifests.promotes import PROMOTES_FROM
from provisioner.promotion.chains import circles


def circle_problems(environments: Mapping[str, Environment]) -> list[Problem]:
    """A problem at each ``promotes_from`` that leads back to where it stands."""
    sources = {name: one.promotion.promotes_from for name, one in environments.items()}
    problems = []
    for circle in circles(sources):
        way = " → ".join(f"`{name}`" for name in (*circle, circle[0]))
        for name in circle:
            others = ", ".join(str(_place(environments[one])) for one in circle if one != name)
            finding = Finding(
                (PROMOTES_FROM,),
                "E726",
                f"values would go round in a circle: {way}",
                f"the rest of it is at {others}: take one out",
            )
            problems += [
                source.problem(finding) for source in [environments[name].source] if source
            ]
    return problems


def _place(environment: Environment) -> str:
    source = environment.source
    place = source.position((PROMOTES_FROM,)) if source else None
    return f"{place.file}:{place.line}" if place else environment.name
