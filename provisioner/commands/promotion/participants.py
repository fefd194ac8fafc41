"""Which environments take part in promotion, and which of their variables are meant."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from provisioner.errors import FileError, UsageError
from provisioner.errors.wording import did_you_mean, listed
from provisioner.kinds import KINDS
from provisioner.manifests.given_values import Outside
from provisioner.manifests.load import Loaded, load
from provisioner.manifests.project import Environment, environment_names
from provisioner.manifests.promotion_chain import circle_problems, ordered
from provisioner.model.selection import Selection
from provisioner.workflow.environments import read_all
from provisioner.workflow.project import Project


def meant(loaded: Loaded, words: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """Those of the variables ``known`` that ``words`` name, sorted; all without a word.

    A word is a variable, or the key, address, name or glob of a resource, which means the
    variables that it is made from. Raises UsageError for a word that names nothing.
    """
    if not words:
        return tuple(sorted(known))
    found: set[str] = set()
    for word in words:
        found |= {word} if word in known else _behind(loaded, word, known)
    return tuple(sorted(found))


def _behind(loaded: Loaded, word: str, known: Collection[str]) -> set[str]:
    try:
        resources = Selection.of_words([word]).choose((*loaded.resources, *loaded.withheld))
    except UsageError:
        keys = {one.address.key for one in (*loaded.resources, *loaded.withheld)}
        variables = f"variables are {listed(sorted(known), 'none')}"
        hint = did_you_mean(word, sorted({*known, *keys}), variables)
        message = f"`{word}` is no released variable, and no resource either"
        raise UsageError.of("E711", message, hint) from None
    addresses = {one.address for one in resources}
    found = {name for name in known if addresses & set(loaded.uses.get(name, ()))}
    if not found:
        named = listed(sorted(known), "none")
        message = f"`{word}` is made from no released variable"
        raise UsageError.of("E711", message, f"variables are {named}")
    return found


Environments = Mapping[str, Environment]
"""By name, in the order of promotion."""


def taking_part(project: Project) -> Environments:
    """The environments to which, or from which, values are released, in that order.

    Raises FileError with the problems of all of them, and UsageError where there is none.
    """
    outside = Outside.of((), os.environ)
    read = read_all(project.root, environment_names(project.root), outside)
    found = {environment.name: environment for environment in read.environments}
    problems = (*read.problems, *circle_problems(found))
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
