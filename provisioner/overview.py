"""What declared resources are doing, and questions to them: reads only."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from provisioner.errors import UsageError
from provisioner.kinds import KINDS
from provisioner.question import Answer, Question
from provisioner.reading import read
from provisioner.resource import Live, Phase, Readiness, Resource, StatusRow
from provisioner.selection import selected
from provisioner.session import Session

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


def ask(session: Session, name: str, question: Question) -> Answer:
    """Put ``question`` to the resource ``name``: its key, address or name in the workspace.

    A name that no manifest declares is asked all the same: pay-per-token endpoints are
    in no manifest. Raises UsageError when the kind of a declared one takes no question.
    """
    for resource in session.loaded.resources:
        if name in (resource.name, resource.address.key, str(resource.address)):
            put = KINDS[resource.address.kind].ask
            if put:
                return put(session.connection, resource.name, question)
    undeclared = [kind.ask for kind in KINDS.values() if kind.ask]
    if "." in name or not undeclared:
        known = [str(r.address) for r in session.loaded.resources]
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean `{close[0]}`?" if close else ""
        raise UsageError.of("E810", f"`{name}` cannot be asked", hint)
    return undeclared[0](session.connection, name, question)
