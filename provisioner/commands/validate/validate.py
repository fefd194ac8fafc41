"""``validate``: the manifests of some or all environments, and nothing but them.

Apart from ``workflow`` because that knows every stage, and loading them all would double
the time of a command that editors and commit hooks run all day.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioner.errors import FileError, Problem, UsageError, by_place
from provisioner.errors.wording import counted
from provisioner.kinds import KINDS
from provisioner.manifests.clashes import clashes
from provisioner.manifests.given_values import Outside, check_given
from provisioner.manifests.load import Loaded, load
from provisioner.manifests.project import (
    Environment,
    environment_names,
    find_root,
    read_environment,
    read_project,
)
from provisioner.manifests.promotion_chain import circle_problems
from provisioner.manifests.variables import declared_in


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """The result of ``validate``: problems by environment, and what was looked at.

    ``resources`` counts one that several environments share once.
    """

    environments: tuple[str, ...]
    resources: int
    files: int
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    project: str = ""
    root: Path = Path()

    def summary(self) -> str:
        """One line for people."""
        where = ", ".join(self.environments)
        found = f"{counted(self.resources, 'resource')} in {counted(self.files, 'file')}"
        if len(self.environments) > 1:
            found += f", {len(self.environments)} environments"
        return f"{found}: good ({where})"


def validate(
    folder: Path | None, environment: str = "", given: Sequence[str] = ()
) -> ValidationResult:
    """Check the manifests of one environment, or of all, of the project around ``folder``.

    ``given`` are values for variables, ``NAME=VALUE``. Problems of files are in the result;
    raises FileError when there is no project, UsageError for ``given``.
    """
    outside = Outside.of(given, os.environ)
    root = find_root(folder or Path.cwd())
    project = read_project(root)
    names = (environment,) if environment else environment_names(root)
    problems: list[Problem] = []
    read = _environments(root, names, outside, problems)
    good: list[tuple[Environment, Loaded]] = []
    for one in read:
        try:
            good.append((one, load(root, one, KINDS)))
        except FileError as error:
            problems += error.problems
    if len(read) == len(names):
        check_given(outside, [declared_in(one.source) for one in read])
    problems += circle_problems({one.name: one for one in read})
    problems += clashes(good)
    loaded = [one for _, one in good]
    return ValidationResult(
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
        project=project.name,
        root=root,
    )


def _environments(
    root: Path, names: Sequence[str], outside: Outside, problems: list[Problem]
) -> list[Environment]:
    """Those that can be read; what is wrong with the others goes to ``problems``.

    Raises UsageError with what every environment says of values from outside.
    """
    found: list[Environment] = []
    refused: list[Problem] = []
    for name in names:
        try:
            found.append(read_environment(root, name, outside))
        except FileError as error:
            problems += error.problems
        except UsageError as error:
            refused += error.problems
    if refused:
        raise UsageError(refused)
    return found


def _once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Environments share manifests: the same problem is told once."""
    return tuple(sorted(dict.fromkeys(problems), key=by_place))
