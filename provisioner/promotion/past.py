"""From what a release file held, commit by commit, to what happened. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from provisioner.release import Released
from provisioner.release_event import ReleaseEvent


@dataclass(frozen=True, slots=True)
class Past:
    """A commit: ``entry`` is what it says about the variable; None: nothing.

    ``parents`` are the commits before it that are known as well.
    """

    commit: str
    parents: tuple[str, ...]
    author: str
    at: str
    subject: str
    entry: Released | None


def events(
    environment: str, variable: str, now: Released | None, pasts: Sequence[Past]
) -> list[ReleaseEvent]:
    """What happened to ``variable``, newest first. ``now`` is what its file says.

    A merge is an event only where it differs from all that it merges. What git does not
    know (there is none, or not yet) is told from the entry itself.
    """
    found = list(_committed(environment, variable, pasts))
    head = pasts[0].entry if pasts else None
    if (now or Released()) != (head or Released()):
        changed = now or Released()
        before = head.value if head else _before(changed)
        found.insert(0, ReleaseEvent(environment, variable, changed, before))
    if not pasts and now and now.previous is not None:
        found.append(ReleaseEvent(environment, variable, Released(now.previous)))
    return found


def newest_first(found: Sequence[ReleaseEvent]) -> tuple[ReleaseEvent, ...]:
    """Events of several environments together; those without a time are the oldest."""
    return tuple(sorted(found, key=lambda one: _moment(one.at), reverse=True))


def _committed(environment: str, variable: str, pasts: Sequence[Past]) -> Iterator[ReleaseEvent]:
    known: Mapping[str, Past] = {one.commit: one for one in pasts}
    for one in pasts:
        entry = one.entry or Released()
        before = [known[name].entry or Released() for name in one.parents if name in known]
        if entry in (before or [Released()]):
            continue
        yield ReleaseEvent(
            environment,
            variable,
            entry,
            before[0].value if before else _before(entry),
            one.commit,
            one.author,
            one.at,
            one.subject,
        )


def _before(entry: Released) -> str | int | float | bool | None:
    return entry.previous if entry.rolled_back is None else entry.rolled_back


def _moment(at: str) -> datetime:
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
