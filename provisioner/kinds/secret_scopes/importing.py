"""A live scope as a manifest would describe it: its keys, but never a value. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from provisioner.errors import Location
from provisioner.kinds.secret_scopes import access, backend
from provisioner.portrait import Portrait, variable_name
from provisioner.resource import Live
from provisioner.semantics import Document

NOT_READ: Final = (
    "Values are never read back. A variable is needed only when its key is written again:",
    "when it is missing, with `rotated_at`, or with --rotate.",
)


def portray(live: Live, words: str) -> Portrait:
    """``live`` as a manifest describes it; ``words`` begin the names of its variables."""
    document: Document = {"name": live.name}
    in_vault = live.document.get(backend.TYPE) == backend.KEY_VAULT
    keys = sorted(live.document.get("secrets", {}))
    comments: dict[Location, Sequence[str]] = {}
    if keys and not in_vault:
        document["secrets"] = {key: {"from_env": variable_name(f"{words}_{key}")} for key in keys}
        comments[("secrets",)] = NOT_READ
    if live.document.get(access.FIELD):
        document[access.FIELD] = sorted(
            (dict(entry) for entry in live.document[access.FIELD]), key=lambda e: e["principal"]
        )
    if in_vault:
        document |= {name: live.document[name] for name in (backend.TYPE, backend.VAULT)}
    return Portrait(document, comments)
