"""``drift``: what differs from the manifests, and of which sort each difference is. Reads only.

It is made from the same comparison as a plan, with the same requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from provisioner.commands.drift.history import explained
from provisioner.errors import Position
from provisioner.kinds import KINDS
from provisioner.model.drift import Drift, Drifted, Sort
from provisioner.model.kind import Kind
from provisioner.model.live import Live, Phase
from provisioner.model.plan import WRITE_ONLY, Action, Address, Cause, FieldChange, Source, Step
from provisioner.model.resource import Removal
from provisioner.planning.diff import by_path
from provisioner.planning.write_only import OWNER
from provisioner.workflow.plan import Compared, Wanted, compare
from provisioner.workflow.session import Session

ORDER: Final = tuple(Sort)
BEFORE_THE_UPDATE: Final = "the last update failed: what serves is what was there before"


@dataclass(frozen=True, slots=True)
class _Seen:
    """One resource: what a plan says of it, and what is live."""

    step: Step
    live: Live | None
    kind: Kind
    owner: str
    removal: Removal | None = None

    @property
    def changes(self) -> tuple[FieldChange, ...]:
        """The differences that an apply would not leave alone."""
        return tuple(one for one in self.step.changes if one.action is not Action.KEEP)

    def found(self, sort: Sort, **facts: Any) -> Drift:
        """A difference of ``sort``, with the other fields of ``Drift``."""
        return replace(Drift(self.step.address, self.step.name, sort), **facts)


def drift(session: Session, select: Sequence[str] = ()) -> tuple[Drift, ...]:
    """The differences of the selected resources, by address, then in the order of ``Sort``.

    Orphans only where nothing is selected. Raises as ``workflow.compare``.
    """
    return look(session, select).findings


def look(session: Session, select: Sequence[str] = ()) -> Drifted:
    """The same, with what it is about."""
    compared = compare(session, Wanted(select=tuple(select)))
    removals = {one.address: one for one in session.loaded.removals}
    found = [
        one
        for step in compared.steps
        for one in findings(_seen(step, compared, removals.get(step.address)))
    ]
    history = explained(session, found, compared.reading.live)
    return Drifted(
        session.project.name,
        session.environment.name,
        session.host,
        resources=len(compared.steps),
        findings=tuple(sorted(history.findings, key=_rank)),
        source=Source(session.loaded.digest, session.git_commit),
        places=tuple(_places(session, {one.address for one in found})),
        commits=history.commits,
    )


def _seen(step: Step, compared: Compared, removal: Removal | None) -> _Seen:
    live = compared.reading.live.get(step.address)
    return _Seen(step, live, KINDS[step.address.kind], compared.request.owner, removal)


def _places(session: Session, wanted: set[Address]) -> Iterator[tuple[Address, Position]]:
    found = [(one.address, one.where) for one in session.loaded.resources]
    found += [(one.address, one.where) for one in session.loaded.removals]
    yield from ((address, where) for address, where in found if where and address in wanted)


def _rank(one: Drift) -> tuple[Address, int, object]:
    return (one.address, ORDER.index(one.sort), by_path(one.path))


def findings(seen: _Seen) -> Iterator[Drift]:
    """What the first of the tables' rules that applies finds, and the state of the resource."""
    for rule in WHOLE:
        found = rule(seen)
        if found:
            yield found
            break
    else:
        yield from _fields(seen)
    yield from _state(seen)


def _orphan(seen: _Seen) -> Drift | None:
    if seen.step.action is not Action.ORPHAN:
        return None
    return seen.found(Sort.ORPHAN, reason=seen.step.reason)


def _removed(seen: _Seen) -> Drift | None:
    """An entry of ``removed``: it is the same as everybody wants once the step is a keep."""
    if seen.removal is None or seen.step.action is Action.KEEP:
        return None
    return seen.found(Sort.NOT_APPLIED, reason=f"{seen.step.reason}; it is still there")


def _gone(seen: _Seen) -> Drift | None:
    if seen.live or seen.step.desired is None:
        return None
    return seen.found(Sort.GONE)


def _not_ours(seen: _Seen) -> Drift | None:
    owner = seen.live.ownership.owner if seen.live else ""
    if not seen.kind.is_owned or seen.step.existing or owner in ("", seen.owner):
        return None
    return seen.found(Sort.NOT_OURS, owner=owner, **_made(seen))


WHOLE: tuple[Callable[[_Seen], Drift | None], ...] = (_orphan, _removed, _gone, _not_ours)
"""Of these the first one is all there is to say about the fields of a resource."""


def _fields(seen: _Seen) -> Iterator[Drift]:
    live, desired = seen.live, seen.step.desired
    if live is None or desired is None:
        return
    anew = seen.kind.is_owned and not seen.step.existing and not live.ownership.owner
    if anew:
        yield seen.found(Sort.RECREATED, **_made(seen))
    elif seen.step.existing and live.ownership.owner == seen.owner:
        reason = "somebody else creates it, and our tag is on it"
        yield seen.found(Sort.EDITED, path=OWNER, live=live.ownership.owner, reason=reason)
    for change in seen.changes:
        # Whoever makes it anew takes our marks off with it: that is said already.
        if change.cause is not Cause.RESENT and not (
            anew and (change.cause is Cause.OWNERSHIP or change.cause in WRITE_ONLY)
        ):
            yield _of_field(change, seen, live)


def _of_field(change: FieldChange, seen: _Seen, live: Live) -> Drift:
    sort = Sort.NOT_APPLIED if change.cause in WRITE_ONLY else None
    sort = sort or (
        seen.kind.planning.drift_category(change) if seen.kind.planning.drift_category else None
    )
    reason = change.reason
    if live.readiness.phase is Phase.FAILED and change.path[0] == seen.kind.planning.resent_field:
        reason = BEFORE_THE_UPDATE
    return seen.found(
        sort or Sort.EDITED,
        path=change.path,
        declared=change.after,
        live=change.before,
        reason=reason,
        at=live.history.changed_at,
    )


def _state(seen: _Seen) -> Iterator[Drift]:
    live = seen.live
    sort = STATES.get(live.readiness.phase) if live else None
    if live and sort and seen.step.desired is not None:
        readiness, at = live.readiness, live.history.changed_at
        plain = readiness.is_plain
        yield seen.found(sort, reason=readiness.message, is_plain=plain, at=at)


STATES: Final = {
    Phase.FAILED: Sort.FAILED_UPDATE,
    Phase.UPDATING: Sort.UPDATING,
    Phase.STOPPED: Sort.STOPPED,
}


def _made(seen: _Seen) -> dict[str, str]:
    history = seen.live.history if seen.live else None
    return {"by": history.creator, "at": history.created_at} if history else {}
