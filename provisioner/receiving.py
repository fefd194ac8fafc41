"""What an environment lacks to take values that are promoted to it; reads only.

It is rendered with them, so that its own overrides and names count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from glob import escape

from provisioner.at_once import at_once
from provisioner.errors import FileError, Problem, Severity
from provisioner.kinds import KINDS
from provisioner.manifests.load import Loaded, load
from provisioner.manifests.worth import with_released
from provisioner.plan import Address
from provisioner.preflight import examine
from provisioner.release import Released
from provisioner.session import Session

SECRETS = frozenset({"E768", "E769", "E773"})
"""What preflight says of keys of secret scopes."""


@dataclass(slots=True)
class Receiving:
    """The ``problems`` by variable, and what else is worth knowing, in ``notes``."""

    problems: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    notes: dict[str, Problem] = field(default_factory=dict)


def received(session: Session, entries: Mapping[str, Released]) -> Receiving:
    """Look whether the workspace of ``session`` can take ``entries``, each for itself.

    Values that go to one resource are judged together, without those that stay behind.
    Raises WorkspaceError when the workspace cannot be reached or refuses the login.
    """
    found = Receiving()
    left = dict(entries)
    ask = set(left)
    while left and ask:
        loaded = _rendered(session, left, found)
        left = {name: entry for name, entry in left.items() if name not in found.problems}
        if loaded is None:
            continue
        asked = sorted(ask & left.keys())
        with_them = replace(session, loaded=loaded)
        answers = at_once(lambda name: _lacking(with_them, name), asked)  # noqa: B023
        refused = _sorted_out(asked, answers, found)
        ask = _neighbours(loaded, refused, left.keys() - refused)
        left = {name: entry for name, entry in left.items() if name not in refused}
    return found


def missing_secrets(session: Session) -> tuple[Problem, ...]:
    """A warning for each key that any resource of the environment needs and nobody stored."""
    found = (problem for problem in examine(session).problems if problem.code in SECRETS)
    return tuple(replace(problem, severity=Severity.WARNING) for problem in found)


def _rendered(session: Session, entries: Mapping[str, Released], found: Receiving) -> Loaded | None:
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


def _lacking(session: Session, name: str) -> tuple[Problem, ...]:
    wanted = set(session.loaded.uses.get(name, ()))
    resources = [one for one in session.loaded.resources if one.address in wanted]
    if not resources:
        return ()
    names = {(one.address.kind, one.name): one.address for one in session.loaded.resources}
    needed = (
        names.get(need) for one in resources for need in KINDS[one.address.kind].needs(one.document)
    )
    addresses = {*(one.address for one in resources), *filter(None, needed)}
    return examine(session, [escape(str(at)) for at in sorted(addresses)]).problems


def _sorted_out(
    asked: Sequence[str], answers: Iterable[Sequence[Problem]], found: Receiving
) -> set[str]:
    """Who is refused; what is no error is noted once."""
    refused: set[str] = set()
    for name, problems in zip(asked, answers, strict=True):
        errors = tuple(one for one in problems if one.severity is Severity.ERROR)
        if errors:
            found.problems[name] = errors
            refused.add(name)
            continue
        found.notes |= {problem.message: problem for problem in problems}
    return refused


def _neighbours(loaded: Loaded, refused: Iterable[str], left: Iterable[str]) -> set[str]:
    """Those of ``left`` that share a resource with one that stays behind."""
    shared: set[Address] = {at for name in refused for at in loaded.uses.get(name, ())}
    return {name for name in left if shared.intersection(loaded.uses.get(name, ()))}
