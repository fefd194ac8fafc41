"""What an environment lacks to take values that are promoted to it; reads only.

It is rendered with them, so that its own overrides and names count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from provisioner.commands.preflight.preflight import examine
from provisioner.errors import FileError, Problem, Severity
from provisioner.kinds import KINDS
from provisioner.manifests.load import Loaded, load
from provisioner.manifests.variable_values import with_released
from provisioner.model.release import Released
from provisioner.model.selection import Selection
from provisioner.workflow.parallel import map_parallel
from provisioner.workflow.session import Session

SECRETS = frozenset({"E768", "E769", "E773"})
"""What preflight says of keys of secret scopes."""


@dataclass(slots=True)
class TargetChecks:
    """The ``problems`` by variable, and what else is worth knowing, in ``notes``."""

    problems: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()


def received(session: Session, entries: Mapping[str, Released]) -> TargetChecks:
    """Look whether the workspace of ``session`` can take ``entries``.

    All of them are tried together; only if something is missing is each asked for itself, and
    the others are tried again without those that have to stay behind. Raises WorkspaceError
    when the workspace cannot be reached or refuses the login.
    """
    found = TargetChecks()
    left = dict(entries)
    while left:
        loaded = _rendered(session, left, found)
        if loaded is not None:
            with_them = replace(session, loaded=loaded)
            together = _lacking(with_them, left)
            if not _errors(together):
                found.notes = together
                break
            found.problems |= _apart(with_them, sorted(left)) or dict.fromkeys(left, together)
        left = {name: entry for name, entry in left.items() if name not in found.problems}
    return found


def missing_secrets(session: Session) -> tuple[Problem, ...]:
    """A warning for each key that any resource of the environment needs and nobody stored."""
    found = (problem for problem in examine(session).problems if problem.code in SECRETS)
    return tuple(replace(problem, severity=Severity.WARNING) for problem in found)


def _rendered(
    session: Session, entries: Mapping[str, Released], found: TargetChecks
) -> Loaded | None:
    """The environment with ``entries``; None where it has mistakes then, which are noted."""
    together = _load(session, entries)
    if isinstance(together, Loaded):
        return together
    apart = {name: _load(session, {name: entry}) for name, entry in entries.items()}
    wrong = {name: told for name, told in apart.items() if not isinstance(told, Loaded)}
    # Each may be right, and only all of them together are not.
    found.problems |= wrong or dict.fromkeys(entries, together)
    return None


def _load(session: Session, entries: Mapping[str, Released]) -> Loaded | tuple[Problem, ...]:
    environment = with_released(session.environment, entries)
    try:
        return load(session.project.root, environment, KINDS)
    except FileError as error:
        return error.problems


def _apart(session: Session, names: Sequence[str]) -> dict[str, tuple[Problem, ...]]:
    """The errors of those of ``names`` that have some."""
    answers = map_parallel(lambda name: _errors(_lacking(session, (name,))), names)
    return {name: errors for name, errors in zip(names, answers, strict=True) if errors}


def _errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(problem for problem in problems if problem.severity is Severity.ERROR)


def _lacking(session: Session, names: Iterable[str]) -> tuple[Problem, ...]:
    """What is missing for the resources made from the variables ``names``, and what else."""
    wanted = {at for name in names for at in session.loaded.uses.get(name, ())}
    resources = [one for one in session.loaded.resources if one.address in wanted]
    if not resources:
        return ()
    known = {(one.address.kind, one.name): one.address for one in session.loaded.resources}
    # What is declared is asked for where it is declared: a scope before who uses its keys.
    needed = (
        known.get(need)
        for one in resources
        for need in KINDS[one.address.kind].dependencies.depends_on(one.document)
    )
    addresses = {*(one.address for one in resources), *filter(None, needed)}
    return examine(session, Selection.of_addresses(addresses)).problems
