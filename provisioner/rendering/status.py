"""The state of resources as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provisioner.rendering.text import harmless
from provisioner.resource import Phase
from provisioner.status_row import StatusRow

SYMBOLS = {
    Phase.READY: "✓",
    Phase.UPDATING: "…",
    Phase.FAILED: "✗",
    Phase.STOPPED: "■",
    Phase.NOT_READY: "✗",
    Phase.ABSENT: "·",
}


def text(rows: Sequence[StatusRow]) -> str:
    """A line for each resource, what it serves below it, and a count at the end."""
    width = max((len(str(row.address)) for row in rows), default=0)
    lines = [line for row in rows for line in _lines(row, width)]
    ready = sum(row.readiness.phase is Phase.READY for row in rows)
    return "\n".join([*lines, f"{ready} of {len(rows)} ready"])


def _lines(row: StatusRow, width: int) -> list[str]:
    readiness = row.readiness
    said = f": {harmless(readiness.message)}" if readiness.message else ""
    first = f"{SYMBOLS[readiness.phase]} {row.address!s:{width}}  {readiness.phase}{said}"
    return [first, *(f"    {harmless(line)}" for line in row.serves)]


def to_json(rows: Sequence[StatusRow]) -> dict[str, Any]:
    """``{"resources": [{"address", "name", "phase", "message", "serves"}]}``."""
    return {
        "resources": [
            {
                "address": str(row.address),
                "name": row.name,
                "phase": str(row.readiness.phase),
                "message": row.readiness.message,
                "serves": list(row.serves),
            }
            for row in rows
        ]
    }
