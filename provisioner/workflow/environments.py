"""Opens several environments of a project, and collects the problems of all of them.

Imports the manifests' stage and the kinds alone: ``validate`` runs in editors and commit hooks,
and must not load what connects to a workspace.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from provisioner.errors import FileError, Problem, UsageError
from provisioner.kinds import KINDS
from provisioner.manifests.given_values import Outside, check_given
from provisioner.manifests.load import Loaded, load
from provisioner.manifests.project import Environment, read_boundaries, read_environment
from provisioner.manifests.variables import declared_in
from provisioner.manifests.yaml.source import SourceFile

if TYPE_CHECKING:
    from provisioner.policies.boundaries import Boundaries


class OpenedEnvironment(NamedTuple):
    """An environment and its manifests."""

    environment: Environment
    loaded: Loaded


@dataclass(frozen=True, slots=True)
class ReadEnvironments:
    """The environments whose files could be read; ``problems`` are those of the others."""

    environments: tuple[Environment, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class OpenedEnvironments:
    """What could be read, and what could be loaded too; ``problems`` are those of the rest."""

    environments: tuple[Environment, ...]
    opened: tuple[OpenedEnvironment, ...]
    problems: tuple[Problem, ...]

    def all_or_error(self) -> tuple[OpenedEnvironment, ...]:
        """Returns all environments. Raises FileError with the problems of all of them."""
        if self.problems:
            # Environments share manifests: the same problem is reported once.
            raise FileError(dict.fromkeys(self.problems))
        return self.opened


def load_manifests(root: Path, environment: Environment) -> Loaded:
    """The resources of ``environment`` within the boundaries of the project. Raises FileError."""
    source = read_boundaries(root)
    return load(root, environment, KINDS, boundaries_in(source) if source else None)


def boundaries_in(source: SourceFile) -> Boundaries:
    """The boundaries that ``source``, the project's file, has."""
    from provisioner.policies.boundaries import BOUNDARIES, boundaries_of

    titles = {
        sort: restriction.title
        for kind in KINDS.values()
        for sort, restriction in kind.dependencies.restrictions.items()
    }
    return boundaries_of(source.data[BOUNDARIES], titles, source.position)


def read_all(root: Path, names: Sequence[str], outside: Outside) -> ReadEnvironments:
    """Reads the files of the environments ``names``, without their manifests.

    Problems of files are in the result. Raises UsageError with what every environment says of
    the values from ``outside``.
    """
    environments: list[Environment] = []
    problems: list[Problem] = []
    refusals: list[Problem] = []
    for name in names:
        try:
            environments.append(read_environment(root, name, outside))
        except FileError as error:
            problems += error.problems
        except UsageError as error:
            refusals += error.problems
    if refusals:
        raise UsageError(refusals)
    return ReadEnvironments(tuple(environments), tuple(problems))


def open_all(root: Path, names: Sequence[str], outside: Outside) -> OpenedEnvironments:
    """Reads the environments ``names`` and loads their manifests.

    Problems of files are in the result. Raises UsageError for values from ``outside`` that an
    environment refuses, or that no environment has a variable for.
    """
    read = read_all(root, names, outside)
    opened: list[OpenedEnvironment] = []
    problems = list(read.problems)
    for environment in read.environments:
        try:
            opened.append(OpenedEnvironment(environment, load_manifests(root, environment)))
        except FileError as error:
            problems += error.problems
    # A file that cannot be read may have declared the variable.
    if len(read.environments) == len(names):
        check_given(outside, [declared_in(each.source) for each in read.environments])
    return OpenedEnvironments(read.environments, tuple(opened), tuple(problems))
