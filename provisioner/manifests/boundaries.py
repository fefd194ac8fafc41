"""What the manifests of a folder may name: boundaries between teams who share a repository.

Checked on documents with everything laid on and replaced, so that neither a variable nor an
override is a way around one. Where a project has boundaries, each manifest needs one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

from provisioner.errors import Finding, Location, Problem
from provisioner.errors.wording import listed
from provisioner.manifests import files
from provisioner.manifests.declaration import Declaration
from provisioner.manifests.project import PROJECT_FILE
from provisioner.manifests.removals import RemovedEntry
from provisioner.manifests.yaml.source import SourceFile, parse
from provisioner.model.kind import Kind
from provisioner.model.references import RestrictedName

BOUNDARIES: Final = "boundaries"
NAME: Final[Location] = ("name",)


@dataclass(frozen=True, slots=True)
class Boundaries:
    """The boundaries of a project; without any, everything is allowed everywhere.

    ``limits`` are by pattern of files, then by sort of names; ``titles`` are those in words.
    """

    source: SourceFile | None = None
    limits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)

    def problems(self, declaration: Declaration) -> tuple[Problem, ...]:
        """What the declaration names and may not, each where it was written."""
        if not self.limits or not declaration.is_good:
            return ()
        bare = (
            declaration.layers.without_prefix(declaration.name, declaration.kind)
            if declaration.layers
            else declaration.name
        )
        mentioned = declaration.kind.dependencies.references(declaration.document)
        return declaration.placed(self._findings(declaration.source.text.file, mentioned, bare))

    def of_removed(self, entry: RemovedEntry, bare_name: str) -> Iterator[Problem]:
        """The same for an entry of `removed`: nobody deletes what is another team's."""
        if self.limits:
            document = {"name": entry.removal.name}
            mentioned = entry.kind.dependencies.references(document)
            for finding in self._findings(entry.source.text.file, mentioned, bare_name):
                yield entry.problem(finding.code, finding.message, finding.hint, "name")

    def uncovered(self, used: Iterable[str]) -> Iterator[Problem]:
        """A problem for each manifest below no boundary."""
        for file in used:
            if self.limits and not self._of(file):
                message = f"`{file}` matches no pattern in `{BOUNDARIES}`"
                where = self.source.position((BOUNDARIES,)) if self.source else None
                hint = (
                    f'add a pattern for its folder; `"{_folder(file)}": {{}}` allows '
                    "everything there"
                )
                yield Problem("E223", message, where, hint)

    def _findings(
        self, file: str, mentioned: Iterable[RestrictedName], bare: str
    ) -> Iterator[Finding]:
        every = tuple(mentioned)
        for pattern, limits in self._of(file):
            for name in every:
                allowed = limits.get(name.sort)
                spellings = {name.value, bare} if name.at == NAME else {name.value}
                if allowed is None or any(fnmatchcase(s, p) for s in spellings for p in allowed):
                    continue
                yield self._out_of_bounds(name, pattern, allowed)

    def _out_of_bounds(self, name: RestrictedName, pattern: str, allowed: Iterable[str]) -> Finding:
        words = listed(allowed, "nothing")
        message = (
            f"{self.titles[name.sort]} `{name.value}` is outside the boundaries of `{pattern}`"
        )
        place = self.source.position((BOUNDARIES, pattern, name.sort)) if self.source else None
        where = f"{place.file}:{place.line}" if place else PROJECT_FILE
        return Finding(name.at, "E222", message, f"{where} allows {words}")

    def _of(self, file: str) -> list[tuple[str, Mapping[str, Any]]]:
        """The boundaries around ``file``: all that match hold."""
        return [each for each in self.limits.items() if _matcher(each[0]).fullmatch(file)]


def boundaries_of(root: Path, kinds: Iterable[Kind]) -> Boundaries:
    """What the project's file says; it was checked when the project was opened."""
    if not (root / PROJECT_FILE).is_file():
        return Boundaries()
    source = parse(PROJECT_FILE, files.read(root, PROJECT_FILE))
    limits = source.data.get(BOUNDARIES) if isinstance(source.data, dict) else None
    titles = {
        sort: restriction.title
        for kind in kinds
        for sort, restriction in kind.dependencies.restrictions.items()
    }
    return Boundaries(source, limits or {}, titles)


@cache
def _matcher(pattern: str) -> re.Pattern[str]:
    """Like the patterns of `manifests`: `*` stays in a folder, `**` is any depth."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(_WILD.get(part, re.escape(part)) for part in parts))


_WILD: Final = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _folder(file: str) -> str:
    folder = file.rpartition("/")[0]
    return f"{folder}/**" if folder else file
