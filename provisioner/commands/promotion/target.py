"""Checks of a promotion's target: it is rendered with the new values, then the preflight runs.

Reads only. Rendering makes the target's own overrides and names count.
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
    """The ``problems`` that refuse a variable, by its name, and ``notes`` about the target."""

    problems: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()


def check_target(session: Session, entries: Mapping[str, Released]) -> TargetChecks:
    """Checks whether the workspace of ``session`` has what the released ``entries`` need.

    All entries are tried together. Only if something is missing is each tried by itself, and
    the others are tried again without those that have to stay behind. Raises WorkspaceError
    when the workspace cannot be reached or refuses the login.
    """
    checks = TargetChecks()
    left = dict(entries)
    while left:
        loaded = _render(session, left, checks)
        if loaded is not None:
            rendered = replace(session, loaded=loaded)
            problems = _check_variables(rendered, left)
            if not _errors(problems):
                checks.notes = problems
                break
            errors = _check_each(rendered, sorted(left))
            # Each may have what it needs, and only all of them together do not.
            checks.problems |= errors or dict.fromkeys(left, problems)
        left = {name: entry for name, entry in left.items() if name not in checks.problems}
    return checks


def missing_secrets(session: Session) -> tuple[Problem, ...]:
    """A warning for each key that any resource of the environment needs and nobody stored."""
    problems = (problem for problem in examine(session).problems if problem.code in SECRETS)
    return tuple(replace(problem, severity=Severity.WARNING) for problem in problems)


def _render(
    session: Session, entries: Mapping[str, Released], checks: TargetChecks
) -> Loaded | None:
    """Returns the manifests with ``entries``; None where they have errors, added to ``checks``."""
    together = _load(session, entries)
    if isinstance(together, Loaded):
        return together
    apart = {name: _load(session, {name: entry}) for name, entry in entries.items()}
    wrong = {name: answer for name, answer in apart.items() if not isinstance(answer, Loaded)}
    # Each may be right, and only all of them together are not.
    checks.problems |= wrong or dict.fromkeys(entries, together)
    return None


def _load(session: Session, entries: Mapping[str, Released]) -> Loaded | tuple[Problem, ...]:
    environment = with_released(session.environment, entries)
    try:
        return load(session.project.root, environment, KINDS)
    except FileError as error:
        return error.problems


def _check_each(session: Session, names: Sequence[str]) -> dict[str, tuple[Problem, ...]]:
    """Returns the errors of each of the variables ``names`` that has any."""
    answers = map_parallel(lambda name: _errors(_check_variables(session, (name,))), names)
    return {name: errors for name, errors in zip(names, answers, strict=True) if errors}


def _errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(problem for problem in problems if problem.severity is Severity.ERROR)


def _check_variables(session: Session, names: Iterable[str]) -> tuple[Problem, ...]:
    """Returns what the preflight says of the resources that use the variables ``names``."""
    wanted = {at for name in names for at in session.loaded.uses.get(name, ())}
    resources = [each for each in session.loaded.resources if each.address in wanted]
    if not resources:
        return ()
    known = {(each.address.kind, each.name): each.address for each in session.loaded.resources}
    # What is declared is asked for where it is declared: a scope before who uses its keys.
    needed = (
        known.get(need)
        for resource in resources
        for need in KINDS[resource.address.kind].dependencies.depends_on(resource.document)
    )
    addresses = {*(resource.address for resource in resources), *filter(None, needed)}
    return examine(session, Selection.of_addresses(addresses)).problems
