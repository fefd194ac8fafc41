"""The environments that take part in promotion, and the released variables that words name."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from provisioner.errors import FileError, UsageError
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.errors.wording import listed
from provisioner.manifests.given_values import Outside
from provisioner.manifests.load import Loaded
from provisioner.manifests.project import Environment, environment_names
from provisioner.manifests.promotion_chain import circle_problems, ordered
from provisioner.model.selection import Selection
from provisioner.workflow.environments import load_manifests, read_all
from provisioner.workflow.project import Project


@dataclass(frozen=True, slots=True)
class Participants:
    """The environments to which, or from which, values are released, in that order."""

    project: Project
    environments: Mapping[str, Environment]

    def load(self, name: str) -> Loaded:
        """Loads the manifests of the environment ``name``. Raises FileError."""
        return load_manifests(self.project.root, self.environments[name])

    def variables(self, words: Sequence[str]) -> tuple[str, ...]:
        """Returns the variables that ``words`` name in any environment, sorted.

        Manifests are loaded only for a word that is no variable. Raises FileError, UsageError.
        """
        known = {
            name
            for environment in self.environments.values()
            for name in environment.promotion.released
        }
        return released_variables(words, known, lambda: map(self.load, self.environments))


def participants_of(project: Project) -> Participants:
    """Reads the files of all environments, and returns those that take part in promotion.

    Raises FileError with the problems of all of them, and UsageError where there is none.
    """
    read = read_all(project.root, environment_names(project.root), Outside.of((), os.environ))
    environments = {environment.name: environment for environment in read.environments}
    problems = (*read.problems, *circle_problems(environments))
    if problems:
        raise FileError(dict.fromkeys(problems))
    sources = {name: each.promotion.promotes_from for name, each in environments.items()}
    releasing = {name for name, each in environments.items() if each.promotion.released}
    if not releasing:
        hint = "list variables in an environment's file: `released: [NAME]`"
        raise UsageError.of("E720", "no environment releases any variable", hint)
    # A source may release nothing itself: its values are in its own file then.
    concerned = releasing | {sources[name] for name in releasing}
    names = [name for name in ordered(sources) if name in concerned]
    return Participants(project, {name: environments[name] for name in names})


def nothing_released(environment: str) -> UsageError:
    """Returns the error for an environment to which nothing can be released."""
    hint = f"list variables in environments/{environment}.yaml: `released: [NAME]`"
    return UsageError.of("E720", f"{environment} releases no variable", hint)


def released_variables(
    words: Sequence[str], known: Collection[str], load_all: Callable[[], Iterable[Loaded]]
) -> tuple[str, ...]:
    """Returns those of the variables ``known`` that ``words`` name, sorted; all without a word.

    A word is a variable, or the key, address, name or glob of a resource, which names the
    variables that the resource uses. ``load_all`` returns the manifests to look in, and is
    called only for a word that is no variable. Raises UsageError for a word that names
    nothing anywhere, and what ``load_all`` raises.
    """
    if not words:
        return tuple(sorted(known))
    variables = {word for word in words if word in known}
    others = [word for word in words if word not in known]
    manifests = tuple(load_all()) if others else ()
    for word in others:
        variables |= _used_in_any(manifests, word, known)
    return tuple(sorted(variables))


def _used_in_any(manifests: Sequence[Loaded], word: str, known: Collection[str]) -> set[str]:
    """Returns the variables of the resources ``word``. Raises UsageError if no manifest knows."""
    variables: set[str] = set()
    errors: list[UsageError] = []
    for loaded in manifests:
        try:
            variables |= _used_by(loaded, word, known)
        except UsageError as error:
            errors.append(error)
    if len(errors) == len(manifests):
        raise errors[0]
    return variables


def _used_by(loaded: Loaded, word: str, known: Collection[str]) -> set[str]:
    resources = (*loaded.resources, *loaded.withheld)
    names = f"variables are {listed(sorted(known), 'none')}"
    try:
        chosen = Selection.of_words([word]).choose(resources)
        addresses = {resource.address for resource in chosen}
    except UsageError:
        keys = {resource.address.key for resource in resources}
        message = f"`{word}` is neither a released variable nor a resource"
        hint = did_you_mean(word, sorted({*known, *keys}), names)
        raise UsageError.of("E711", message, hint) from None
    variables = {name for name in known if addresses & set(loaded.uses.get(name, ()))}
    if not variables:
        raise UsageError.of("E711", f"`{word}` uses no released variable", names)
    return variables
