"""What declared resources are doing: reads only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from provisioner.errors import LoginError, WorkspaceError
from provisioner.kinds import KINDS
from provisioner.model.clock import Clock, SystemClock
from provisioner.model.live import Live, Phase, Readiness
from provisioner.model.plan import Address
from provisioner.model.resource import Resource
from provisioner.model.rollout import Sample
from provisioner.model.selection import Selection
from provisioner.model.serving import Served
from provisioner.workflow.live_reader import read
from provisioner.workflow.parallel import map_parallel, page_url
from provisioner.workflow.rollout import RolloutReport, standing_in
from provisioner.workflow.session import Session

PARALLELISM: Final = 8


@dataclass(frozen=True, slots=True)
class StatusRow:
    """Where one declared resource stands, and what it serves.

    ``changed_at`` is when it was last written, RFC 3339 in UTC; ``""`` where it is unknown.
    ``url`` is its page in the workspace. ``usage_policy`` is the id of the policy that its costs
    belong to, and ``metrics`` are those of the last minute: both only where they were asked for.
    ``no_metrics`` says why there are none. ``rollout`` is None where none is under way.
    """

    address: Address
    name: str
    readiness: Readiness
    serves: tuple[Served, ...] = ()
    changed_at: str = ""
    url: str = ""
    rollout: RolloutReport | None = None
    usage_policy: str = ""
    metrics: tuple[Sample, ...] = ()
    no_metrics: str = ""


FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
WATCH_PAUSE_S = 2.0


def read_status(
    session: Session, selection: Selection, timeout_s: float, clock: Clock | None = None
) -> tuple[StatusRow, ...]:
    """The state of the selected resources, read again until nothing updates.

    ``timeout_s`` is how long to go on reading; 0 reads once. Raises as ``reading.read``.
    """
    clock = clock or SystemClock()
    end, pause = clock.now() + timeout_s, FIRST_PAUSE_S
    while True:
        rows = observed(session, selection)
        left = end - clock.now()
        if is_settled(rows) or left <= 0:
            return rows
        clock.sleep(min(pause, left))
        pause = min(pause * 2, LONGEST_PAUSE_S)


def watch_status(
    session: Session, selection: Selection, timeout_s: float | None, clock: Clock | None = None
) -> Iterator[tuple[StatusRow, ...]]:
    """The state of the selected resources again and again.

    It ends when nothing updates any more, or after ``timeout_s``; without one it never does.
    """
    clock = clock or SystemClock()
    start = clock.now()
    while True:
        rows = observed(session, selection)
        yield rows
        over = timeout_s is not None and clock.now() - start >= timeout_s
        if over or (timeout_s is not None and is_settled(rows)):
            return
        clock.sleep(WATCH_PAUSE_S)


def observed(session: Session, selection: Selection) -> tuple[StatusRow, ...]:
    """The state of the selected resources now."""
    resources = selection.choose(session.loaded.resources)
    live = read(resources, (), session.drivers).live
    return tuple(_row(session, resource, live[resource.address]) for resource in resources)


def is_settled(rows: Sequence[StatusRow]) -> bool:
    """Whether nothing is updating."""
    return all(row.readiness.phase is not Phase.UPDATING for row in rows)


def _row(session: Session, resource: Resource, live: Live | None) -> StatusRow:
    if live is None:
        return StatusRow(resource.address, resource.name, Readiness(Phase.ABSENT))
    kind, readiness = KINDS[resource.address.kind], live.readiness
    if readiness.phase is Phase.FAILED:
        # Only a request of its own brings the tail of the build log.
        readiness = session.drivers[resource.address.kind].confirm(resource.name)
    serves = kind.runtime.describe(live) if kind.runtime.describe else ()
    changed_at = live.history.changed_at
    url = page_url(session.host, resource.address.kind, resource.name)
    rollout = standing_in(session, resource, live)
    row = StatusRow(resource.address, resource.name, readiness, serves, changed_at, url, rollout)
    return replace(row, usage_policy=live.usage_policy)


def status_code(rows: Sequence[StatusRow]) -> int:
    """0 when all are ready, 5 when some are still updating, else 1."""
    phases = {row.readiness.phase for row in rows}
    if phases - {Phase.READY, Phase.UPDATING}:
        return 1
    return 5 if Phase.UPDATING in phases else 0


def with_details(session: Session, rows: Sequence[StatusRow]) -> tuple[StatusRow, ...]:
    """``rows`` with usage policies and metrics: a list for each kind, and a request for each row.

    What the service does not tell is said in the row. Raises LoginError.
    """
    policies = {
        (kind, entry.name): entry.usage_policy
        for kind in {row.address.kind for row in rows}
        if KINDS[kind].is_owned
        for entry in session.drivers[kind].inventory() or ()
    }

    def detailed(row: StatusRow) -> StatusRow:
        known = policies.get((row.address.kind, row.name), "")
        return _measured(session, replace(row, usage_policy=row.usage_policy or known))

    return tuple(map_parallel(detailed, rows, PARALLELISM))


def _measured(session: Session, row: StatusRow) -> StatusRow:
    role = KINDS[row.address.kind].rollout
    if role is None or row.readiness.phase is not Phase.READY:
        return row
    try:
        return replace(row, metrics=role.sample(session.connection, row.name))
    except LoginError:
        raise
    except WorkspaceError as error:
        # Pay-per-token endpoints have none [serving-api 1.12].
        return replace(row, no_metrics=error.problems[0].message)
