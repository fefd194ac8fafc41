"""``boundaries`` of a project as policies: what the manifests of a folder may name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from provisioner.errors import Finding, Location, Position, Problem
from provisioner.model.references import RestrictedName
from provisioner.policies.judgement import forbidden_names
from provisioner.policies.policy import NameRule, Policy, Scope

BOUNDARIES: Final = "boundaries"
Places = Callable[[Location], Position]


@dataclass(frozen=True, slots=True)
class Boundaries:
    """One policy for each pattern of manifests. All policies whose pattern matches apply."""

    policies: tuple[Policy, ...]
    where: Position

    def forbidden(self, file: str, names: Sequence[RestrictedName]) -> Iterator[Finding]:
        """Yields a finding for each of ``names`` that the manifest ``file`` may not contain."""
        for policy in self.policies:
            yield from forbidden_names(policy, file, names)

    def uncovered(self, files: Iterable[str]) -> Iterator[Problem]:
        """Yields a problem for each manifest that no pattern matches."""
        for file in files:
            if not any(policy.scope.has_file(file) for policy in self.policies):
                message = f"`{file}` matches no pattern in `{BOUNDARIES}`"
                allowing = f'`"{_folder(file)}": {{}}`'
                hint = f"add a pattern for its folder; {allowing} allows everything there"
                yield Problem("E223", message, self.where, hint)


def boundaries_of(
    limits: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str], position: Places
) -> Boundaries:
    """The boundaries that the project's file has as ``limits``, by pattern and sort of names.

    ``titles`` are the sorts in words. ``position`` gives the place of a part of the file.
    """
    policies = tuple(
        Policy(
            name=pattern,
            file=position((BOUNDARIES,)).file,
            at=(BOUNDARIES, pattern),
            scope=Scope(files=(pattern,)),
            names={
                sort: _rule(titles.get(sort, sort), allowed, position((BOUNDARIES, pattern, sort)))
                for sort, allowed in by_sort.items()
            },
        )
        for pattern, by_sort in limits.items()
    )
    return Boundaries(policies, position((BOUNDARIES,)))


def _rule(title: str, allowed: Iterable[str], where: Position) -> NameRule:
    return NameRule(title, tuple(allowed), f"{where.file}:{where.line}")


def _folder(file: str) -> str:
    folder = file.rpartition("/")[0]
    return f"{folder}/**" if folder else file
