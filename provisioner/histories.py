"""``history``: what was released when and by whom, from release files and from git. Offline."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from provisioner import repository
from provisioner.errors import FileError
from provisioner.manifests.releases import releases_in
from provisioner.promotion.past import Past, events, newest_first
from provisioner.release import Released, release_path
from provisioner.release_event import History, ReleaseEvent
from provisioner.session import Project
from provisioner.taking_part import named, nothing_released, taking_part


def history(project: Project, words: Sequence[str], environment: str = "") -> Mapping[str, History]:
    """By variable what happened in all environments, or in one.

    Raises FileError for files that cannot be read, and UsageError where nothing is released
    or a word names nothing.
    """
    every = taking_part(project)
    if environment and environment not in every:
        raise nothing_released(environment)
    chosen = {name: one for name, one in every.items() if environment in ("", name)}
    names = named(project, chosen, words)
    pasts = {name: repository.revisions(project.root, release_path(name)) for name in chosen}
    by_git = any(pasts.values())
    shallow = by_git and repository.is_shallow(project.root)
    found: dict[str, History] = {}
    for variable in names:
        told: list[ReleaseEvent] = []
        for name, one in chosen.items():
            entries = [_past(variable, each) for each in pasts[name]]
            told += events(name, variable, one.promotion.releases.get(variable), entries)
        found[variable] = History(newest_first(told), by_git, shallow)
    return found


def _past(variable: str, one: repository.Revision) -> Past:
    entry = _entry(variable, one.content or b"")
    return Past(one.commit, one.parents, one.author, one.at, one.subject, entry)


def _entry(variable: str, content: bytes) -> Released | None:
    """What a release file said about one variable: its line, and no other, is parsed."""
    line = re.search(rb"^%s:.*$" % re.escape(variable.encode()), content, re.MULTILINE)
    if line is None:
        return None
    try:
        return releases_in("", line.group()).releases.get(variable)
    except FileError:
        return None
