"""``rollback``: an environment goes back to values that were released to it before."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from provisioner.commands.promotion.entries import Stamp
from provisioner.commands.promotion.participants import nothing_released, released_variables
from provisioner.errors import Problem, RefusedError, Severity, UsageError
from provisioner.files import git
from provisioner.manifests.given_values import Outside, typed
from provisioner.manifests.load import Loaded
from provisioner.manifests.project import Environment, read_environment
from provisioner.manifests.references import NoValueError
from provisioner.manifests.variable_values import with_released
from provisioner.model.clock import utc_now
from provisioner.model.plan import Address
from provisioner.model.release import Released, Value
from provisioner.model.selection import Selection
from provisioner.rendering.markup import diff_of
from provisioner.workflow import releases
from provisioner.workflow.environments import load_manifests
from provisioner.workflow.project import Project
from provisioner.workflow.releases import ReleaseDraft


@dataclass(frozen=True, slots=True)
class RollbackRequest:
    """One that is asked for: ``to`` is a value to go to, None for the previous one.

    ``stamp`` is of this very rollback.
    """

    environment: str
    to: Value | None
    stamp: Stamp


def rolled_back(name: str, now: Released, request: RollbackRequest) -> Released | Problem:
    """The entry of the variable ``name`` after the rollback, or why there can be none.

    What was released is rejected from now on. The previous value is used up: a second
    rollback would bring back what the first one took away.
    """
    if now.value is None:
        return _nothing_released(name, request)
    value = now.previous if request.to is None else request.to
    if value is None or (request.to is None and value in now.rejected):
        return _nothing_before(name, now, request)
    if value == now.value:
        message = f"`{name}` is already {_said(value)} in {request.environment}"
        return Problem("E722", message, hint=_history(name, request))
    # The value that is live again must not stay rejected, or `promote` would refuse it.
    rejected = [version for version in now.rejected if version not in (value, now.value)]
    return Released(
        value=value,
        rolled_back=now.value,
        commit=request.stamp.short,
        at=request.stamp.at,
        rejected=(*rejected, now.value),
    )


def is_known(value: Value, now: Released) -> bool:
    """Whether the release file tells that ``value`` was released before."""
    return value == now.previous or value in now.rejected


def _nothing_released(name: str, request: RollbackRequest) -> Problem:
    message = f"`{name}` has no released value in {request.environment}"
    hint = f"provisioner promote --to {request.environment} {name}"
    return Problem("E721", message, hint=hint)


def _nothing_before(name: str, now: Released, request: RollbackRequest) -> Problem:
    if now.rolled_back is not None:
        why = f": it was already rolled back from {_said(now.rolled_back)} to {_said(now.value)}"
    elif now.previous is not None:
        why = f": the previous one, {_said(now.previous)}, is rejected"
    else:
        why = f": {_said(now.value)} is the first one"
    message = f"there is no previous value of `{name}` in {request.environment}{why}"
    again = f"provisioner rollback -e {request.environment} {name} --to VALUE"
    return Problem(
        "E723", message, hint=f"{_history(name, request)} shows the earlier values; {again}"
    )


def _history(name: str, request: RollbackRequest) -> str:
    return f"provisioner history {name} -e {request.environment}"


def _said(value: Value | None) -> str:
    return f"`{value}`"


@dataclass(frozen=True, slots=True)
class RollbackProposal:
    """A rollback that is decided and not written.

    ``before`` and ``after`` are the entries of the variables. ``environment`` and ``loaded``
    are as they will be; ``affected`` are the addresses that are made from the variables.
    """

    environment: Environment
    loaded: Loaded
    before: dict[str, Released]
    after: dict[str, Released]
    draft: releases.ReleaseDraft
    affected: tuple[Address, ...]
    warnings: tuple[Problem, ...]

    @property
    def selection(self) -> Selection:
        """The affected resources, and no other one."""
        return Selection.of_addresses(self.affected)


def roll_back(project: Project, name: str, names: Sequence[str], to: str = "") -> RollbackProposal:
    """Decide what goes back in the environment ``name``. Writes nothing.

    ``names`` are variables, or endpoints, which stand for the released variables that they
    are made from. ``to`` is the value to go back to, ``""`` the previous one. Raises
    FileError, UsageError, and RefusedError with everything that cannot go back.
    """
    environment = read_environment(project.root, name, Outside.of((), os.environ))
    released = environment.promotion.released
    if not released:
        raise nothing_released(name)
    variables = released_variables(names, released, lambda: [_load(project, environment)])
    if to and len(variables) > 1:
        message = f"--to sets one value, but {len(variables)} variables are given"
        raise UsageError.of("E725", message, f"choose one of {', '.join(variables)}")
    known = environment.promotion.releases
    before = {variable: known.get(variable, Released()) for variable in variables}
    request = RollbackRequest(name, None, Stamp(utc_now(), git.commit(project.root)))
    after = {}
    problems = []
    for variable, now in before.items():
        made = rolled_back(variable, now, replace(request, to=_value(to, now)))
        if isinstance(made, Problem):
            problems.append(made)
        else:
            after[variable] = made
    if problems:
        raise RefusedError(problems)
    will_be = with_released(environment, after)
    loaded = _load(project, will_be)
    affected = {at for variable in variables for at in loaded.uses.get(variable, ())}
    return RollbackProposal(
        will_be,
        loaded,
        before,
        after,
        releases.draft_release(project.root, name, after),
        tuple(sorted(affected)),
        tuple(_unheard_of(name, before, after)) if to else (),
    )


def _load(project: Project, environment: Environment) -> Loaded:
    return load_manifests(project.root, environment)


def write(project: Project, decided: RollbackProposal) -> None:
    """Write the release file. Raises FileError."""
    releases.write_release(project.root, decided.environment.name, decided.after)


def _value(text: str, now: Released) -> Value | None:
    """``text`` as a value of the type that is released now; None without a text."""
    if not text or now.value is None:
        return None
    try:
        value: Value = typed(text, "--to", now.value)
    except NoValueError as error:
        raise UsageError.of(error.code, error.message, error.hint) from error
    return value


def _unheard_of(
    environment: str, before: dict[str, Released], after: dict[str, Released]
) -> list[Problem]:
    return [
        Problem(
            "W743",
            f"the release file does not show that `{name}` was {made.value} in {environment} "
            "before, so the value may be untested",
            hint=f"provisioner history {name} -e {environment}",
            severity=Severity.WARNING,
        )
        for name, made in after.items()
        if made.value is not None and not is_known(made.value, before[name])
    ]


def diff(draft: ReleaseDraft) -> str:
    """The difference that the rollback makes in the release file."""
    return diff_of(draft.file, draft.before, draft.after)


def next_step(environment: str, affected: Sequence[Address]) -> str:
    """What to do after the file was written."""
    if not affected:
        return "written; no manifest uses it"
    selection = " ".join(f"--select {address.key}" for address in affected)
    return f"written; next: provisioner apply -e {environment} {selection}"


def to_json(
    draft: ReleaseDraft, after: Mapping[str, Released], affected: Sequence[Address]
) -> dict[str, Any]:
    """``{"file", "written", "resources", "variables": [{"name", "value", ...}]}``."""
    return {
        "file": draft.file,
        "written": True,
        "resources": [str(address) for address in affected],
        "variables": [
            {
                "name": name,
                "value": released.value,
                "rolled_back": released.rolled_back,
                "rejected": list(released.rejected),
            }
            for name, released in sorted(after.items())
        ],
    }
