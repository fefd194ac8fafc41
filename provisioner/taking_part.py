"""Which environments take part in promotion, and which of their variables are meant."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provisioner.circling import circle_problems
from provisioner.errors import FileError, Problem, UsageError
from provisioner.kinds import KINDS
from provisioner.manifests.load import Loaded, load
from provisioner.manifests.outside import Outside
from provisioner.manifests.project import Environment, environment_names, read_environment
from provisioner.promotion.chains import ordered
from provisioner.released_names import meant
from provisioner.session import Project

Environments = Mapping[str, Environment]
"""By name, in the order of promotion."""


def taking_part(project: Project) -> Environments:
    """The environments to which, or from which, values are released, in that order.

    Raises FileError with the problems of all of them, and UsageError where there is none.
    """
    outside = Outside.of((), os.environ)
    found: dict[str, Environment] = {}
    problems: list[Problem] = []
    refused: list[Problem] = []
    for name in environment_names(project.root):
        try:
            found[name] = read_environment(project.root, name, outside)
        except FileError as error:
            problems += error.problems
        except UsageError as error:
            refused += error.problems
    problems += circle_problems(found)
    if refused:
        raise UsageError(refused)
    if problems:
        raise FileError(dict.fromkeys(problems))
    releasing = {name for name, one in found.items() if one.promotion.released}
    concerned = releasing | {found[name].promotion.promotes_from for name in releasing}
    if not releasing:
        hint = "list variables in an environment's file: `released: [NAME]`"
        raise UsageError.of("E720", "no environment releases any variable", hint)
    sources = {name: one.promotion.promotes_from for name, one in found.items()}
    return {name: found[name] for name in ordered(sources) if name in concerned}


def nothing_released(environment: str) -> UsageError:
    """What to say of an environment to which nothing can be released."""
    hint = f"list variables in environments/{environment}.yaml: `released: [NAME]`"
    return UsageError.of("E720", f"{environment} releases no variable", hint)


@dataclass(frozen=True, slots=True)
class Loading:
    """The manifests of the environments, where they are asked for."""

    project: Project
    environments: Environments

    def loaded(self, name: str) -> Loaded:
        """Raises FileError."""
        return load(self.project.root, self.environments[name], KINDS)


def named(project: Project, environments: Environments, words: Sequence[str]) -> tuple[str, ...]:
    """The variables that ``words`` name in any environment, sorted; all without a word.

    Manifests are loaded only for a word that is no variable. Raises FileError, UsageError.
    """
    known = {name for one in environments.values() for name in one.promotion.released}
    found = known if not words else {word for word in words if word in known}
    others = [word for word in words if word not in known]
    if not others:
        return tuple(sorted(found))
    loading = Loading(project, environments)
    loaded = [loading.loaded(name) for name in environments]
    for word in others:
        errors = []
        for one in loaded:
            try:
                found |= set(meant(one, [word], known))
            except UsageError as error:
                errors.append(error)
        if len(errors) == len(loaded):
            raise errors[0]
    return tuple(sorted(found))
