"""What every report says of a drift, before any format is chosen: order and lines. Pure."""

from __future__ import annotations

from typing import Final

from provisioner.commands.drift.words import label_of, sides_of, told, words
from provisioner.commands.reports.view import LONGEST_VALUE, STYLE
from provisioner.model.drift import Drift, DriftCategory, Drifted
from provisioner.model.plan import Address
from provisioner.rendering.text import harmless_line
from provisioner.rendering.values import fitted

SORTS: Final = tuple(DriftCategory)


def by_resource(drifted: Drifted) -> list[list[Drift]]:
    """The differences of each resource, the resources with the worst sort first."""
    groups: dict[Address, list[Drift]] = {}
    for finding in drifted.findings:
        groups.setdefault(finding.address, []).append(finding)
    return sorted(
        groups.values(), key=lambda group: (SORTS.index(group[0].category), group[0].address)
    )


def line(finding: Drift) -> str:
    """``path  declared → live`` on one line, without the path of a whole resource."""
    if not finding.path:
        return ""
    return f"{label_of(finding, STYLE)}  {values(finding)}"


def values(finding: Drift) -> str:
    """``declared → live``, neither longer than can be read; nothing for a whole resource."""
    if not finding.path:
        return ""
    sides = fitted(sides_of(finding, STYLE), LONGEST_VALUE, STYLE.glyphs.ellipsis)
    return f" {STYLE.glyphs.arrow} ".join(sides)


def told_of(finding: Drift) -> str:
    """The sort and what else is known, in one line."""
    return harmless_line("; ".join((words(finding), *told(finding))))
