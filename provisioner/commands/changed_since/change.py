"""The environments and resources that the files' changes since an earlier commit touch.

Both sides are loaded with the same values from outside. Where the earlier side cannot be
loaded, everything counts as touched: too much is planned rather than too little.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from provisioner.commands.changed_since.affected_resources import (
    AffectedResources,
    affected_resources,
    all_resources,
)
from provisioner.errors import Problem, ProvisionerError, Severity
from provisioner.files.git_snapshot import merge_base, project_at
from provisioner.manifests.given_values import Outside
from provisioner.manifests.load import Loaded
from provisioner.manifests.project import (
    Environment,
    environment_names,
    read_environment,
    read_project,
)
from provisioner.manifests.promotion_chain import ordered
from provisioner.model.plan import Plan
from provisioner.planning.plan_json import to_json as plan_json
from provisioner.rendering import problems
from provisioner.rendering.plan_text import drift_line, summary_line_of
from provisioner.rendering.text import harmless_line
from provisioner.workflow.environments import load_manifests, open_all
from provisioner.workflow.project import Project

OPTION: Final = "--changed-since"


@dataclass(frozen=True, slots=True)
class AffectedEnvironment:
    """One environment, its manifests and the resources that the change of files affects."""

    environment: Environment
    loaded: Loaded
    affected: AffectedResources


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """``ref`` as it was given; ``commit`` is the one compared with. ``notes`` are for people.

    ``parts`` are the affected environments, and the one that was asked for in any case.
    """

    ref: str
    commit: str
    parts: tuple[AffectedEnvironment, ...]
    notes: tuple[Problem, ...]


def change_since(project: Project, ref: str, only: str, given: Sequence[str]) -> ChangeSet:
    """What changed since HEAD and ``ref`` parted, in the environment ``only`` (``""``: all).

    Uncommitted changes count. Raises FileError with what is wrong with the files as they are
    now, UsageError for ``given`` and ``ref``, and RefusedError where git cannot tell.
    """
    commit = merge_base(project.root, ref, OPTION)
    outside = Outside.of(given, os.environ)
    names = (only,) if only else environment_names(project.root)
    now = open_all(project.root, names, outside).all_or_error()
    with project_at(project.root, commit) as root:
        before = _Before(root, project.name, outside, f"`{ref}` ({commit[:12]})")
        compared = [before.part(*part) for part in now]
        gone = () if only else sorted(set(before.names()) - set(names))
    parts = [part for part, _ in compared if only or not part.affected.is_empty]
    order = ordered(
        {environment.name: environment.promotion.promotes_from for environment, _ in now}
    )
    parts.sort(key=lambda part: order.index(part.environment.name))
    notes = [note for _, notes_of_pair in compared for note in notes_of_pair]
    return ChangeSet(ref, commit, tuple(parts), (*notes, *map(_gone, gone)))


@dataclass(frozen=True, slots=True)
class _Before:
    """The project of the earlier commit in ``root``; ``commit`` is how people know it."""

    root: Path
    project: str
    outside: Outside
    commit: str

    def names(self) -> tuple[str, ...]:
        """The environments that had a file."""
        return environment_names(self.root) if (self.root / "environments").is_dir() else ()

    def part(
        self, environment: Environment, loaded: Loaded
    ) -> tuple[AffectedEnvironment, tuple[Problem, ...]]:
        """Compares one environment with its earlier state; returns it with notes for people."""
        name = environment.name
        try:
            was_project = read_project(self.root).name
            was, then = _opened(self.root, name, self.outside)
        except ProvisionerError as error:
            is_new = (self.root / "provisioner.yaml").is_file() and name not in self.names()
            why = "the environment did not exist yet" if is_new else error.problems[0].message
            return self._all(environment, loaded, why)
        if was_project != self.project:
            return self._all(environment, loaded, f"the project was `{was_project}`")
        if was.workspace != environment.workspace:
            return self._all(environment, loaded, "the environment used another workspace")
        return AffectedEnvironment(environment, loaded, affected_resources(then, loaded)), ()

    def _all(
        self, environment: Environment, loaded: Loaded, why: str
    ) -> tuple[AffectedEnvironment, tuple[Problem, ...]]:
        message = f"everything in {environment.name} is planned: at {self.commit} {why}"
        note = Problem("W516", message, severity=Severity.NOTE)
        return AffectedEnvironment(environment, loaded, all_resources(loaded)), (note,)


def _opened(root: Path, name: str, outside: Outside) -> tuple[Environment, Loaded]:
    environment = read_environment(root, name, outside)
    return environment, load_manifests(root, environment)


def _gone(name: str) -> Problem:
    message = (
        f"the file of the environment {name} was deleted, but its resources still exist in "
        "the workspace"
    )
    hint = f"delete the resources first, from a commit with the file: provisioner destroy -e {name}"
    return Problem("W517", message, hint=hint, severity=Severity.NOTE)


# The plans of several environments that one change of the files touches. Pure.

Found = tuple[Plan, Iterable[Problem] | None]
"""A plan, and what its workspace lacks (None: not checked)."""


UnplannedEnvironment = tuple[str, Iterable[Problem]]
"""An environment that could not be planned, and why."""


def to_json(
    plans: Iterable[Found],
    failed: Iterable[UnplannedEnvironment],
    notes: Iterable[Problem],
    tool_version: str,
) -> dict[str, Any]:
    """``plans`` as ``plan -o json`` has each, and what has to be said besides."""
    return {
        "plans": [_plan(plan, lacks, tool_version) for plan, lacks in plans],
        "not_planned": [
            {"environment": name, "diagnostics": problems.to_json(why)["diagnostics"]}
            for name, why in failed
        ],
        "notes": problems.to_json(notes)["diagnostics"],
    }


def _plan(plan: Plan, lacks: Iterable[Problem] | None, tool_version: str) -> dict[str, Any]:
    extra = {} if lacks is None else {"preflight": problems.to_json(lacks)}
    return {**plan_json(plan, tool_version), **extra}


def summary(plans: Sequence[Plan], since: str, failed: Sequence[str] = ()) -> str:
    """The last lines: which environments are touched, and what is planned in all of them.

    ``failed`` are those that could not be planned.
    """
    steps = [step for plan in plans for step in plan.steps]
    if not steps and not failed:
        return f"No declared resource changed since {harmless_line(since)}"
    lines = [
        f"Changed since {harmless_line(since)}: "
        + _listed(sorted([*(plan.environment for plan in plans), *failed])),
        summary_line_of(steps) if plans else "",
        drift_line(steps),
        f"Not planned, see the errors: {_listed(failed)}" if failed else "",
    ]
    return "\n".join(filter(None, lines))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(harmless_line(name) for name in names)
