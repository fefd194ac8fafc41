"""``promote --status``: environments side by side, from their files and their workspaces.

Reads only. One workspace that cannot be reached leaves its column without a state.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioner.at_once import at_once
from provisioner.errors import FileError, LoginError, Problem
from provisioner.manifests.project import Environment
from provisioner.manifests.worth import aliases, values
from provisioner.promotion.chains import targets
from provisioner.promotion.distance import steps
from provisioner.release import Alias, Released, Value
from provisioner.session import Project, refuse_one_token
from provisioner.standing import Cell, Column, Distance, Row, Standing, State
from provisioner.taking_part import Environments, Loading, named, taking_part

if TYPE_CHECKING:
    from provisioner.looking import Seen


def standing(project: Project, words: Sequence[str], *, offline: bool = False) -> Standing:
    """Where the variables that ``words`` name stand, or all; ``offline`` reads only files.

    Raises FileError for environments that cannot be read or promote in a circle, and
    UsageError where nothing is released, or for a word that names nothing anywhere.
    """
    environments = taking_part(project)
    loading = Loading(project, environments)
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


def _looked(loading: Loading, names: Sequence[str]) -> Mapping[str, Seen | None]:
    """What the workspaces say, all asked at once."""
    from provisioner.looking import Seen, View, look

    refusal = _one_token(loading.environments.values())

    def view(name: str) -> View | Seen:
        environment = loading.environments[name]
        if refusal and environment.workspace.host:
            return Seen(problems=refusal)
        own = [one for one in names if one in environment.promotion.released]
        try:
            return View(environment, loading.loaded(name), own, aliases(environment))
        except FileError as error:
            return Seen(problems=error.problems)

    def seen(one: View | Seen) -> Seen:
        return one if isinstance(one, Seen) else look(loading.project, one)

    views = [view(name) for name in loading.environments]
    return dict(zip(loading.environments, at_once(seen, views), strict=True))


def _one_token(environments: Iterable[Environment]) -> tuple[Problem, ...]:
    """Why none of the hosts may be asked with this login."""
    try:
        refuse_one_token(environments, os.environ)
    except LoginError as error:
        return error.problems
    return ()


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
