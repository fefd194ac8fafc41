"""The Statement Execution API on an embedded engine, and the one warehouse that runs it.

Source: the SDK's ``sql`` service. The engine is in the extra ``sql``; without it the answer to a
statement says so.
"""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.shape import choice, integer, list_of, record, text
from provisioner.emulator.sql.executions import StatementExecution

BASE = "/api/2.0/sql/statements"
WAREHOUSES = "/api/2.0/sql/warehouses"
WAREHOUSE_ID = "a1b2c3d4e5f60718"
DEFAULT_WAIT_S, LEAST_WAIT_S, MOST_WAIT_S = 10, 5, 50
CONTINUE, CANCEL = "CONTINUE", "CANCEL"
MOST_ROWS = 100_000

STATEMENT = record(
    {
        "statement": text,
        "warehouse_id": text,
        "catalog": text,
        "schema": text,
        "wait_timeout": text,
        "on_wait_timeout": choice(CONTINUE, CANCEL),
        "disposition": choice("INLINE", "EXTERNAL_LINKS"),
        "format": choice("JSON_ARRAY", "ARROW_STREAM", "CSV"),
        "row_limit": integer,
        "byte_limit": integer,
        "parameters": list_of(record({"name": text, "value": text, "type": text})),
        "query_tags": list_of(record({"key": text, "value": text})),
    },
    needed=("statement", "warehouse_id"),
)


def execute(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Starts a statement, waits as long as it says, then goes on or cancels."""
    sent = STATEMENT(request.json(), "")
    wait_s = _wait_s(sent.get("wait_timeout", f"{DEFAULT_WAIT_S}s"))
    _check(sent)
    try:
        from provisioner.emulator.sql import work
    except ImportError as error:
        raise _no_engine(error) from error
    run = work.prepare(workspace, request, sent, sent.get("row_limit", MOST_ROWS))
    with workspace.statements.waiter() as is_free:
        # rule(local): At most 32 requests wait for statements.
        if not is_free:
            raise ApiError(429, "REQUEST_LIMIT_EXCEEDED", "Too many requests wait for statements.")
        execution: StatementExecution = workspace.statements.start(request.caller.name, run)
        is_done = execution.finished.wait(wait_s)
        if not is_done and sent.get("on_wait_timeout") == CANCEL:
            execution.cancel()
        return ApiResponse(execution.shown())


def _check(sent: dict[str, Any]) -> None:
    """Refuses what a statement cannot ask of a local workspace. Raises ApiError."""
    # rule(assumed, always): A statement is not empty, because there is nothing to run. [serving-api
    #     9.7]
    if not sent["statement"].strip():
        raise invalid("statement must not be empty.")
    # Half a character, which JSON can hold, is more than the engine can take.
    sent["statement"].encode()
    if sent["warehouse_id"] != WAREHOUSE_ID:
        raise _no_warehouse(sent["warehouse_id"])
    if sent.get("disposition", "INLINE") != "INLINE":
        raise _not_supported("disposition EXTERNAL_LINKS: there is no object store to link to")
    # rule(documented): Formats other than JSON_ARRAY need the disposition EXTERNAL_LINKS. [SDK:
    #     text of execute_statement]
    if sent.get("format", "JSON_ARRAY") != "JSON_ARRAY":
        raise invalid(f"format {sent['format']} needs disposition EXTERNAL_LINKS.")
    # rule(local): A result has at most 100,000 rows.
    if not 1 <= sent.get("row_limit", 1) <= MOST_ROWS:
        raise invalid(f"row_limit must be between 1 and {MOST_ROWS} in a local workspace.")
    if "byte_limit" in sent:
        raise _not_supported("byte_limit")


def _wait_s(given: str) -> int:
    number = given.removesuffix("s")
    wait_s = int(number) if given.endswith("s") and number.isdecimal() else -1
    # rule(documented): wait_timeout is 0s, or from 5s to 50s. [SDK: text of execute_statement]
    if wait_s != 0 and not LEAST_WAIT_S <= wait_s <= MOST_WAIT_S:
        raise invalid(
            f"wait_timeout must be 0s, or between {LEAST_WAIT_S}s and {MOST_WAIT_S}s: {given[:20]}"
        )
    return wait_s


def get(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the state of a statement, with its result."""
    return ApiResponse(_require_statement(workspace, request).shown())


def chunk(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the result, which is one chunk."""
    shown = _require_statement(workspace, request).shown()
    # rule(local): A result has one chunk.
    if request.parameters["chunk"] != "0" or "result" not in shown:
        raise ApiError(404, "NOT_FOUND", "There is no such chunk.")
    return ApiResponse(shown["result"])


def cancel(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Cancels a statement; one that has ended stays as it is."""
    execution = _require_statement(workspace, request)
    if not execution.finished.is_set():
        execution.cancel()
    return ApiResponse()


def _require_statement(workspace: EmulatedWorkspace, request: ApiRequest) -> StatementExecution:
    """Returns a statement of the caller. Raises ApiError."""
    statement_id = request.parameters["id"]
    execution: StatementExecution | None = workspace.statements.find(statement_id)
    # rule(documented): Only the user who has started a statement sees it. [SDK: text of
    #     get_statement]
    if execution is None or execution.creator != request.caller.name:
        raise ApiError(404, "NOT_FOUND", f"Statement {statement_id} does not exist.")
    return execution


def list_warehouses(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the one warehouse."""
    return ApiResponse({"warehouses": [_warehouse()]})


def get_warehouse(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the one warehouse. Raises ApiError for another id."""
    if request.parameters["id"] != WAREHOUSE_ID:
        raise _no_warehouse(request.parameters["id"])
    return ApiResponse(_warehouse())


def _warehouse() -> dict[str, Any]:
    return {
        "id": WAREHOUSE_ID,
        "name": "Local workspace",
        "cluster_size": "2X-Small",
        "min_num_clusters": 1,
        "max_num_clusters": 1,
        "num_clusters": 1,
        "auto_stop_mins": 10,
        "enable_serverless_compute": True,
        "warehouse_type": "PRO",
        "state": "RUNNING",
        "health": {"status": "HEALTHY"},
    }


# rule(local): The local workspace has one SQL warehouse.
def _no_warehouse(warehouse_id: str) -> ApiError:
    message = f"Warehouse {warehouse_id[:80]} does not exist; this workspace has {WAREHOUSE_ID}."
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)


# rule(local): What the embedded engine does not have answers 501.
def _not_supported(what: str) -> ApiError:
    return ApiError(501, "NOT_IMPLEMENTED", f"The local workspace does not support {what}.")


# rule(local): SQL needs the extra of that name.
def _no_engine(error: ImportError) -> ApiError:
    return ApiError(
        501,
        "NOT_IMPLEMENTED",
        f"SQL needs the extra `sql`, which is not installed ({error.name} is missing): "
        'pip install "./wheels/FILE.whl[sql]"',
    )


# Not atomic: a statement asks endpoints, which may take their time.
ROUTES = (
    ApiRoute("POST", BASE, execute, atomic=False),
    ApiRoute("GET", f"{BASE}/{{id}}", get, atomic=False),
    ApiRoute("GET", f"{BASE}/{{id}}/result/chunks/{{chunk}}", chunk, atomic=False),
    ApiRoute("POST", f"{BASE}/{{id}}/cancel", cancel, atomic=False),
    ApiRoute("GET", WAREHOUSES, list_warehouses),
    ApiRoute("GET", f"{WAREHOUSES}/{{id}}", get_warehouse),
)
