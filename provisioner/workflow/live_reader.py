"""The live side of an environment, read concurrently with as few requests as can be.

One list for each kind whose resources carry our tags (for orphans and for the guard), and
one read for each declared resource; what a read costs is the driver's business.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.errors import LoginError, Problem, UnreachableError, WorkspaceError
from provisioner.model.kind import Driver
from provisioner.model.live import Listed, Live
from provisioner.model.plan import Address
from provisioner.model.resource import Resource
from provisioner.workflow.contradictions import settled
from provisioner.workflow.parallel import map_parallel

PARALLELISM = 64


@dataclass(frozen=True, slots=True)
class Reading:
    """What the workspace holds: per declared address its live side, per kind its list."""

    live: Mapping[Address, Live | None]
    listed: Mapping[str, Sequence[Listed]]


def read(
    resources: Sequence[Resource], listed_kinds: Sequence[str], drivers: Mapping[str, Driver]
) -> Reading:
    """Read the live side of ``resources`` and the lists of ``listed_kinds``.

    Raises WorkspaceError with every problem of every resource; when the workspace cannot
    be reached at all or refuses the login, with that one problem alone.
    """
    questions: dict[Address | str, Callable[[], Any]] = {}
    for name in listed_kinds:
        questions[name] = _lister(drivers[name], resources)
    for resource in resources:
        questions[resource.address] = _reader(drivers[resource.address.kind], resource)
    answers = _ask(questions)
    # A kind that may not be listed is left out: its orphans are not known.
    listed = {name: answers[name] for name in listed_kinds if answers[name] is not None}
    live = {resource.address: answers[resource.address] for resource in resources}
    return Reading(settled(resources, live, listed, drivers), listed)


def examine(
    replaced: Mapping[Address, tuple[Resource, Live]], drivers: Mapping[str, Driver]
) -> Mapping[Address, Live]:
    """The live resources with what their replacement would lose. Raises as ``read`` does."""
    answers = _ask(
        {
            address: _examiner(drivers[address.kind], resource, live)
            for address, (resource, live) in replaced.items()
        }
    )
    return {address: answers[address] for address in replaced}


def _examiner(driver: Driver, resource: Resource, live: Live) -> Callable[[], Live]:
    return lambda: driver.examine(resource, live)


def _lister(driver: Driver, near: Sequence[Resource]) -> Callable[[], Sequence[Listed] | None]:
    return lambda: driver.inventory(near)


def _reader(driver: Driver, resource: Resource) -> Callable[[], Live | None]:
    return lambda: driver.read(resource)


def _ask(questions: Mapping[Address | str, Callable[[], Any]]) -> dict[Address | str, Any]:
    hopeless = threading.Event()
    problems: list[Problem] = []
    fatal: list[WorkspaceError] = []

    def ask(question: Callable[[], Any]) -> Any:
        if hopeless.is_set():
            return None
        try:
            return question()
        except (LoginError, UnreachableError) as error:
            # The next thousand requests would say the same, and each would retry first.
            hopeless.set()
            fatal.append(error)
        except WorkspaceError as error:
            problems.extend(error.problems)
        return None

    try:
        answers = map_parallel(ask, questions.values(), PARALLELISM)
    except BaseException:
        # What is under way goes on in its thread, and must not ask anything more.
        hopeless.set()
        raise
    if fatal:
        raise fatal[0]
    if problems:
        raise WorkspaceError(problems)
    return dict(zip(questions, answers, strict=True))
