"""What declared resources are doing: reads only."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provisioner.kinds import KINDS
from provisioner.reading import read
from provisioner.resource import Live, Phase, Readiness, Resource
from provisioner.selection import selected
from provisioner.session import Session
from provisioner.status_row import StatusRow

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds that only go forward, and a way to let some pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def status(
    session: Session, select: Sequence[str], timeout_s: float, clock: Clock | None = None
) -> tuple[StatusRow, ...]:
    """The state of the selected resources, read again until nothing updates.

    ``timeout_s`` is how long to go on reading; 0 reads once. Raises as ``reading.read``.
    """
    clock = clock or Clock()
    resources = selected(session.loaded.resources, select)
    end, pause = clock.now() + timeout_s, FIRST_PAUSE_S
    while True:
        live = read(resources, (), session.drivers).live
        rows = tuple(_row(session, resource, live[resource.address]) for resource in resources)
        moving = any(row.readiness.phase is Phase.UPDATING for row in rows)
        left = end - clock.now()
        if not moving or left <= 0:
            return rows
        clock.sleep(min(pause, left))
        pause = min(pause * 2, LONGEST_PAUSE_S)


def _row(session: Session, resource: Resource, live: Live | None) -> StatusRow:
    if live is None:
        return StatusRow(resource.address, resource.name, Readiness(Phase.ABSENT))
    kind, readiness = KINDS[resource.address.kind], live.readiness
    if readiness.phase is Phase.FAILED:
        # Only a request of its own brings the tail of the build log.
        readiness = session.drivers[resource.address.kind].confirm(resource.name)
    serves = kind.describe(live) if kind.describe else ()
    return StatusRow(resource.address, resource.name, readiness, serves)


def status_code(rows: Sequence[StatusRow]) -> int:
    """0 when all are ready, 5 when some are still updating, else 1."""
    phases = {row.readiness.phase for row in rows}
    if phases - {Phase.READY, Phase.UPDATING}:
        return 1
    return 5 if Phase.UPDATING in phases else 0
