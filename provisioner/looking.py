"""What is live of released values in one environment's workspace. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from glob import escape
from typing import Final

from provisioner import registry
from provisioner.at_once import at_once
from provisioner.errors import Problem, ProvisionerError, WorkspaceError
from provisioner.manifests.load import Loaded
from provisioner.manifests.project import Environment
from provisioner.plan import Action, Address, Step
from provisioner.release import Alias
from provisioner.session import Project, Session, session_of
from provisioner.standing import State
from provisioner.workflow import Wanted, make_plan

WORST_FIRST: Final = (
    State.ABSENT,
    State.DIFFERS,
    State.NOT_READY,
    State.UPDATING,
    State.LEFT_OUT,
    State.LIVE,
)


@dataclass(frozen=True, slots=True)
class Seen:
    """``states`` by variable, ``versions`` that aliases point to, by variable.

    ``host`` is ``""`` where the workspace was not reached; ``problems`` tell why.
    """

    host: str = ""
    states: Mapping[str, State] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """What to look at in one environment: its variables, and which of them are aliases."""

    environment: Environment
    loaded: Loaded
    variables: Sequence[str]
    aliases: Mapping[str, Alias]


def look(project: Project, view: View) -> Seen:
    """Ask the workspace of ``view``. What goes wrong is in the answer: others go on."""
    try:
        with session_of(project, view.environment, view.loaded) as session:
            return _seen(session, view)
    except ProvisionerError as error:
        return Seen(problems=error.problems)


def _seen(session: Session, view: View) -> Seen:
    uses = {name: view.loaded.uses.get(name, ()) for name in view.variables}
    addresses = sorted({address for used in uses.values() for address in used})
    steps: dict[Address, Step] = {}
    if addresses:
        wanted = Wanted(select=tuple(escape(str(address)) for address in addresses))
        steps = {step.address: step for step in make_plan(session, wanted).steps}
    names = [name for name in view.variables if name in view.aliases]
    found = at_once(lambda name: _version(session, view.aliases[name]), names)
    versions = dict(zip(names, found, strict=True))
    return Seen(
        session.host,
        {name: state_of(used, steps) for name, used in uses.items()},
        {name: one for name, one in versions.items() if isinstance(one, str)},
        tuple(one for one in versions.values() if isinstance(one, Problem)),
    )


def state_of(addresses: Sequence[Address], steps: Mapping[Address, Step]) -> State:
    """The worst of ``addresses``. One without a step is left out of its environment."""
    found = {_state(steps.get(address)) for address in addresses}
    return next((state for state in WORST_FIRST if state in found), State.UNUSED)


def _state(step: Step | None) -> State:
    if step is None:
        return State.LEFT_OUT
    if step.action is Action.CREATE:
        return State.ABSENT
    if step.action is not Action.KEEP:
        return State.DIFFERS
    if step.updating:
        return State.UPDATING
    return State.NOT_READY if step.attention else State.LIVE


def _version(session: Session, alias: Alias) -> str | Problem:
    try:
        return registry.alias_version(session.connection, alias.model, alias.name, session.host)
    except WorkspaceError as error:
        return error.problems[0]
