"""``history``: what was released when and by whom, from release files and from git. Offline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from provisioner.commands.promotion.participants import (
    Participants,
    nothing_released,
    participants_of,
)
from provisioner.errors import FileError
from provisioner.files import git
from provisioner.manifests.release_file import releases_in
from provisioner.model.release import Released, Value, release_path
from provisioner.workflow.project import Project


@dataclass(frozen=True, slots=True)
class ReleaseEvent:
    """``released`` is the entry after it, ``before`` the value so far.

    ``commit``, ``author``, ``committed_at`` (RFC 3339) and ``subject`` are of the commit that
    brought it, ``""`` where git does not know it: not committed, or no git.
    """

    environment: str
    variable: str
    released: Released
    before: Value | None = None
    commit: str = ""
    author: str = ""
    committed_at: str = ""
    subject: str = ""

    @property
    def at(self) -> str:
        """When it was written, or else committed; ``""`` where nobody knows."""
        return self.released.at or self.committed_at


@dataclass(frozen=True, slots=True)
class ReleaseHistory:
    """Events newest first. ``by_git``: git knows the files; ``shallow``: not all of them."""

    events: tuple[ReleaseEvent, ...]
    by_git: bool = True
    shallow: bool = False


@dataclass(frozen=True, slots=True)
class ReleaseCommit:
    """A commit: ``entry`` is what it says about the variable; None: nothing.

    ``parents`` are the commits before it that are known as well.
    """

    commit: str
    parents: tuple[str, ...]
    author: str
    at: str
    subject: str
    entry: Released | None


def events(
    environment: str, variable: str, now: Released | None, commits: Sequence[ReleaseCommit]
) -> list[ReleaseEvent]:
    """What happened to ``variable``, newest first. ``now`` is what its file says.

    A merge is an event only where it differs from all that it merges. What git does not
    know (there is none, or not yet) is told from the entry itself.
    """
    events = list(_committed(environment, variable, commits))
    head = commits[0].entry if commits else None
    if (now or Released()) != (head or Released()):
        changed = now or Released()
        before = head.value if head else _before(changed)
        events.insert(0, ReleaseEvent(environment, variable, changed, before))
    if not commits and now and now.previous is not None:
        events.append(ReleaseEvent(environment, variable, Released(now.previous)))
    return events


def newest_first(events: Sequence[ReleaseEvent]) -> tuple[ReleaseEvent, ...]:
    """Events of several environments together; those without a time are the oldest."""
    return tuple(sorted(events, key=lambda event: _moment(event.at), reverse=True))


def _committed(
    environment: str, variable: str, commits: Sequence[ReleaseCommit]
) -> Iterator[ReleaseEvent]:
    """Yields the commits that changed the entry. A merge repeats an entry of its parents."""
    known = {each.commit: each for each in commits}
    for each in commits:
        entry = each.entry or Released()
        before = [known[name].entry or Released() for name in each.parents if name in known]
        if entry in (before or [Released()]):
            continue
        yield ReleaseEvent(
            environment,
            variable,
            entry,
            before[0].value if before else _before(entry),
            each.commit,
            each.author,
            each.at,
            each.subject,
        )


def _before(entry: Released) -> str | int | float | bool | None:
    return entry.previous if entry.rolled_back is None else entry.rolled_back


def _moment(at: str) -> datetime:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def history(
    project: Project, words: Sequence[str], environment: str = ""
) -> Mapping[str, ReleaseHistory]:
    """Returns by variable what happened in all environments, or in one.

    Raises FileError for files that cannot be read, and UsageError where nothing is released
    or a word names nothing.
    """
    participants = participants_of(project)
    if environment:
        if environment not in participants.environments:
            raise nothing_released(environment)
        only = {environment: participants.environments[environment]}
        participants = replace(participants, environments=only)
    names = participants.variables(words)
    revisions = {
        name: git.revisions(project.root, release_path(name)) for name in participants.environments
    }
    by_git = any(revisions.values())
    shallow = by_git and git.is_shallow(project.root)
    return {
        variable: ReleaseHistory(_events(participants, variable, revisions), by_git, shallow)
        for variable in names
    }


def _events(
    participants: Participants, variable: str, revisions: Mapping[str, Sequence[git.Revision]]
) -> tuple[ReleaseEvent, ...]:
    """Returns what happened to ``variable`` in the environments, newest first."""
    unsorted: list[ReleaseEvent] = []
    for name, environment in participants.environments.items():
        commits = [_commit(variable, revision) for revision in revisions[name]]
        unsorted += events(name, variable, environment.promotion.releases.get(variable), commits)
    return newest_first(unsorted)


def _commit(variable: str, revision: git.Revision) -> ReleaseCommit:
    entry = _entry(variable, revision.content or b"")
    return ReleaseCommit(
        revision.commit, revision.parents, revision.author, revision.at, revision.subject, entry
    )


def _entry(variable: str, content: bytes) -> Released | None:
    """What a release file said about one variable: its line, and no other, is parsed."""
    line = re.search(rb"^%s:.*$" % re.escape(variable.encode()), content, re.MULTILINE)
    if line is None:
        return None
    try:
        return releases_in("", line.group()).releases.get(variable)
    except FileError:
        return None
