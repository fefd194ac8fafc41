"""Who still calls what is to be migrated: a query of system tables, where a warehouse is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from provisioner.commands.migration.result import EndpointCaller, RemainingCallers, UsageReport
from provisioner.errors import LoginError, Problem, UnreachableError, WorkspaceError
from provisioner.model.clock import SystemClock
from provisioner.model.connection import Connection
from provisioner.model.importing import Migrator, UsageQuery
from provisioner.model.paths import Document
from provisioner.workflow.session import Session

STATEMENTS: Final = "/api/2.0/sql/statements"
UNFINISHED: Final = frozenset({"PENDING", "RUNNING"})
SUCCEEDED: Final = "SUCCEEDED"
LONGEST_WAIT_S, PAUSE_S = 600.0, 2.0
"""A warehouse that is stopped takes minutes to start."""
MOST_CHUNKS: Final = 1000
COLUMNS: Final = ("id", "caller", "requests", "last request")
NOT_KNOWN: Final = "the system tables do not contain the endpoint yet"
Row = list[str | None]


def usage_of(
    session: Session, migrator: Migrator, live: Mapping[str, Mapping[str, Any]], warehouse: str
) -> UsageReport:
    """The callers of each of the ``live`` resources; without a warehouse only the query for them.

    Raises LoginError. What else goes wrong is in the report: no answer is not "no callers".
    """
    query = migrator.usage(live)
    if not warehouse or not live:
        return UsageReport(query.sql)
    try:
        rows = list(_rows(session.connection, warehouse, query.sql))
    except LoginError:
        raise
    except WorkspaceError as error:
        # Without an answer each entry says so: an empty list would read as "delete it".
        entries = [RemainingCallers(name, query.days, unknown=str(error)) for name in live]
        return UsageReport(query.sql, tuple(entries), (_problem(error),))
    return UsageReport(query.sql, tuple(_entry(name, query, rows) for name in live))


def _problem(error: WorkspaceError) -> Problem:
    hint = (
        "the login needs CAN_USE on the warehouse and SELECT on the schema `system.serving`, which "
        "an account admin enables and grants"
    )
    return Problem("E843", f"cannot list the callers: {error}", hint=hint)


def _entry(name: str, query: UsageQuery, rows: list[Row]) -> RemainingCallers:
    own = [row for row in rows if row[0] == query.ids.get(name)]
    callers = tuple(
        EndpointCaller(str(row[1]), int(row[2] or 0), str(row[3] or "")) for row in own if row[1]
    )
    unknown = query.untracked.get(name, "") or ("" if own else NOT_KNOWN)
    return RemainingCallers(name, query.days, callers, unknown)


def _rows(connection: Connection, warehouse: str, sql: str) -> Iterator[Row]:
    """The rows of a query. Raises WorkspaceError where it does not succeed."""
    body = {"warehouse_id": warehouse, "statement": sql, "wait_timeout": "10s"}
    # A query changes nothing, so a lost answer may be asked for again.
    answer = _finished(connection, connection.send("POST", STATEMENTS, body, repeatable=True))
    chunk = answer.get("result") or {}
    for _ in range(MOST_CHUNKS):
        yield from (row for row in chunk.get("data_array") or () if len(row) == len(COLUMNS))
        link = chunk.get("next_chunk_internal_link")
        if not link:
            return
        chunk = connection.get(str(link)) or {}


def _finished(connection: Connection, answer: Document) -> Document:
    """The answer of a statement that has ended well. Raises UnreachableError."""
    clock = SystemClock()
    until = clock.now() + LONGEST_WAIT_S
    path = f"{STATEMENTS}/{quote(str(answer.get('statement_id')), safe='')}"
    # The call itself waits a few seconds only, because proxies cut requests that take longer.
    while _state(answer) in UNFINISHED and clock.now() < until:
        clock.sleep(PAUSE_S)
        answer = connection.get(path) or {}
    if _state(answer) == SUCCEEDED:
        return answer
    error = (answer.get("status") or {}).get("error") or {}
    reason = str(error.get("message") or f"the statement is {_state(answer) or 'lost'}")
    raise UnreachableError.of("E843", reason)


def _state(answer: Document) -> str:
    return str((answer.get("status") or {}).get("state") or "")
