"""What refusals and live resources mean for the step that met them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.applying.requests import Terms
from provisioner.errors import ServiceError, WorkspaceError
from provisioner.plan import DESTRUCTIVE, Operation, Step
from provisioner.resource import Live


def removes(step: Step, operation: Operation) -> bool:
    """Whether ``operation`` takes the resource itself away, not just a part of it."""
    return step.action in DESTRUCTIVE and operation.method == "DELETE"


def http_status(error: WorkspaceError) -> int:
    """The status of a refusal; 0 when the service did not answer."""
    return error.status if isinstance(error, ServiceError) else 0


def name_taken(error: WorkspaceError) -> bool:
    """Whether a create was refused because of its name: 400 or 409, the code is the same."""
    return isinstance(error, ServiceError) and error.error_code.endswith("ALREADY_EXISTS")


def is_there(live: Live | None) -> bool:
    return live is not None


def same_content(one: Live | None, other: Live | None) -> bool:
    """Whether both are the same resource with the same fields, whatever their versions."""
    return (
        one is not None
        and other is not None
        and (one.identity, one.marks) == (other.identity, other.marks)
        and one.document == other.document
    )


def is_what_was_sent(terms: Terms, step: Step, create: Operation, live: Live) -> bool:
    """Whether ``live`` came from this create: our mark, and every field that was sent."""
    payload = create.payload or {}
    # Not every kind carries a mark; where none was sent only the fields can tell.
    mark = terms.owner if _mentions(payload, terms.owner) else ""
    # What later calls will set cannot be there yet.
    left = [
        change
        for change in terms.remaining(step, live)
        if not change.path or str(change.path[0]) in payload
    ]
    return live.marks.owner == mark and not left


def _mentions(value: Any, text: str) -> bool:
    """Whether ``text`` is a value anywhere inside JSON data."""
    if isinstance(value, Mapping):
        return any(_mentions(inner, text) for inner in value.values())
    if isinstance(value, list | tuple):
        return any(_mentions(inner, text) for inner in value)
    return bool(value == text)
