"""The logs of the entities that one resource serves, once or as they grow. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from provisioner.errors import RefusedError, UsageError, WorkspaceError
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.errors.wording import listed
from provisioner.kinds import KINDS
from provisioner.model.clock import Clock, SystemClock
from provisioner.model.resource import Resource
from provisioner.model.selection import Selection
from provisioner.model.serving import LogSource
from provisioner.rendering.text import harmless, harmless_line
from provisioner.workflow.session import Session

PAUSE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class LogRequest:
    """Which logs: of the resource ``name``, of one ``entity`` or ("") of all."""

    name: str
    entity: str = ""
    sources: tuple[LogSource, ...] = tuple(LogSource)


@dataclass(frozen=True, slots=True)
class EntityLog:
    """One log. ``reason`` says why it cannot be read; ``text`` is then empty."""

    entity: str
    source: LogSource
    text: str = ""
    reason: str = ""


def read_logs(session: Session, request: LogRequest) -> tuple[EntityLog, ...]:
    """The logs of ``request``. Raises UsageError, RefusedError, WorkspaceError."""
    resource = _resource(session, request.name)
    return tuple(
        _log(session, resource, entity, source)
        for entity in _entities(session, resource, request.entity)
        for source in request.sources
    )


def follow_logs(
    session: Session, request: LogRequest, clock: Clock | None = None
) -> Iterator[tuple[EntityLog, ...]]:
    """What is new in the logs, again and again, until the caller stops."""
    clock, known = clock or SystemClock(), dict[tuple[str, LogSource], str]()
    while True:
        logs = read_logs(session, request)
        news = [
            EntityLog(
                log.entity, log.source, new_part(known.get((log.entity, log.source), ""), log.text)
            )
            for log in logs
        ]
        known = {(log.entity, log.source): log.text for log in logs}
        yield tuple(log for log in news if log.text)
        clock.sleep(PAUSE_S)


def new_part(before: str, after: str) -> str:
    """What ``after`` has more than ``before``.

    The service answers with the end of a log, so its beginning may be gone by the next look.
    """
    if after.startswith(before):
        return after[len(before) :]
    lines, last = after.splitlines(keepends=True), before.splitlines(keepends=True)[-1]
    at = max((index for index, line in enumerate(lines) if line == last), default=-1)
    return "".join(lines[at + 1 :])


def _resource(session: Session, name: str) -> Resource:
    chosen = Selection.of_words((name,)).choose(session.loaded.resources)
    able = [each for each in chosen if KINDS[each.address.kind].runtime.read_log]
    if len(able) != 1:
        hint = f"choose one: {listed(each.address for each in able or chosen)}"
        raise UsageError.of("E824", f"`{name}` does not match exactly one resource with logs", hint)
    return able[0]


def _entities(session: Session, resource: Resource, wanted: str) -> Sequence[str]:
    live = session.drivers[resource.address.kind].read(resource)
    describe = KINDS[resource.address.kind].runtime.describe
    if live is None or describe is None:
        raise RefusedError.of(
            "E441", f"there is no endpoint `{resource.name}`", "run `provisioner apply` first"
        )
    # After a first deployment that failed, the endpoint serves nothing, and its entities have logs.
    declared = replace(live, document=resource.document)
    names = list(dict.fromkeys(each.name for side in (live, declared) for each in describe(side)))
    if wanted and wanted not in names:
        hint = f"{did_you_mean(wanted, names)} it serves {listed(names)}".lstrip()
        raise UsageError.of("E825", f"`{resource.name}` serves no entity `{wanted}`", hint)
    return [wanted] if wanted else names


def _log(session: Session, resource: Resource, entity: str, source: LogSource) -> EntityLog:
    read_log = KINDS[resource.address.kind].runtime.read_log
    if read_log is None:
        return EntityLog(entity, source)
    try:
        text = read_log(session.connection, resource.name, entity, source)
    except WorkspaceError as error:
        # One log that is not there, such as that of a server which never started, hides no other.
        return EntityLog(entity, source, reason=error.problems[0].message)
    return EntityLog(entity, source, text)


# Logs as text, each line marked with where it is from, and as JSON. Pure.


def text(logs: Sequence[EntityLog]) -> str:
    """A line ``ENTITY build | ...`` for each line of a log."""
    return "".join(f"{line}\n" for log in logs for line in _lines(log))


def _lines(log: EntityLog) -> list[str]:
    where = f"{harmless_line(log.entity)} {log.source}"
    if log.reason:
        return [f"{where} | (cannot be read: {harmless_line(log.reason)})"]
    return [f"{where} | {harmless_line(line)}" for line in log.text.splitlines()] or [
        f"{where} | (empty)"
    ]


def to_json(logs: Sequence[EntityLog]) -> dict[str, Any]:
    """``{"logs": [{"entity", "source", "text", "reason"}]}``."""
    return {
        "logs": [
            {
                "entity": log.entity,
                "source": str(log.source),
                "text": harmless(log.text),
                "reason": harmless(log.reason),
            }
            for log in logs
        ]
    }
