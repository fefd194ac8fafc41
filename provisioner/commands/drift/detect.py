"""``drift``: what differs from the manifests, and the category of each difference. Reads only.

Drift reads the same comparisons as a plan, with the same requests. It decides no calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from provisioner.commands.drift.history import explained
from provisioner.errors import Position
from provisioner.model.drift import Drift, DriftCategory, Drifted
from provisioner.model.live import Phase
from provisioner.model.plan import WRITE_ONLY, Action, Address, Cause, FieldChange, Source
from provisioner.model.selection import EVERYTHING, Selection
from provisioner.planning.comparison import ResourceComparison
from provisioner.planning.diff import by_path
from provisioner.planning.step_actions import step_action
from provisioner.planning.write_only import OWNER
from provisioner.workflow.plan import compare
from provisioner.workflow.scope import PlanOptions
from provisioner.workflow.session import Session

ORDER: Final = tuple(DriftCategory)
BEFORE_THE_UPDATE: Final = "the last update failed: what serves is what was there before"


@dataclass(frozen=True, slots=True)
class DriftReader:
    """One compared resource, read for drift."""

    compared: ResourceComparison

    def drift(self, category: DriftCategory, **facts: Any) -> Drift:
        """A difference of ``category``, with the other fields of ``Drift``."""
        pair = self.compared.pair
        return replace(Drift(pair.address, pair.name, category), **facts)

    def made(self) -> dict[str, str]:
        """Who created the live resource, and when, as far as the service tells."""
        live = self.compared.pair.live
        return {"by": live.history.creator, "at": live.history.created_at} if live else {}

    @property
    def reason(self) -> str:
        """Why a plan would do with the whole resource what it would do."""
        return step_action(self.compared).reason


def drift(session: Session, selection: Selection = EVERYTHING) -> tuple[Drift, ...]:
    """The differences of the selected resources, by address, then by category.

    Orphans only where nothing is selected. Raises as ``workflow.plan.compare``.
    """
    return look(session, selection).findings


def look(session: Session, selection: Selection = EVERYTHING) -> Drifted:
    """The same, with what it is about."""
    compared = compare(session, PlanOptions(selection))
    findings_of_all = [each for resource in compared.resources for each in findings(resource)]
    history = explained(session, findings_of_all, compared.reading.live)
    return Drifted(
        session.project.name,
        session.environment.name,
        session.host,
        resources=len(compared.resources),
        findings=tuple(sorted(history.findings, key=_rank)),
        source=Source(session.loaded.digest, session.git_commit),
        places=tuple(_places(session, {each.address for each in findings_of_all})),
        commits=history.commits,
    )


def _places(session: Session, wanted: set[Address]) -> Iterator[tuple[Address, Position]]:
    places = [(resource.address, resource.where) for resource in session.loaded.resources]
    places += [(removal.address, removal.where) for removal in session.loaded.removals]
    yield from ((address, where) for address, where in places if where and address in wanted)


def _rank(finding: Drift) -> tuple[Address, int, object]:
    return (finding.address, ORDER.index(finding.category), by_path(finding.path))


def findings(compared: ResourceComparison) -> Iterator[Drift]:
    """The differences of one resource, and its state.

    The first rule of ``WHOLE`` that applies is all there is to say about the fields.
    """
    reader = DriftReader(compared)
    whole = next((drift for rule in WHOLE if (drift := rule(reader))), None)
    yield from [whole] if whole else _fields(reader)
    yield from _state(reader)


def _orphan(reader: DriftReader) -> Drift | None:
    pair = reader.compared.pair
    if pair.desired or pair.removal:
        return None
    return reader.drift(DriftCategory.ORPHAN, reason=reader.reason)


def _removed(reader: DriftReader) -> Drift | None:
    """An entry of ``removed``, until the resource is gone, or not ours any more."""
    pair = reader.compared.pair
    if pair.removal is None or step_action(reader.compared).action is Action.KEEP:
        return None
    return reader.drift(DriftCategory.NOT_APPLIED, reason=f"{reader.reason}; it is still there")


def _gone(reader: DriftReader) -> Drift | None:
    pair = reader.compared.pair
    return None if pair.live or pair.desired is None else reader.drift(DriftCategory.GONE)


def _not_ours(reader: DriftReader) -> Drift | None:
    compared, owner = reader.compared, reader.compared.pair.owner
    may_differ = not compared.kind.is_owned or compared.is_existing
    if may_differ or owner in ("", compared.request.owner):
        return None
    return reader.drift(DriftCategory.NOT_OURS, owner=owner, **reader.made())


WHOLE: tuple[Callable[[DriftReader], Drift | None], ...] = (_orphan, _removed, _gone, _not_ours)
"""About a resource as a whole, the first one that applies."""


def _fields(reader: DriftReader) -> Iterator[Drift]:
    compared, pair = reader.compared, reader.compared.pair
    if pair.live is None or pair.desired is None:
        return
    recreated = compared.kind.is_owned and not pair.is_existing and not pair.owner
    if recreated:
        yield reader.drift(DriftCategory.RECREATED, **reader.made())
    elif pair.is_existing and compared.is_ours:
        reason = "somebody else creates it, and our tag is on it"
        yield reader.drift(DriftCategory.EDITED, path=OWNER, live=pair.owner, reason=reason)
    # Whoever creates a resource again takes the tags off with it: one finding says so.
    causes = {Cause.RESENT, *((Cause.OWNERSHIP, *WRITE_ONLY) if recreated else ())}
    yield from (_of_field(each, reader) for each in compared.pending if each.cause not in causes)


def _of_field(change: FieldChange, reader: DriftReader) -> Drift:
    live, planning = reader.compared.pair.live, reader.compared.kind.planning
    reason = change.reason
    if live and live.readiness.phase is Phase.FAILED and change.path[0] == planning.resent_field:
        reason = BEFORE_THE_UPDATE
    return reader.drift(
        category_of(reader.compared, change),
        path=change.path,
        declared=change.after,
        live=change.before,
        reason=reason,
        at=live.history.changed_at if live else "",
    )


def category_of(compared: ResourceComparison, change: FieldChange) -> DriftCategory:
    """The category of one difference: by its cause, else as the kind says, else an edit."""
    if change.cause in WRITE_ONLY:
        return DriftCategory.NOT_APPLIED
    of_kind = compared.kind.planning.drift_category
    return (of_kind(change) if of_kind else None) or DriftCategory.EDITED


def _state(reader: DriftReader) -> Iterator[Drift]:
    pair = reader.compared.pair
    category = STATES.get(pair.live.readiness.phase) if pair.live else None
    if pair.live and category and pair.desired is not None:
        readiness, at = pair.live.readiness, pair.live.history.changed_at
        plain = readiness.is_plain
        yield reader.drift(category, reason=readiness.message, is_plain=plain, at=at)


STATES: Final = {
    Phase.FAILED: DriftCategory.FAILED_UPDATE,
    Phase.UPDATING: DriftCategory.UPDATING,
    Phase.STOPPED: DriftCategory.STOPPED,
}
