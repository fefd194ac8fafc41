"""Which differences earlier commits explain: what is live may be what a manifest once said.

A manifest that was changed and not applied yet looks like an edit by hand, and the history
can tell the two apart. No request is made for it; without a history nothing is explained.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as Folder
from typing import Final, NamedTuple

from provisioner.errors import FileError, RefusedError
from provisioner.files.git import git
from provisioner.files.git_snapshot import project_at
from provisioner.kinds import KINDS
from provisioner.manifests.load import load
from provisioner.manifests.project import FOLDER as ENVIRONMENTS
from provisioner.manifests.project import read_environment
from provisioner.model.drift import EITHER, Drift, DriftCategory
from provisioner.model.live import Live
from provisioner.model.paths import overlaps
from provisioner.model.plan import Address, FieldChange
from provisioner.model.resource import Resource
from provisioner.planning.comparison import pending_changes
from provisioner.workflow.session import Session

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
    """``commits`` is how many earlier ones declare something else; 0: nobody knows."""

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
    evidence = f"as {commit.identity[:SHORT]} of {commit.date} declared it, still or again"
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
            loaded = load(folder, then, KINDS)
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
