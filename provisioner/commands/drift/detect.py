"""``drift``: what differs from the manifests, and the category of each difference. Reads only.

Drift reads the same comparisons as a plan, with the same requests. It decides no calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as Folder
from typing import Any, Final, NamedTuple

from provisioner.errors import FileError, Position, RefusedError
from provisioner.files.git import git
from provisioner.files.git_snapshot import project_at
from provisioner.kinds import KINDS
from provisioner.manifests.project import FOLDER as ENVIRONMENTS
from provisioner.manifests.project import read_environment
from provisioner.model.drift import EITHER, Drift, DriftCategory, Drifted
from provisioner.model.live import Live, Phase
from provisioner.model.paths import overlaps
from provisioner.model.plan import WRITE_ONLY, Action, Address, Cause, FieldChange, Source
from provisioner.model.resource import Resource
from provisioner.model.rollout import FOR_A_PERSON, Why
from provisioner.model.selection import EVERYTHING, Selection
from provisioner.planning.comparison import ResourceComparison, pending_changes
from provisioner.planning.diff import by_path
from provisioner.planning.step_actions import step_action
from provisioner.planning.write_only import OWNER
from provisioner.workflow.environments import load_manifests
from provisioner.workflow.plan import compare
from provisioner.workflow.scope import PlanOptions
from provisioner.workflow.session import Session

ORDER: Final = tuple(DriftCategory)
BEFORE_THE_UPDATE: Final = "the last update failed: the previous config still serves"


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
    yield from _rollout(reader)
    yield from _state(reader)


def _orphan(reader: DriftReader) -> Drift | None:
    pair = reader.compared.pair
    if pair.desired or pair.removal:
        return None
    return reader.drift(DriftCategory.ORPHAN, reason=reader.reason)


def _removed(reader: DriftReader) -> Drift | None:
    """An entry of ``removed``, until the resource is gone, or managed by another project now."""
    pair = reader.compared.pair
    if pair.removal is None or step_action(reader.compared).action is Action.KEEP:
        return None
    return reader.drift(DriftCategory.NOT_APPLIED, reason=f"{reader.reason}; it still exists")


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
        record = compared.kind.ownership.words.of("this project")
        reason = f"declared with `existing: true`, but has {record}"
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


def _rollout(reader: DriftReader) -> Iterator[Drift]:
    """What waits for a person, but for what a person has asked for, and says so by a tag."""
    rollout = reader.compared.rollout
    if rollout is None or rollout.move is None or rollout.move.why not in DRIFTED_ROLLOUTS:
        return
    why = rollout.obstacle[0] if rollout.obstacle else rollout.move.why.sentence
    hint, live = rollout.move.why.hint(rollout.name), reader.compared.pair.live
    at = live.history.changed_at if live else ""
    yield reader.drift(DriftCategory.ROLLOUT, reason=f"{why}; {hint}", at=at)


DRIFTED_ROLLOUTS: Final = FOR_A_PERSON - {Why.PAUSED, Why.HELD, Why.FAILED}
"""A failed deployment has a category of its own."""


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


# Which differences earlier commits explain: what is live may be what a manifest once said.
# A manifest that was changed and not applied yet looks like an edit by hand, and the history can
# tell the two apart. No request is made for it; without a history nothing is explained.

MOST_COMMITS: Final = 20
"""Each costs about as much as ``validate``."""

SHORT: Final = 10
"""Characters of a commit's hash that are shown."""

Documents = Mapping[Address, Live | None]


class Commit(NamedTuple):
    """``date`` is the day on which it was committed."""

    identity: str
    date: str


@dataclass(frozen=True, slots=True)
class Explained:
    """``commits`` is how many earlier ones declare something else; 0: unknown."""

    findings: tuple[Drift, ...]
    commits: int = 0


def explained(session: Session, findings: Sequence[Drift], live: Documents) -> Explained:
    """``findings``; what an earlier commit declared as it is live is ``NOT_APPLIED``."""
    # By number: values may be mappings, so the differences themselves are no keys.
    left = {
        number: finding for number, finding in enumerate(findings) if finding.category in EITHER
    }
    commits: dict[int, Commit] = {}
    looked = 0
    for commit in _commits(session.project.root, _files(session, left.values())) if left else ():
        resources = _resources_at(session, commit)
        if resources is None:
            continue
        looked += 1
        matching = [
            number for number, finding in left.items() if _is_declared(finding, resources, live)
        ]
        commits |= dict.fromkeys(matching, commit)
        left = {number: finding for number, finding in left.items() if number not in commits}
        if not left:
            break
    explained_findings = (
        _told(finding, commits.get(number), looked) for number, finding in enumerate(findings)
    )
    return Explained(tuple(explained_findings), looked)


def _told(finding: Drift, commit: Commit | None, looked: int) -> Drift:
    if commit is None:
        return replace(finding, by_hand=bool(looked) and finding.category in EITHER)
    evidence = f"equal to commit {commit.identity[:SHORT]} of {commit.date}"
    reason = "; ".join(filter(None, (finding.reason, evidence)))
    return replace(
        finding, category=DriftCategory.NOT_APPLIED, reason=reason, commit=commit.identity
    )


def _files(session: Session, findings: Iterable[Drift]) -> list[str]:
    """The files that say what the resources of ``findings`` are to be."""
    about = {finding.address for finding in findings}
    declared = session.loaded.resources
    files = {
        resource.where.file for resource in declared if resource.where and resource.address in about
    }
    return [ENVIRONMENTS, *sorted(files)]


def _commits(root: Folder, files: Sequence[str]) -> Iterator[Commit]:
    """Those that changed one of ``files``, the last one first."""
    names = [f":(literal){file}" for file in files]
    try:
        listed = git(root, "log", f"-n{MOST_COMMITS}", "--format=%H %cs", "--", *names)
    except RefusedError:
        return
    for line in listed.text.splitlines() if listed.code == 0 else ():
        yield Commit(*line.split(" ", 1))


def _resources_at(session: Session, commit: Commit) -> Mapping[Address, Resource] | None:
    """What was declared for the environment then; None for the same as now, or if unreadable."""
    now = session.environment
    try:
        with project_at(session.project.root, commit.identity) as folder:
            then = read_environment(folder, now.name, now.outside)
            loaded = load_manifests(folder, then)
    except (FileError, RefusedError):
        return None
    if loaded.digest == session.loaded.digest:
        return None
    return {resource.address: resource for resource in loaded.resources}


def _is_declared(finding: Drift, resources: Mapping[Address, Resource], live: Documents) -> bool:
    """Whether ``resources`` differ from what is live in nothing that ``finding`` is about."""
    resource, there = resources.get(finding.address), live.get(finding.address)
    if resource is None or there is None or resource.name != finding.name:
        return False
    return not any(overlaps(change.path, finding.path) for change in _differences(resource, there))


def _differences(resource: Resource, live: Live) -> Iterable[FieldChange]:
    return pending_changes(resource, live, KINDS[resource.address.kind])
