"""What model services and model provider services have in common. Pure."""

from __future__ import annotations

from provisioner.model.plan import ABSENT, Action, Cause, FieldAction, FieldChange

TABLE = ("config", "inference_table")


def table_action(change: FieldChange) -> FieldAction | None:
    """An inference table may come and go as a whole, but not move."""
    names = tuple(segment for segment in change.path if isinstance(segment, str))
    if names[:2] != TABLE:
        return None
    whole = change.before is ABSENT or change.after is ABSENT
    # The service fills in the prefix where the manifest is silent.
    if names[2:] == ("table_name_prefix",) and change.after is ABSENT:
        return None
    return FieldAction(Action.UPDATE, Cause.DIFFERS) if whole else None
