"""``emulator advance``: moves the clock of a local workspace, so that nobody has to wait."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provisioner.commands.emulator.register import open_store


@dataclass(frozen=True, slots=True)
class ClockAdvance:
    """``now`` is the new time of the workspace, RFC 3339 in UTC; ``state`` its file."""

    seconds: float
    now: str
    state: str

    def summary(self) -> str:
        """One line for people."""
        return f"the clock of {self.state} is at {self.now} now"

    def to_json(self) -> dict[str, Any]:
        """The same for programs."""
        return asdict(self)


def advance(folder: Path | None, environment: str, state: str, seconds: float) -> ClockAdvance:
    """Move the clock forward, whether or not a server has the state file open.

    Raises as ``register.register``.
    """
    file, store = open_store(folder, environment, state)
    try:
        with store.transaction():
            offset_ms = store.fact("clock_offset_ms") + round(seconds * 1000)
            store.set_fact("clock_offset_ms", offset_ms)
        now = datetime.fromtimestamp(store.now_ms() / 1000, UTC)
    finally:
        store.close()
    return ClockAdvance(seconds, f"{now:%Y-%m-%dT%H:%M:%SZ}", file)
