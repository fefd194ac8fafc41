"""The live side of an environment, read concurrently with as few requests as can be.

One list for each kind whose resources carry our tags (for orphans and for the guard), and
one read for each declared resource; what a read costs is the driver's business.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from provisioner.errors import LoginError, Problem, UnreachableError, WorkspaceError
from provisioner.model.clock import Clock, SystemClock
from provisioner.model.kind import Driver
from provisioner.model.live import Listed, Live
from provisioner.model.plan import Address
from provisioner.model.resource import Resource
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


# Compares the read of each resource with the list of its kind, where a plan has both.
# An answer that says "there is none" decides what a plan creates, so it has to agree with the list.
# A workspace that was written to a moment ago may show both for a while: the resource and the list
# are then read again before the contradiction becomes an error.

PAUSES_S: Final = (0.4, 1.2)
"""Before each further look. Reads lag after a delete for an unknown time (assumed: short)."""


def settled(
    resources: Sequence[Resource],
    live: Mapping[Address, Live | None],
    listed: Mapping[str, Sequence[Listed]],
    drivers: Mapping[str, Driver],
    clock: Clock | None = None,
) -> dict[Address, Live | None]:
    """Returns ``live``, with what contradicted the lists read again.

    Raises UnreachableError (E437) where a resource and the list of its kind still disagree.
    """
    answers = dict(live)
    names = {kind: {entry.name for entry in entries} for kind, entries in listed.items()}
    doubtful = _contradictions(resources, answers, names)
    for pause_s in PAUSES_S:
        if not doubtful:
            return answers
        (clock or SystemClock()).sleep(pause_s)
        for kind in {resource.address.kind for resource in doubtful}:
            names[kind] = set(drivers[kind].poll())
        for resource in doubtful:
            answers[resource.address] = drivers[resource.address.kind].read(resource)
        doubtful = _contradictions(doubtful, answers, names)
    if doubtful:
        raise _error(doubtful[0], is_listed=answers[doubtful[0].address] is None)
    return answers


def _contradictions(
    resources: Iterable[Resource],
    live: Mapping[Address, Live | None],
    names: Mapping[str, set[str]],
) -> list[Resource]:
    """The resources that only one of the two answers has.

    A list that has other entries may leave out what the login may not see, or lag behind a
    create. An empty one beside a resource that was read is no list of this workspace.
    """
    return [
        resource
        for resource in resources
        if (known := names.get(resource.address.kind)) is not None
        and ((resource.name in known) if live[resource.address] is None else not known)
    ]


def _error(resource: Resource, *, is_listed: bool) -> UnreachableError:
    list_says, read_says = ("does", "does not") if is_listed else ("does not", "does")
    return UnreachableError.of(
        "E437",
        f"the list of the workspace says that `{resource.name}` {list_says} exist, and the "
        f"answer about `{resource.name}` itself that it {read_says}",
        hint=(
            "if it was just created or deleted, run the same command again; otherwise a "
            "gateway may have answered instead of the workspace"
        ),
    )
