"""Two environments side by side as data for programs."""

from __future__ import annotations

from typing import Any

from provisioner.commands.diff.result import (
    EnvironmentDiff,
    FieldDifference,
    OnlyHere,
    Purpose,
    ResourceDifference,
    Side,
)
from provisioner.model.paths import path_text
from provisioner.model.plan import ABSENT

FORMAT_VERSION = 1


def to_json(found: EnvironmentDiff) -> dict[str, Any]:
    """The comparison; what one side does not have has no ``value`` there."""
    left, right = found.environments
    hosts = found.hosts or ("", "")
    return {
        "format_version": FORMAT_VERSION,
        "project": found.project,
        "live": found.hosts is not None,
        "left": {"environment": left, **({"host": hosts[0]} if hosts[0] else {})},
        "right": {"environment": right, **({"host": hosts[1]} if hosts[1] else {})},
        "summary": {
            "by_accident": found.fields(Purpose.BY_ACCIDENT),
            "on_purpose": found.fields(Purpose.ON_PURPOSE),
            "left_alone": found.fields(Purpose.LEFT_ALONE),
            "only_in_one": len(found.only),
            "same": found.same,
            "in_neither": found.absent,
        },
        "only": [_only(one) for one in found.only],
        "resources": [_resource(one) for one in found.differing],
    }


def _only(one: OnlyHere) -> dict[str, Any]:
    return {
        "address": str(one.address),
        "name": one.name,
        "environment": one.environment,
        "origin": one.origin,
        "purpose": _word(one.purpose),
        "reason": one.reason,
    }


def _resource(one: ResourceDifference) -> dict[str, Any]:
    left, right = one.names
    return {
        "address": str(one.address),
        "names": {"left": left, "right": right},
        "differences": [_field(field) for field in one.fields],
    }


def _field(field: FieldDifference) -> dict[str, Any]:
    return {
        "path": path_text(field.path),
        "purpose": _word(field.purpose),
        "reason": field.reason,
        "left": _side(field.left),
        "right": _side(field.right),
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        **({} if side.value is ABSENT else {"value": side.value}),
        **({} if side.declared is ABSENT else {"declared": side.declared}),
        "origin": side.origin,
        "references": list(side.words),
        "note": side.note,
    }


def _word(purpose: Purpose) -> str:
    return purpose.value.replace(" ", "_")
