"""Reads that lag behind writes, on command: for a while they show an endpoint as it was.

Only the endpoint in ``get`` and ``list`` lags. Whether the service does so is not known; a client
that is right under this is right in any case.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from provisioner.emulator.http.routing import (
    CONTROL_PREFIX,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.shape import integer, record
from provisioner.emulator.http.store import Store
from provisioner.emulator.serving import endpoints
from provisioner.emulator.serving.endpoints import Record

# rules(local): Lagging reads are switched on by a route of the local workspace; whether reads of
#     the service lag is not known.

PATH = f"/{CONTROL_PREFIX}/lag"
READS, TIME_MS = FACTS = ("lag_reads", "lag_ms")
LONGEST_S = 10**6
SENT = record({"reads": integer, "seconds": integer})


def set_lag(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Sets for how many reads and seconds reads show the old state; ``{}`` ends it.

    ``{"reads": N, "seconds": S}`` in the workspace's time, whichever is longer.
    """
    sent = SENT(request.json(), "")
    if max(sent.values(), default=0) > LONGEST_S:
        raise invalid(f"reads and seconds take at most {LONGEST_S}.")
    workspace.store.clear(["stale"])
    workspace.store.set_fact(READS, sent.get("reads", 0))
    workspace.store.set_fact(TIME_MS, sent.get("seconds", 0) * 1000)
    return ApiResponse(sent)


@contextmanager
def remember(store: Store, request: ApiRequest) -> Iterator[None]:
    """Keeps the endpoint that ``request`` changes as it was before, if reads are to lag."""
    reads, time_ms = (store.fact(name) for name in FACTS)
    if not reads and not time_ms:
        yield
        return
    name = request.parameters.get("name") or str(request.json().get("name", ""))
    before = endpoints.find(store, name)
    yield
    if endpoints.find(store, name) != before:
        text = json.dumps(before)
        due = store.now_ms() + time_ms
        # What is stale already stays as it was first: no read may show what came in between.
        store.change("INSERT OR IGNORE INTO stale VALUES (?, ?, ?, ?)", name, text, reads, due)


def read(store: Store, name: str) -> tuple[Record | None, bool]:
    """Returns the endpoint as a read shows it, and whether that is an old state.

    None where it was missing then. Raises ApiError where it is missing now, and nothing lags.
    """
    stale = _stale(store)
    if name not in stale:
        return endpoints.require(store, name), False
    _count(store, name)
    return stale[name], True


def every(store: Store) -> Iterator[Record]:
    """Yields all endpoints as a list shows them."""
    stale = _stale(store)
    for name in stale:
        _count(store, name)
    yield from (each for each in endpoints.every(store) if each["name"] not in stale)
    yield from (before for before in stale.values() if before)


def _stale(store: Store) -> dict[str, Record | None]:
    """Returns old states by name; None where the endpoint did not exist."""
    rows = store.rows("SELECT name, record, reads_left, due_ms FROM stale")
    if not rows:
        return {}
    now_ms = store.now_ms()
    over = [name for name, _, reads, due in rows if reads <= 0 and now_ms >= due]
    for name in over:
        store.change("DELETE FROM stale WHERE name = ?", name)
    return {name: json.loads(text) for name, text, _, _ in rows if name not in over}


def _count(store: Store, name: str) -> None:
    store.change("UPDATE stale SET reads_left = reads_left - 1 WHERE name = ?", name)


ROUTES = (ApiRoute("POST", PATH, set_lag),)
