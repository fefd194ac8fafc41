"""Of which sort a difference is that nobody applied. Pure."""

from __future__ import annotations

from provisioner.drifted import Sort
from provisioner.kinds.secret_scopes import access
from provisioner.plan import ABSENT, FieldChange


def drift_sort(change: FieldChange) -> Sort | None:
    """The sort of ``change``; None for a plain edit.

    A key that is older than its ``rotated_at`` waits for an apply: nobody can have set it back.
    """
    if change.path[0] == access.FIELD:
        return Sort.PERMISSION_REMOVED if change.before is ABSENT else Sort.PERMISSION_CHANGED
    is_older = change.path[0] == "secrets" and change.before is not ABSENT
    return Sort.NOT_APPLIED if is_older else None
