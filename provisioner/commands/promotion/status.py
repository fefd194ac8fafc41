"""``promote --status``: environments side by side, from their files and their workspaces.

Reads only. One workspace that cannot be reached leaves its column without a state.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from provisioner.commands.promotion.participants import Environments, Loading, named, taking_part
from provisioner.commands.promotion.pin import alias_version
from provisioner.commands.promotion.status_model import (
    EnvironmentColumn,
    Lead,
    PromotionStatus,
    ReleaseState,
    StatusCell,
    VariableRow,
)
from provisioner.errors import FileError, LoginError, Problem, ProvisionerError
from provisioner.manifests.load import Loaded
from provisioner.manifests.project import Environment
from provisioner.manifests.promotion_chain import targets
from provisioner.manifests.variable_values import aliases, values
from provisioner.model.plan import Action, Address, Step
from provisioner.model.release import Alias, Released, Value
from provisioner.model.selection import Selection
from provisioner.workflow.parallel import map_parallel
from provisioner.workflow.plan import make_plan
from provisioner.workflow.project import Project, refuse_one_token
from provisioner.workflow.scope import PlanOptions
from provisioner.workflow.session import Session, session_of

# More digits would be no version, and slow to subtract.
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


def steps(newer: Value, older: Value | None) -> int | None:
    """``newer`` minus ``older`` for two whole numbers, also as text; None for other values."""
    left, right = _number(newer), _number(older)
    return None if left is None or right is None else left - right


def _number(value: Value | None) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


WORST_FIRST: Final = (
    ReleaseState.ABSENT,
    ReleaseState.DIFFERS,
    ReleaseState.NOT_READY,
    ReleaseState.UPDATING,
    ReleaseState.LEFT_OUT,
    ReleaseState.LIVE,
)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """``states`` by variable, ``versions`` that aliases point to, by variable.

    ``host`` is ``""`` where the workspace was not reached; ``problems`` tell why.
    """

    host: str = ""
    states: Mapping[str, ReleaseState] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """What to look at in one environment: its variables, and which of them are aliases."""

    environment: Environment
    loaded: Loaded
    variables: Sequence[str]
    aliases: Mapping[str, Alias]


def look(project: Project, view: ProbeRequest) -> ProbeResult:
    """Ask the workspace of ``view``. What goes wrong is in the answer: others go on."""
    try:
        with session_of(project, view.environment, view.loaded) as session:
            return _seen(session, view)
    except ProvisionerError as error:
        return ProbeResult(problems=error.problems)


def _seen(session: Session, view: ProbeRequest) -> ProbeResult:
    uses = {name: view.loaded.uses.get(name, ()) for name in view.variables}
    addresses = sorted({address for used in uses.values() for address in used})
    steps: dict[Address, Step] = {}
    if addresses:
        wanted = PlanOptions(Selection.of_addresses(addresses))
        steps = {step.address: step for step in make_plan(session, wanted).steps}
    names = [name for name in view.variables if name in view.aliases]
    found = map_parallel(lambda name: alias_version(session, view.aliases[name]), names)
    versions = dict(zip(names, found, strict=True))
    return ProbeResult(
        session.host,
        {name: state_of(used, steps) for name, used in uses.items()},
        {name: one for name, one in versions.items() if isinstance(one, str)},
        tuple(one for one in versions.values() if isinstance(one, Problem)),
    )


def state_of(addresses: Sequence[Address], steps: Mapping[Address, Step]) -> ReleaseState:
    """The worst of ``addresses``. One without a step is left out of its environment."""
    found = {_state(steps.get(address)) for address in addresses}
    return next((state for state in WORST_FIRST if state in found), ReleaseState.UNUSED)


def _state(step: Step | None) -> ReleaseState:
    if step is None:
        return ReleaseState.LEFT_OUT
    if step.action is Action.CREATE:
        return ReleaseState.ABSENT
    if step.action is not Action.KEEP:
        return ReleaseState.DIFFERS
    if step.updating:
        return ReleaseState.UPDATING
    return ReleaseState.NOT_READY if step.attention else ReleaseState.LIVE


def standing(project: Project, words: Sequence[str], *, offline: bool = False) -> PromotionStatus:
    """Where the variables that ``words`` name stand, or all; ``offline`` reads only files.

    Raises FileError for environments that cannot be read or promote in a circle, and
    UsageError where nothing is released, or for a word that names nothing anywhere.
    """
    environments = taking_part(project)
    loading = Loading(project, environments)
    names = named(project, environments, words)
    seen: Mapping[str, ProbeResult | None] = dict.fromkeys(environments)
    if not offline:
        seen = _looked(loading, names)
    made = _StatusBuilder(
        environments, {one: _known(at, names) for one, at in environments.items()}, seen
    )
    return PromotionStatus(
        project.name,
        tuple(made.column(name) for name in environments),
        tuple(VariableRow(name, made.cells(name)) for name in names),
        offline,
    )


def _looked(loading: Loading, names: Sequence[str]) -> Mapping[str, ProbeResult | None]:
    """What the workspaces say, all asked at once."""
    refusal = _one_token(loading.environments.values())

    def view(name: str) -> ProbeRequest | ProbeResult:
        environment = loading.environments[name]
        if refusal and environment.workspace.host:
            return ProbeResult(problems=refusal)
        own = [one for one in names if one in environment.promotion.released]
        try:
            return ProbeRequest(environment, loading.loaded(name), own, aliases(environment))
        except FileError as error:
            return ProbeResult(problems=error.problems)

    def seen(one: ProbeRequest | ProbeResult) -> ProbeResult:
        return one if isinstance(one, ProbeResult) else look(loading.project, one)

    views = [view(name) for name in loading.environments]
    return dict(zip(loading.environments, map_parallel(seen, views), strict=True))


def _one_token(environments: Iterable[Environment]) -> tuple[Problem, ...]:
    """Why none of the hosts may be asked with this login."""
    try:
        refuse_one_token(environments, os.environ)
    except LoginError as error:
        return error.problems
    return ()


@dataclass(frozen=True, slots=True)
class _DeclaredValues:
    """What the files of one environment say about its variables."""

    values: Mapping[str, Value]
    aliases: Mapping[str, Alias]
    problems: tuple[Problem, ...] = ()


def _known(environment: Environment, names: Sequence[str]) -> _DeclaredValues:
    try:
        return _DeclaredValues(values(environment, names), aliases(environment))
    except FileError as error:
        releases = environment.promotion.releases
        found = {name: one.value for name, one in releases.items() if one.value is not None}
        return _DeclaredValues(found, {}, error.problems)


@dataclass(frozen=True, slots=True)
class _StatusBuilder:
    environments: Environments
    known: Mapping[str, _DeclaredValues]
    seen: Mapping[str, ProbeResult | None]

    def column(self, name: str) -> EnvironmentColumn:
        seen = self.seen[name]
        said = (*self.known[name].problems, *(seen.problems if seen else ()))
        return EnvironmentColumn(
            name,
            self.environments[name].promotion.promotes_from,
            seen.host if seen else "",
            bool(seen and seen.host),
            tuple(dict.fromkeys(said)),
        )

    def cells(self, variable: str) -> Mapping[str, StatusCell]:
        return {
            name: self._cell(name, variable)
            for name, one in self.environments.items()
            if variable in one.promotion.released or variable in self.known[name].values
        }

    def _cell(self, name: str, variable: str) -> StatusCell:
        seen = self.seen[name]
        state = ReleaseState.NOT_ASKED
        if seen:
            state = (
                seen.states.get(variable, ReleaseState.UNUSED)
                if seen.host
                else ReleaseState.UNREACHABLE
            )
        return StatusCell(
            self.known[name].values.get(variable),
            self._released(name, variable),
            state,
            distances=(*self._of_alias(name, variable), *self._of_targets(name, variable)),
        )

    def _released(self, name: str, variable: str) -> Released:
        promotion = self.environments[name].promotion
        known = variable in promotion.released
        return promotion.releases.get(variable, Released()) if known else Released()

    def _of_alias(self, name: str, variable: str) -> list[Lead]:
        seen, alias = self.seen[name], self.known[name].aliases.get(variable)
        newer = seen.versions.get(variable) if seen else None
        value = self.known[name].values.get(variable)
        if newer is None or alias is None or newer == value:
            return []
        rejected = newer in self._released(name, variable).rejected
        return [Lead(str(alias), newer, steps(newer, value), alias=True, rejected=rejected)]

    def _of_targets(self, name: str, variable: str) -> list[Lead]:
        value = self.known[name].values.get(variable)
        sources = {one: at.promotion.promotes_from for one, at in self.environments.items()}
        found = []
        for target in targets(name, sources):
            taken = self.known[target].values.get(variable)
            takes = variable in self.environments[target].promotion.released
            if takes and value is not None and taken != value:
                rejected = value in self._released(target, variable).rejected
                by = steps(value, taken)
                found.append(Lead(target, value, by, rejected=rejected))
        return found
