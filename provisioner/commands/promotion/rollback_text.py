"""A rollback as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.model.plan import Address
from provisioner.model.release import Released
from provisioner.rendering.file_diff import diff_of
from provisioner.workflow.releases import ReleaseDraft


def diff(draft: ReleaseDraft) -> str:
    """The difference that the rollback makes in the release file."""
    return diff_of(draft.file, draft.before, draft.after)


def next_step(environment: str, affected: Sequence[Address]) -> str:
    """What to do after the file was written."""
    if not affected:
        return "written; no manifest uses it"
    selection = " ".join(f"--select {address.key}" for address in affected)
    return f"written; next: provisioner apply -e {environment} {selection}"


def to_json(
    draft: ReleaseDraft, after: Mapping[str, Released], affected: Sequence[Address]
) -> dict[str, Any]:
    """``{"file", "written", "resources", "variables": [{"name", "value", ...}]}``."""
    return {
        "file": draft.file,
        "written": True,
        "resources": [str(address) for address in affected],
        "variables": [
            {
                "name": name,
                "value": released.value,
                "rolled_back": released.rolled_back,
                "rejected": list(released.rejected),
            }
            for name, released in sorted(after.items())
        ],
    }
