"""``emulator fault``: makes one served entity of a local workspace fail or answer late."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provisioner.commands.emulator.register import open_store
from provisioner.errors import UsageError


@dataclass(frozen=True, slots=True)
class EntityFault:
    """``percent`` of the answers of an entity get ``status``, or come ``delay_ms`` later."""

    endpoint: str
    entity: str
    percent: int = 100
    status: int = 0
    delay_ms: int = 0

    def rule(self) -> dict[str, Any]:
        """The fault rule of the emulator."""
        action = {"status": self.status, "delay_ms": self.delay_ms}
        return {
            "path": f"/__provider__/{self.endpoint}/{self.entity}",
            "times": 0,
            "percent": self.percent,
            "action": {name: value for name, value in action.items() if value},
        }

    def summary(self) -> str:
        """One line for people."""
        what = f"fail with {self.status}" if self.status else f"take {self.delay_ms} ms longer"
        return f"{self.percent} % of the responses of {self.entity} in {self.endpoint} now {what}"

    def to_json(self) -> dict[str, Any]:
        """The same for programs."""
        return asdict(self)


def add_fault(folder: Path | None, environment: str, state: str, fault: EntityFault) -> None:
    """Add the fault. Raises as ``register.register``, and UsageError for one without effect."""
    from provisioner.emulator.faults.rules import add_rules
    from provisioner.emulator.http.routing import ApiError

    _, store = open_store(folder, environment, state)
    try:
        with store.transaction():
            add_rules(store, [fault.rule()])
    except ApiError as error:
        raise UsageError.of("E808", error.message.rstrip(".")) from error
    finally:
        store.close()


def clear_faults(folder: Path | None, environment: str, state: str) -> None:
    """Delete all faults. Raises as ``register.register``."""
    _, store = open_store(folder, environment, state)
    try:
        store.clear(["faults"])
    finally:
        store.close()


# ``emulator advance``: moves the clock of a local workspace, so that tests need not wait.


@dataclass(frozen=True, slots=True)
class ClockAdvance:
    """``now`` is the new time of the workspace, RFC 3339 in UTC; ``state`` its file."""

    seconds: float
    now: str
    state: str

    def summary(self) -> str:
        """One line for people."""
        return f"the clock of {self.state} is now at {self.now}"

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
