"""``validate``: checks the manifests of some or all environments, offline."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioner.errors import Problem, Severity, by_place
from provisioner.errors.wording import counted
from provisioner.manifests.clashes import clashes, perhaps_shared
from provisioner.manifests.given_values import Outside
from provisioner.manifests.load import Loaded
from provisioner.manifests.project import (
    environment_names,
    find_root,
    read_project,
)
from provisioner.manifests.promotion_chain import circle_problems
from provisioner.model.clock import utc_now
from provisioner.workflow.environments import open_all
from provisioner.workflow.policies import errors_of, judge_manifests, read_policies


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
        text = f"{counted(self.resources, 'resource')} in {counted(self.files, 'file')}"
        if len(self.environments) > 1:
            text += f", {len(self.environments)} environments"
        return f"{text}: valid ({where})"


def validate(
    folder: Path | None,
    environment: str = "",
    given: Sequence[str] = (),
    pinned: tuple[Path | None, str] = (None, ""),
) -> ValidationResult:
    """Checks the manifests of one environment, or of all, of the project around ``folder``.

    ``given`` are values for variables, ``NAME=VALUE``. Problems of files are in the result;
    raises FileError where there is no project, UsageError for ``given``. ``pinned`` are the
    folder of policies from outside of the project and their digest; raises as ``read_policies``.
    """
    root = find_root(folder or Path.cwd())
    policies = read_policies(root, *pinned)
    project = read_project(root)
    names = (environment,) if environment else environment_names(root)
    opened = open_all(root, names, Outside.of(given, os.environ))
    by_name = {each.name: each for each in opened.environments}
    judged = judge_manifests(policies, opened.opened, utc_now())
    problems = (
        *opened.problems,
        *circle_problems(by_name),
        *clashes(opened.opened),
        *errors_of(judged),
    )
    mild = [problem for problem in judged if problem.severity is not Severity.ERROR]
    mild += perhaps_shared(opened.opened)
    loaded = [each.loaded for each in opened.opened]
    return ValidationResult(
        environments=names,
        resources=_count_resources(loaded),
        files=len({file for each in loaded for file in each.files}),
        problems=_once(problems),
        warnings=_once((*mild, *(w for each in loaded for w in (*each.warnings, *each.notes)))),
        project=project.name,
        root=root,
    )


def _count_resources(loaded: Iterable[Loaded]) -> int:
    """Counts a resource once that several environments declare in the same file."""
    places = {
        (resource.where.file if resource.where else "", resource.address)
        for each in loaded
        for resource in each.resources
    }
    return len(places)


def _once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Drops repeated problems, for environments share manifests, and sorts them by place."""
    return tuple(sorted(dict.fromkeys(problems), key=by_place))
