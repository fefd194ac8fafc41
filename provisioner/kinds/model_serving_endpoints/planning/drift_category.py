"""Of which sort a difference is that nobody applied. Pure."""

from __future__ import annotations

from provisioner.kinds.model_serving_endpoints.planning import permissions
from provisioner.model.drift import DriftCategory
from provisioner.model.plan import ABSENT, FieldChange

VERSION_OF_ENTITY = ("config", "served_entities", "entity_version")


def drift_category(change: FieldChange) -> DriftCategory | None:
    """The sort of ``change``; None for a plain edit."""
    names = tuple(segment for segment in change.path if isinstance(segment, str))
    if names == VERSION_OF_ENTITY:
        return DriftCategory.VERSION
    if names[0] == permissions.FIELD:
        return _of_grant(change)
    return DriftCategory.TAG_ADDED if names == ("tags",) and change.after is ABSENT else None


def _of_grant(change: FieldChange) -> DriftCategory:
    if change.after is ABSENT:
        return DriftCategory.PERMISSION_ADDED
    return (
        DriftCategory.PERMISSION_REMOVED
        if change.before is ABSENT
        else DriftCategory.PERMISSION_CHANGED
    )
