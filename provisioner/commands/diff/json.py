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


def to_json(difference: EnvironmentDiff) -> dict[str, Any]:
    """The comparison; what one side does not have has no ``value`` there."""
    left, right = difference.environments
    hosts = difference.hosts or ("", "")
    return {
        "format_version": FORMAT_VERSION,
        "project": difference.project,
        "live": difference.hosts is not None,
        "left": {"environment": left, **({"host": hosts[0]} if hosts[0] else {})},
        "right": {"environment": right, **({"host": hosts[1]} if hosts[1] else {})},
        "summary": {
            "by_accident": difference.fields(Purpose.BY_ACCIDENT),
            "on_purpose": difference.fields(Purpose.ON_PURPOSE),
            "left_alone": difference.fields(Purpose.LEFT_ALONE),
            "only_in_one": len(difference.only),
            "same": difference.same,
            "in_neither": difference.absent,
        },
        "only": [_only(resource) for resource in difference.only],
        "resources": [_resource(resource) for resource in difference.differing],
    }


def _only(resource: OnlyHere) -> dict[str, Any]:
    return {
        "address": str(resource.address),
        "name": resource.name,
        "environment": resource.environment,
        "origin": resource.origin,
        "purpose": _word(resource.purpose),
        "reason": resource.reason,
    }


def _resource(resource: ResourceDifference) -> dict[str, Any]:
    left, right = resource.names
    return {
        "address": str(resource.address),
        "names": {"left": left, "right": right},
        "differences": [_field(field) for field in resource.fields],
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
