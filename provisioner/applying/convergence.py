"""What refusals and live resources mean for the step that met them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.applying.requests import StepTerms
from provisioner.errors import ServiceError, WorkspaceError
from provisioner.model.connection import MISSING
from provisioner.model.live import Live
from provisioner.model.plan import DESTRUCTIVE, Operation, Step

SOON_S = (0.2, 0.4, 0.8, 1.6)
SETTLING_S = (*SOON_S, 3.2, 5.0, 5.0, 5.0, 5.0, 5.0)
"""Pauses between reads until a write shows. Half a minute in all: how long the service's
reads may lag is not documented, and a wrong "did not converge" is worse than the wait."""

SETTLED_S = 3.0
"""Reads that show a write and are equal for so long will not show more of it."""


class Reads:
    """The reads after the writes of a step: whether they show those, and since when all of it."""

    def __init__(self, before: Live | None) -> None:
        self._before = self._last = _traces(before)
        self._equal_s = 0.0

    def have_settled(self, live: Live | None, pause_s: float) -> bool:
        """Take in a read that came ``pause_s`` after the one before it."""
        seen = _traces(live)
        self._equal_s = self._equal_s + pause_s if seen == self._last else 0.0
        self._last = seen
        # A read that is older than the last write says nothing about what that write did.
        is_current = live is not None and live.shows_last_write is not False
        return is_current and seen != self._before and self._equal_s >= SETTLED_S


def _traces(live: Live | None) -> tuple[str, str]:
    """What of a resource no write leaves as it was."""
    return (live.fingerprint, live.touched) if live else ("", "")


def removes(step: Step, operation: Operation) -> bool:
    """Whether ``operation`` takes the resource itself away, not just a part of it."""
    return step.action in DESTRUCTIVE and operation.method == "DELETE"


def http_status(error: WorkspaceError) -> int:
    """The status of a refusal; 0 when the service did not answer."""
    return error.status if isinstance(error, ServiceError) else 0


def is_absence(error: WorkspaceError) -> bool:
    """Returns whether the service itself says that the resource does not exist."""
    return isinstance(error, ServiceError) and error.error_code in MISSING


def name_taken(error: WorkspaceError) -> bool:
    """Whether a create was refused because of its name: 400 or 409, the code is the same."""
    return isinstance(error, ServiceError) and error.error_code.endswith("ALREADY_EXISTS")


def is_there(live: Live | None) -> bool:
    return live is not None


def same_content(live: Live | None, other: Live | None) -> bool:
    """Whether both are the same resource with the same fields, whatever their versions."""
    return (
        live is not None
        and other is not None
        and (live.identity, live.ownership) == (other.identity, other.ownership)
        and live.document == other.document
    )


def is_what_was_sent(terms: StepTerms, step: Step, create: Operation, live: Live) -> bool:
    """Whether ``live`` came from this create: our mark, and every field that was sent."""
    payload = create.payload or {}
    # Not every kind carries a mark; where none was sent only the fields can tell.
    mark = terms.owner if _carries(payload, terms.owner) else ""
    # What later calls will set cannot be there yet.
    left = [
        change
        for change in terms.remaining(step, live)
        if not change.path or str(change.path[0]) in payload
    ]
    return live.ownership.owner == mark and not left


def _carries(payload: Any, owner: str) -> bool:
    """Whether ``payload`` holds ``owner``: its parts as values (tags), or whole in a text."""
    texts = set(_texts(payload))
    return set(owner.split("/")) <= texts or any(owner in text for text in texts)


def _texts(value: Any) -> Iterator[str]:
    """Every text anywhere inside JSON data."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value
