"""``validate``: the manifests of some or all environments, and nothing but them.

Apart from ``workflow`` because that knows every stage, and loading them all would double
the time of a command that editors and commit hooks run all day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from provisioner.errors import FileError, Problem, by_place
from provisioner.kinds import KINDS
from provisioner.manifests.load import Loaded, load
from provisioner.manifests.project import (
    environment_names,
    find_root,
    read_environment,
    read_project,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of ``validate``: problems by environment, and what was looked at.

    ``resources`` counts one that several environments share once.
    """

    environments: tuple[str, ...]
    resources: int
    files: int
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    def summary(self) -> str:
        """One line for people."""
        where = ", ".join(self.environments)
        found = f"{_counted(self.resources, 'resource')} in {_counted(self.files, 'file')}"
        if len(self.environments) > 1:
            found += f", {len(self.environments)} environments"
        return f"{found}: good ({where})"


def validate(folder: Path | None, environment: str = "") -> Checked:
    """Check the manifests of one environment, or of all, of the project around ``folder``.

    Problems of manifests are in the result; raises FileError when there is no project.
    """
    root = find_root(folder or Path.cwd())
    read_project(root)
    names = (environment,) if environment else environment_names(root)
    loaded: list[Loaded] = []
    problems: list[Problem] = []
    for name in names:
        try:
            loaded.append(load(root, read_environment(root, name), KINDS))
        except FileError as error:
            problems += error.problems
    return Checked(
        environments=names,
        resources=len(
            {
                (resource.where.file if resource.where else "", resource.address)
                for one in loaded
                for resource in one.resources
            }
        ),
        files=len({file for one in loaded for file in one.files}),
        problems=_once(problems),
        warnings=_once(problem for one in loaded for problem in one.warnings),
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Environments share manifests: the same problem is told once."""
    return tuple(sorted(dict.fromkeys(problems), key=by_place))
