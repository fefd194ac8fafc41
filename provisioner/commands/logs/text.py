"""Logs as text, each line marked with where it is from, and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provisioner.commands.logs.logs import EntityLog
from provisioner.rendering.text import harmless, harmless_line


def text(logs: Sequence[EntityLog]) -> str:
    """A line ``ENTITY build | ...`` for each line of a log."""
    return "".join(f"{line}\n" for log in logs for line in _lines(log))


def _lines(log: EntityLog) -> list[str]:
    where = f"{harmless_line(log.entity)} {log.source}"
    if log.reason:
        return [f"{where} | (cannot be read: {harmless_line(log.reason)})"]
    return [f"{where} | {harmless_line(line)}" for line in log.text.splitlines()] or [
        f"{where} | (empty)"
    ]


def to_json(logs: Sequence[EntityLog]) -> dict[str, Any]:
    """``{"logs": [{"entity", "source", "text", "reason"}]}``."""
    return {
        "logs": [
            {
                "entity": log.entity,
                "source": str(log.source),
                "text": harmless(log.text),
                "reason": harmless(log.reason),
            }
            for log in logs
        ]
    }
