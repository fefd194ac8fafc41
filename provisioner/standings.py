"""``promote --status``: environments side by side, from their files and their workspaces.

Reads only. One workspace that cannot be reached leaves its column without a state.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioner.at_once import at_once
from provisioner.errors import FileError, Finding, Problem, UsageError
from provisioner.kinds import KINDS
from provisioner.manifests.load import Loaded, load
from provisioner.manifests.outside import Outside
from provisioner.manifests.project import Environment, environment_names, read_environment
from provisioner.manifests.promotes import PROMOTES_FROM
from provisioner.manifests.worth import aliases, values
from provisioner.promotion.chains import circles, ordered, targets
from provisioner.promotion.distance import steps
from provisioner.release import Alias, Released, Value
from provisioner.released_names import meant
from provisioner.session import Project
from provisioner.standing import Cell, Column, Distance, Row, Standing, State

if TYPE_CHECKING:
    from provisioner.looking import Seen

Environments = Mapping[str, Environment]
"""By name, in the order of promotion."""


def standing(project: Project, words: Sequence[str], *, offline: bool = False) -> Standing:
    """Where the variables that ``words`` name stand, or all; ``offline`` reads only files.

    Raises FileError for environments that cannot be read or promote in a circle, and
    UsageError where nothing is released, or for a word that names nothing anywhere.
    """
    environments = taking_part(project)
    loading = _Loading(project, environments)
    names = named(project, environments, words)
    seen: Mapping[str, Seen | None] = dict.fromkeys(environments)
    if not offline:
        seen = _looked(loading, names)
    made = _Making(environments, {one: _known(at, names) for one, at in environments.items()}, seen)
    return Standing(
        project.name,
        tuple(made.column(name) for name in environments),
        tuple(Row(name, made.cells(name)) for name in names),
        offline,
    )


def circle_problems(environments: Environments) -> list[Problem]:
    """A problem at each ``promotes_from`` that leads back to where it stands."""
    sources = {name: one.promotion.promotes_from for name, one in environments.items()}
    problems = []
    for circle in circles(sources):
        way = " → ".join(f"`{name}`" for name in (*circle, circle[0]))
        for name in circle:
            others = ", ".join(str(_place(environments[one])) for one in circle if one != name)
            finding = Finding(
                (PROMOTES_FROM,),
                "E726",
                f"values would go round in a circle: {way}",
                f"the rest of it is at {others}: take one out",
            )
            problems += [
                source.problem(finding) for source in [environments[name].source] if source
            ]
    return problems


def _place(environment: Environment) -> str:
    source = environment.source
    place = source.position((PROMOTES_FROM,)) if source else None
    return f"{place.file}:{place.line}" if place else environment.name


def taking_part(project: Project) -> Environments:
    """The environments to which, or from which, values are released, in that order.

    Raises FileError with the problems of all of them, and UsageError where there is none.
    """
    outside = Outside.of((), os.environ)
    found: dict[str, Environment] = {}
    problems: list[Problem] = []
    for name in environment_names(project.root):
        try:
            found[name] = read_environment(project.root, name, outside)
        except FileError as error:
            problems += error.problems
    problems += circle_problems(found)
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
class _Loading:
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
    loading = _Loading(project, environments)
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


def _looked(loading: _Loading, names: Sequence[str]) -> Mapping[str, Seen | None]:
    """What the workspaces say, all asked at once."""
    from provisioner.looking import Seen, View, look

    def view(name: str) -> View | Seen:
        environment = loading.environments[name]
        own = [one for one in names if one in environment.promotion.released]
        try:
            return View(environment, loading.loaded(name), own, aliases(environment))
        except FileError as error:
            return Seen(problems=error.problems)

    def seen(one: View | Seen) -> Seen:
        return one if isinstance(one, Seen) else look(loading.project, one)

    views = [view(name) for name in loading.environments]
    return dict(zip(loading.environments, at_once(seen, views), strict=True))


@dataclass(frozen=True, slots=True)
class _Known:
    """What the files of one environment say about its variables."""

    values: Mapping[str, Value]
    aliases: Mapping[str, Alias]
    problems: tuple[Problem, ...] = ()


def _known(environment: Environment, names: Sequence[str]) -> _Known:
    try:
        return _Known(values(environment, names), aliases(environment))
    except FileError as error:
        releases = environment.promotion.releases
        found = {name: one.value for name, one in releases.items() if one.value is not None}
        return _Known(found, {}, error.problems)


@dataclass(frozen=True, slots=True)
class _Making:
    environments: Environments
    known: Mapping[str, _Known]
    seen: Mapping[str, Seen | None]

    def column(self, name: str) -> Column:
        seen = self.seen[name]
        said = (*self.known[name].problems, *(seen.problems if seen else ()))
        return Column(
            name,
            self.environments[name].promotion.promotes_from,
            seen.host if seen else "",
            bool(seen and seen.host),
            tuple(dict.fromkeys(said)),
        )

    def cells(self, variable: str) -> Mapping[str, Cell]:
        return {
            name: self._cell(name, variable)
            for name, one in self.environments.items()
            if variable in one.promotion.released or variable in self.known[name].values
        }

    def _cell(self, name: str, variable: str) -> Cell:
        seen = self.seen[name]
        state = State.NOT_ASKED
        if seen:
            state = seen.states.get(variable, State.UNUSED) if seen.host else State.UNREACHABLE
        return Cell(
            self.known[name].values.get(variable),
            self._released(name, variable),
            state,
            distances=(*self._of_alias(name, variable), *self._of_targets(name, variable)),
        )

    def _released(self, name: str, variable: str) -> Released:
        promotion = self.environments[name].promotion
        known = variable in promotion.released
        return promotion.releases.get(variable, Released()) if known else Released()

    def _of_alias(self, name: str, variable: str) -> list[Distance]:
        seen, alias = self.seen[name], self.known[name].aliases.get(variable)
        newer = seen.versions.get(variable) if seen else None
        value = self.known[name].values.get(variable)
        if newer is None or alias is None or newer == value:
            return []
        rejected = newer in self._released(name, variable).rejected
        return [Distance(str(alias), newer, steps(newer, value), alias=True, rejected=rejected)]

    def _of_targets(self, name: str, variable: str) -> list[Distance]:
        value = self.known[name].values.get(variable)
        sources = {one: at.promotion.promotes_from for one, at in self.environments.items()}
        found = []
        for target in targets(name, sources):
            taken = self.known[target].values.get(variable)
            takes = variable in self.environments[target].promotion.released
            if takes and value is not None and taken != value:
                rejected = value in self._released(target, variable).rejected
                by = steps(value, taken)
                found.append(Distance(target, value, by, rejected=rejected))
        return found
