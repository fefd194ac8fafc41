"""``history``: what was released when and by whom, from release files and from git. Offline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from provisioner.commands.promotion import status_words as words
from provisioner.commands.promotion.participants import (
    Participants,
    nothing_released,
    participants_of,
)
from provisioner.errors import FileError
from provisioner.files import git
from provisioner.manifests.release_file import releases_in
from provisioner.model.release import Released, Value, release_path
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.values import safe, wrapped
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
        """When it was written, or else committed; ``""`` where it is unknown."""
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
    # The working tree differs from HEAD: a change that is not committed yet.
    if (now or Released()) != (head or Released()):
        changed = now or Released()
        before = head.value if head else _before(changed)
        events.insert(0, ReleaseEvent(environment, variable, changed, before))
    # Without git the entry itself is all that is known: the value and the one before it.
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
        # A root commit is compared with no entry at all.
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
        # Release files are edited by hand: a broken time sorts last and stops nothing.
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


INDENT = "    "
NO_GIT = "git has no release file here: this history is read from the files"
SHALLOW = "this clone is shallow: for older releases, run git fetch --unshallow"


def text(histories: Mapping[str, ReleaseHistory], style: Style) -> str:
    """Newest first below the name of each variable."""
    return painted(_lines(histories, style), style)


def notes(histories: Mapping[str, ReleaseHistory]) -> list[str]:
    """What a reader must know about where this is from."""
    first = next(iter(histories.values()))
    return [note for note, is_so in ((NO_GIT, not first.by_git), (SHALLOW, first.shallow)) if is_so]


def _lines(histories: Mapping[str, ReleaseHistory], style: Style) -> Iterator[Line]:
    for number, (name, history) in enumerate(histories.items()):
        if number:
            yield ()
        yield (Span(safe(name, style), Role.STRONG),)
        if not history.events:
            yield (Span(f"{INDENT}nothing was released yet", Role.FAINT),)
        for event in history.events:
            yield from _event(event, style, by_git=history.by_git)


def _event(event: ReleaseEvent, style: Style, *, by_git: bool) -> Iterator[Line]:
    when = event.at[:16].replace("T", " ") or "earlier"
    change = _change(event, style)
    yield (
        Span(f"{when:16}  ", Role.FAINT),
        Span(safe(event.environment, style)),
        Span("  "),
        Span(change, Role.STRONG),
        Span(f"  {safe(_how(event), style)}"),
    )
    for detail in _details(event, by_git=by_git):
        for line in wrapped(safe(detail, style), style.width - len(INDENT)):
            yield (Span(INDENT), Span(line, Role.FAINT))


def _change(event: ReleaseEvent, style: Style) -> str:
    after = event.released.value
    shown = "nothing" if after is None else words.plain(after)
    if event.before is None or event.before == after:
        return safe(shown, style)
    return f"{safe(words.plain(event.before), style)} {style.glyphs.arrow} {safe(shown, style)}"


def _how(event: ReleaseEvent) -> str:
    released = event.released
    if released.value is None:
        return "removed"
    if released.rolled_back is not None:
        return "rolled back"
    if released.source:
        return f"from {released.source}"
    return f"pinned, {released.alias}" if released.alias else ""


def _details(event: ReleaseEvent, *, by_git: bool) -> Iterator[str]:
    released = event.released
    facts = [
        f"project at {released.commit}" if released.commit else "",
        f"verified: {released.verified}" if released.verified else "",
        f"rejects {', '.join(map(words.plain, released.rejected))}" if released.rejected else "",
    ]
    if any(facts):
        yield ", ".join(filter(None, facts))
    if event.commit:
        yield f"{event.commit[:7]} {event.author}: {event.subject}"
    elif by_git:
        yield "not committed"


def to_json(histories: Mapping[str, ReleaseHistory]) -> dict[str, Any]:
    """``{"git", "shallow", "variables": [{"name", "events": [...]}]}``, newest first."""
    first = next(iter(histories.values()))
    return {
        "git": first.by_git,
        "shallow": first.shallow,
        "variables": [
            {"name": name, "events": [_json(event) for event in history.events]}
            for name, history in histories.items()
        ],
    }


def _json(event: ReleaseEvent) -> dict[str, Any]:
    released = event.released
    return {
        "environment": event.environment,
        "value": released.value,
        "before": event.before,
        "from": released.source or None,
        "alias": released.alias or None,
        "rolled_back": released.rolled_back,
        "rejected": list(released.rejected),
        "verified": released.verified or None,
        "at": released.at or None,
        "project_commit": released.commit or None,
        "commit": event.commit or None,
        "author": event.author or None,
        "committed_at": event.committed_at or None,
        "subject": event.subject or None,
    }
