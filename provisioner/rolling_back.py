"""``rollback``: an environment goes back to values that were released to it before."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from glob import escape

from provisioner import release_store, repository
from provisioner.errors import Problem, RefusedError, Severity, UsageError
from provisioner.kinds import KINDS
from provisioner.manifests.load import Loaded, load
from provisioner.manifests.outside import Outside, typed
from provisioner.manifests.project import Environment, read_environment
from provisioner.manifests.references import NoValueError
from provisioner.manifests.worth import with_released
from provisioner.pinning import utc_now
from provisioner.plan import Address
from provisioner.promotion.entries import Stamp
from provisioner.promotion.rollback import Rollback, is_known, rolled_back
from provisioner.release import Released, Value
from provisioner.released_names import meant
from provisioner.session import Project
from provisioner.taking_part import nothing_released


@dataclass(frozen=True, slots=True)
class RollingBack:
    """A rollback that is decided and not written.

    ``before`` and ``after`` are the entries of the variables. ``environment`` and ``loaded``
    are as they will be; ``affected`` are the addresses that are made from the variables.
    """

    environment: Environment
    loaded: Loaded
    before: dict[str, Released]
    after: dict[str, Released]
    draft: release_store.Draft
    affected: tuple[Address, ...]
    warnings: tuple[Problem, ...]

    @property
    def selection(self) -> tuple[str, ...]:
        """What selects the affected resources, and no other one."""
        return tuple(escape(str(address)) for address in self.affected)


def roll_back(project: Project, name: str, names: Sequence[str], to: str = "") -> RollingBack:
    """Decide what goes back in the environment ``name``. Writes nothing.

    ``names`` are variables, or endpoints, which stand for the released variables that they
    are made from. ``to`` is the value to go back to, ``""`` the previous one. Raises
    FileError, UsageError, and RefusedError with everything that cannot go back.
    """
    environment = read_environment(project.root, name, Outside.of((), os.environ))
    released = environment.promotion.released
    if not released:
        raise nothing_released(name)
    variables = meant(load(project.root, environment, KINDS), names, released)
    if to and len(variables) > 1:
        message = f"--to is one value, and these are {len(variables)} variables"
        raise UsageError.of("E725", message, f"name one of {', '.join(variables)}")
    before = {one: environment.promotion.releases.get(one, Released()) for one in variables}
    asked = Rollback(name, None, Stamp(utc_now(), repository.commit(project.root)))
    after = {}
    problems = []
    for one, now in before.items():
        made = rolled_back(one, now, replace(asked, to=_value(to, now)))
        if isinstance(made, Problem):
            problems.append(made)
        else:
            after[one] = made
    if problems:
        raise RefusedError(problems)
    will_be = with_released(environment, after)
    loaded = load(project.root, will_be, KINDS)
    affected = {at for one in variables for at in loaded.uses.get(one, ())}
    return RollingBack(
        will_be,
        loaded,
        before,
        after,
        release_store.text(project.root, name, after),
        tuple(sorted(affected)),
        tuple(_unheard_of(name, before, after)) if to else (),
    )


def write(project: Project, decided: RollingBack) -> None:
    """Write the release file. Raises FileError."""
    release_store.write(project.root, decided.environment.name, decided.after)


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
            f"the release file does not tell that `{name}` was {made.value} in {environment} "
            "before: nothing here has proven it",
            hint=f"provisioner history {name} -e {environment}",
            severity=Severity.WARNING,
        )
        for name, made in after.items()
        if made.value is not None and not is_known(made.value, before[name])
    ]
