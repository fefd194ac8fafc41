"""Stores serving endpoints: one JSON record each, in the emulator's own vocabulary.

A record holds the active ``config`` and the ``pending`` one (or None), each with ``version``,
``start_time``, ``entities`` and ``routes`` as ``[{"entity", "percent"}]``, in the order in which
they were sent. ``views`` makes the answers from it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

from provisioner.emulator.http.routing import ApiError
from provisioner.emulator.http.store import Store

Record = dict[str, Any]

NOT_UPDATING = "NOT_UPDATING"
IN_PROGRESS = "IN_PROGRESS"


def new_record(name: str, creator: str, now_ms: int) -> Record:
    """Returns the record of a new endpoint without a config."""
    created = whole_second(now_ms)
    return {
        "name": name,
        "id": secrets.token_hex(16),
        "creator": creator,
        "created_ms": created,
        "updated_ms": created,
        "description": "",
        "route_optimized": False,
        "tags": [],
        "ai_gateway": {},
        "rate_limits": [],
        "email_notifications": {},
        "system": False,
        "suspended": False,
        "update": NOT_UPDATING,
        "last_version": 0,
        "config": None,
        "pending": None,
    }


def whole_second(time_ms: int) -> int:
    """Rounds down to a second: captured timestamps are multiples of 1000. [serving-api 2.10]"""
    return time_ms // 1000 * 1000


def find(store: Store, name: str) -> Record | None:
    """Returns the record of an endpoint, or None."""
    row = store.row("SELECT record FROM endpoints WHERE name = ?", name)
    return json.loads(row[0]) if row else None


def require(store: Store, name: str) -> Record:
    """Returns the record of an endpoint. Raises ApiError RESOURCE_DOES_NOT_EXIST."""
    record = find(store, name)
    if record is None:
        raise missing(name)
    return record


# rule(recorded): A missing endpoint answers 404 with RESOURCE_DOES_NOT_EXIST; the API's pages say
#     NOT_FOUND. [serving-api 3.5, 8.3]
def missing(name: str) -> ApiError:
    """Returns the error for a missing endpoint."""
    message = f"Endpoint with name '{name}' does not exist."
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)


def every(store: Store) -> Iterator[Record]:
    """Yields all records. Ids are random: a stable order that is neither by name nor by age."""
    for (text,) in store.rows("SELECT record FROM endpoints ORDER BY id"):
        yield json.loads(text)


def save(store: Store, record: Record) -> None:
    """Writes the record of an endpoint."""
    store.change(
        "INSERT OR REPLACE INTO endpoints VALUES (?, ?, ?, ?)",
        record["name"],
        record["id"],
        record["update"] == IN_PROGRESS,
        json.dumps(record, separators=(",", ":")),
    )


def delete(store: Store, name: str) -> None:
    """Deletes the record of an endpoint."""
    store.change("DELETE FROM endpoints WHERE name = ?", name)


def kind_of(config: Record) -> str:
    """Returns what a config serves: ``EXTERNAL_MODEL``, ``FOUNDATION_MODEL_API``, ``CUSTOM_MODEL``.

    The first two were seen in captured answers. [serving-api 2.10]
    """
    entity = config["entities"][0] if config["entities"] else {}
    if "external_model" in entity:
        return "EXTERNAL_MODEL"
    return "FOUNDATION_MODEL_API" if "foundation_model" in entity else "CUSTOM_MODEL"


def task_of(config: Record) -> str:
    """Returns the task of external and foundation models, "" for others. [serving-api 2.10]"""
    for entity in config["entities"]:
        model = entity.get("external_model") or entity.get("foundation_model") or {}
        if model.get("task"):
            return str(model["task"])
    return ""
