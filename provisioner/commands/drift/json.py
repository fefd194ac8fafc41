"""Drift as JSON: its shape and the values of ``sort`` are relied on by other programs. Pure."""

from __future__ import annotations

from typing import Any

from provisioner.commands.drift.remedies import ways_out
from provisioner.model.drift import Drift, DriftCategory, Drifted
from provisioner.model.paths import path_text
from provisioner.model.plan import ABSENT
from provisioner.rendering.text import harmless

FORMAT_VERSION = 1


def to_json(drifted: Drifted) -> dict[str, Any]:
    """``{"drifted": N, "summary": {SORT: N}, "drift": [...], "ways_out": [...]}`` and whereof."""
    return {
        "format_version": FORMAT_VERSION,
        "project": drifted.project,
        "environment": drifted.environment,
        "workspace": {"host": drifted.host},
        "source": {"git_commit": drifted.source.git_commit, "digest": drifted.source.digest},
        "resources": drifted.resources,
        "commits": drifted.commits,
        "drifted": drifted.drifted,
        "summary": summary(drifted),
        "drift": entries(drifted),
        "ways_out": [{"command": each.command, "does": each.does} for each in ways_out(drifted)],
    }


def summary(drifted: Drifted) -> dict[str, int]:
    """How many differences there are of each category, zeros included."""
    categories = [finding.category for finding in drifted.findings]
    return {category.value: categories.count(category) for category in DriftCategory}


def entries(drifted: Drifted) -> list[dict[str, Any]]:
    """The differences; what is absent or unknown is left out."""
    places = dict(drifted.places)
    return [_entry(finding, str(places.get(finding.address, ""))) for finding in drifted.findings]


def _entry(finding: Drift, where: str) -> dict[str, Any]:
    texts = {
        "reason": finding.reason,
        "owner": finding.owner,
        "by": finding.by,
        "at": finding.at,
        "commit": finding.commit,
    }
    texts["where"] = where
    sides = {"declared": finding.declared, "live": finding.live}
    return {
        "address": str(finding.address),
        "name": finding.name,
        "sort": finding.category.value,
        "counts": finding.counts,
        **({"by_hand": True} if finding.by_hand else {}),
        **({"path": path_text(finding.path)} if finding.path else {}),
        **{name: value for name, value in sides.items() if value is not ABSENT},
        **{name: harmless(text) for name, text in texts.items() if text},
    }
