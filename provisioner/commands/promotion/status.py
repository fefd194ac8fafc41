"""``promote --status``: environments side by side, from their files and their workspaces.

Reads only. One workspace that cannot be reached leaves its column without a state.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from provisioner.commands.promotion.participants import Participants, participants_of
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


def versions_ahead(newer: Value, older: Value | None) -> int | None:
    """Returns ``newer`` minus ``older`` for whole numbers, also as text; None for other values."""
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
    """What one workspace says: ``states`` and the ``versions`` of aliases, by variable.

    ``host`` is ``""`` where the workspace was not reached; ``problems`` tell why.
    """

    host: str = ""
    states: Mapping[str, ReleaseState] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class ProbeRequest:
    """What to read from one workspace: the released variables, and those that are aliases."""

    environment: Environment
    loaded: Loaded
    variables: Sequence[str]
    aliases: Mapping[str, Alias]


def probe(project: Project, request: ProbeRequest) -> ProbeResult:
    """Reads which released values are applied in one workspace, and where aliases point to.

    Raises nothing: a problem of one workspace is in its result, and the others go on.
    """
    try:
        with session_of(project, request.environment, request.loaded) as session:
            return _read_workspace(session, request)
    except ProvisionerError as error:
        return ProbeResult(problems=error.problems)


def _read_workspace(session: Session, request: ProbeRequest) -> ProbeResult:
    uses = {name: request.loaded.uses.get(name, ()) for name in request.variables}
    steps = _plan_steps(session, uses.values())
    names = [name for name in request.variables if name in request.aliases]
    answers = map_parallel(lambda name: alias_version(session, request.aliases[name]), names)
    by_name = dict(zip(names, answers, strict=True))
    return ProbeResult(
        session.host,
        {name: state_of(addresses, steps) for name, addresses in uses.items()},
        {name: answer for name, answer in by_name.items() if not isinstance(answer, Problem)},
        tuple(answer for answer in answers if isinstance(answer, Problem)),
    )


def _plan_steps(session: Session, uses: Iterable[Sequence[Address]]) -> Mapping[Address, Step]:
    """Plans the resources that use a variable; none where nothing uses any."""
    addresses = {address for addresses in uses for address in addresses}
    if not addresses:
        return {}
    options = PlanOptions(Selection.of_addresses(addresses))
    return {step.address: step for step in make_plan(session, options).steps}


def state_of(addresses: Sequence[Address], steps: Mapping[Address, Step]) -> ReleaseState:
    """The worst of ``addresses``. One without a step is left out of its environment."""
    states = {_state(steps.get(address)) for address in addresses}
    return next((state for state in WORST_FIRST if state in states), ReleaseState.UNUSED)


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


def promotion_status(
    project: Project, words: Sequence[str], *, offline: bool = False
) -> PromotionStatus:
    """Compares the released variables that ``words`` name, or all, across environments.

    ``offline`` reads only files. Raises FileError for environments that cannot be read or that
    promote in a cycle, and UsageError where nothing is released, or for a word that names
    nothing anywhere.
    """
    participants = participants_of(project)
    environments = participants.environments
    names = participants.variables(words)
    probes: Mapping[str, ProbeResult | None] = dict.fromkeys(environments)
    if not offline:
        probes = _probe_all(participants, names)
    declared = {name: _declared_values(each, names) for name, each in environments.items()}
    builder = _StatusBuilder(environments, declared, probes)
    return PromotionStatus(
        project.name,
        tuple(builder.column(name) for name in environments),
        tuple(VariableRow(name, builder.cells(name)) for name in names),
        offline,
    )


def _probe_all(
    participants: Participants, names: Sequence[str]
) -> Mapping[str, ProbeResult | None]:
    """Probes all workspaces at once."""
    refusal = _shared_token(participants.environments.values())

    def request_for(name: str) -> ProbeRequest | ProbeResult:
        environment = participants.environments[name]
        if refusal and environment.workspace.host:
            return ProbeResult(problems=refusal)
        released = [each for each in names if each in environment.promotion.released]
        try:
            loaded = participants.load(name)
            return ProbeRequest(environment, loaded, released, aliases(environment))
        except FileError as error:
            return ProbeResult(problems=error.problems)

    def answer(request: ProbeRequest | ProbeResult) -> ProbeResult:
        if isinstance(request, ProbeResult):
            return request
        return probe(participants.project, request)

    # Manifests are loaded one after the other: that is work of the processor, not waiting.
    requests = [request_for(name) for name in participants.environments]
    return dict(zip(participants.environments, map_parallel(answer, requests), strict=True))


def _shared_token(environments: Iterable[Environment]) -> tuple[Problem, ...]:
    """Returns why no host may be asked: the token of one workspace would reach another."""
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


def _declared_values(environment: Environment, names: Sequence[str]) -> _DeclaredValues:
    try:
        return _DeclaredValues(values(environment, names), aliases(environment))
    except FileError as error:
        # A mistake in one variable leaves the values of the release file in sight.
        releases = environment.promotion.releases
        released = {
            name: entry.value for name, entry in releases.items() if entry.value is not None
        }
        return _DeclaredValues(released, {}, error.problems)


@dataclass(frozen=True, slots=True)
class _StatusBuilder:
    """Builds columns and cells from what files and workspaces say, by environment."""

    environments: Mapping[str, Environment]
    declared: Mapping[str, _DeclaredValues]
    probes: Mapping[str, ProbeResult | None]

    def column(self, name: str) -> EnvironmentColumn:
        probe = self.probes[name]
        problems = (*self.declared[name].problems, *(probe.problems if probe else ()))
        return EnvironmentColumn(
            name,
            self.environments[name].promotion.promotes_from,
            probe.host if probe else "",
            bool(probe and probe.host),
            tuple(dict.fromkeys(problems)),
        )

    def cells(self, variable: str) -> Mapping[str, StatusCell]:
        return {
            name: self._cell(name, variable)
            for name, environment in self.environments.items()
            if variable in environment.promotion.released or variable in self.declared[name].values
        }

    def _cell(self, name: str, variable: str) -> StatusCell:
        return StatusCell(
            self.declared[name].values.get(variable),
            self._released(name, variable),
            self._state(name, variable),
            leads=(*self._of_alias(name, variable), *self._over_targets(name, variable)),
        )

    def _state(self, name: str, variable: str) -> ReleaseState:
        probe = self.probes[name]
        if not probe:
            return ReleaseState.NOT_ASKED
        if not probe.host:
            return ReleaseState.UNREACHABLE
        return probe.states.get(variable, ReleaseState.UNUSED)

    def _released(self, name: str, variable: str) -> Released:
        promotion = self.environments[name].promotion
        is_released = variable in promotion.released
        return promotion.releases.get(variable, Released()) if is_released else Released()

    def _of_alias(self, name: str, variable: str) -> list[Lead]:
        """Returns how far the alias is ahead of the version that is pinned."""
        probe, alias = self.probes[name], self.declared[name].aliases.get(variable)
        newer = probe.versions.get(variable) if probe else None
        value = self.declared[name].values.get(variable)
        if newer is None or alias is None or newer == value:
            return []
        rejected = newer in self._released(name, variable).rejected
        ahead = versions_ahead(newer, value)
        return [Lead(str(alias), newer, ahead, alias=True, rejected=rejected)]

    def _over_targets(self, name: str, variable: str) -> list[Lead]:
        """Returns how far the value is ahead of each environment that takes it from here."""
        value = self.declared[name].values.get(variable)
        sources = {each: at.promotion.promotes_from for each, at in self.environments.items()}
        leads = []
        for target in targets(name, sources):
            target_value = self.declared[target].values.get(variable)
            takes = variable in self.environments[target].promotion.released
            if takes and value is not None and target_value != value:
                rejected = value in self._released(target, variable).rejected
                ahead = versions_ahead(value, target_value)
                leads.append(Lead(target, value, ahead, rejected=rejected))
        return leads
