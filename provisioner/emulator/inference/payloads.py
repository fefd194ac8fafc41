"""Inference tables and usage tracking: a row for each query and its answer.

The columns are those of the service's pages, for the gateway's tables, for the legacy ones of
``auto_capture_config``, and for the system table of usage. A row is there at once; the service
takes up to an hour.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from provisioner.emulator.http.routing import (
    CONTROL_PREFIX,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity.authentication import WORKSPACE_ID
from provisioner.emulator.inference.active import ActiveEndpoint

GATEWAY, LEGACY, USAGE = "gateway", "auto_capture", "usage"
USAGE_TABLE = "system.serving.endpoint_usage"
# Column -> type in SQL.
COLUMNS: Mapping[str, Mapping[str, str]] = {
    GATEWAY: {
        "request_date": "DATE",
        "databricks_request_id": "VARCHAR",
        "client_request_id": "VARCHAR",
        "request_time": "TIMESTAMP",
        "status_code": "INTEGER",
        "sampling_fraction": "DOUBLE",
        "execution_duration_ms": "BIGINT",
        "request": "VARCHAR",
        "response": "VARCHAR",
        "served_entity_id": "VARCHAR",
        "logging_error_codes": "VARCHAR[]",
        "requester": "VARCHAR",
    },
    LEGACY: {
        "databricks_request_id": "VARCHAR",
        "client_request_id": "VARCHAR",
        "date": "DATE",
        "timestamp_ms": "BIGINT",
        "status_code": "INTEGER",
        "sampling_fraction": "DOUBLE",
        "execution_time_ms": "BIGINT",
        "request": "VARCHAR",
        "response": "VARCHAR",
        "request_metadata": "MAP(VARCHAR, VARCHAR)",
    },
    USAGE: {
        "account_id": "VARCHAR",
        "workspace_id": "VARCHAR",
        "client_request_id": "VARCHAR",
        "databricks_request_id": "VARCHAR",
        "requester": "VARCHAR",
        "status_code": "INTEGER",
        "request_time": "TIMESTAMP",
        "input_token_count": "BIGINT",
        "output_token_count": "BIGINT",
        "input_character_count": "BIGINT",
        "output_character_count": "BIGINT",
        "usage_context": "MAP(VARCHAR, VARCHAR)",
        "request_streaming": "BOOLEAN",
        "served_entity_id": "VARCHAR",
    },
}
# rule(documented): A request or an answer of more than 1 MiB is left out of its row, which says so.
#     [service's pages on inference tables]
LARGEST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Exchange:
    """A query that is being answered. ``add`` is called once, with the result."""

    store: Store
    endpoint: ActiveEndpoint
    requester: str
    request: Mapping[str, Any]
    started_ms: int

    def add(self, status: int, response: Any, entity: Mapping[str, Any] | None = None) -> None:
        """Writes a row into each table of the endpoint's queries."""
        tables = list(tables_of(self.endpoint))
        if not tables:
            return
        row = PayloadRow(
            self, status, response, entity or {}, max(0, self._now_ms() - self.started_ms)
        )
        for name, kind in tables:
            values = json.dumps(WRITERS[kind](row))
            self.store.change(
                "INSERT INTO payloads (name, kind, row) VALUES (?, ?, ?)", name, kind, values
            )

    def _now_ms(self) -> int:
        return self.store.now_ms()


@dataclass(frozen=True, slots=True)
class PayloadRow:
    """A query with its answer, for one inference table or both."""

    exchange: Exchange
    status: int
    response: Any
    entity: Mapping[str, Any]
    duration_ms: int

    @property
    def common(self) -> dict[str, Any]:
        """The columns that both kinds of tables have."""
        sent = self.exchange.request
        return {
            "databricks_request_id": str(uuid.uuid4()),
            "client_request_id": _text(sent.get("client_request_id")),
            "status_code": self.status,
            "sampling_fraction": 1.0,
            "request": _unless_large(_json(sent)),
            "response": _unless_large(_json(self.response)),
        }

    @property
    def moment(self) -> datetime:
        """The time of the query, in UTC and without a zone."""
        return datetime.fromtimestamp(self.exchange.started_ms / 1000, UTC).replace(tzinfo=None)


def _gateway_row(row: PayloadRow) -> dict[str, Any]:
    """Returns a row. ``served_entity_id`` is the entity's name: the API shows no id of it."""
    codes = {
        "MAX_REQUEST_SIZE_EXCEEDED": row.exchange.request,
        "MAX_RESPONSE_SIZE_EXCEEDED": row.response,
    }
    return row.common | {
        "request_date": row.moment.date().isoformat(),
        "request_time": row.moment.isoformat(sep=" "),
        "execution_duration_ms": row.duration_ms,
        "served_entity_id": _text(row.entity.get("name")),
        "logging_error_codes": [code for code, value in codes.items() if _is_large(_json(value))],
        "requester": row.exchange.requester,
    }


def _legacy_row(row: PayloadRow) -> dict[str, Any]:
    metadata = {
        "endpoint_name": row.exchange.endpoint.name,
        "model_name": str(row.entity.get("entity_name") or row.entity.get("name") or ""),
        "model_version": str(row.entity.get("entity_version") or ""),
    }
    return row.common | {
        "date": row.moment.date().isoformat(),
        "timestamp_ms": row.exchange.started_ms,
        "execution_time_ms": row.duration_ms,
        "request_metadata": metadata,
    }


def _usage_row(row: PayloadRow) -> dict[str, Any]:
    """Returns a row of the usage table. What an answer does not count is null."""
    usage = row.response.get("usage") if isinstance(row.response, dict) else None
    tokens = usage if isinstance(usage, dict) else {}
    name, sent = row.entity.get("name"), row.exchange.request
    return {
        "workspace_id": WORKSPACE_ID,
        "client_request_id": row.common["client_request_id"],
        "databricks_request_id": row.common["databricks_request_id"],
        "requester": row.exchange.requester,
        "status_code": row.status,
        "request_time": row.moment.isoformat(sep=" "),
        "input_token_count": tokens.get("prompt_tokens"),
        "output_token_count": tokens.get("completion_tokens"),
        "usage_context": sent.get("usage_context"),
        "request_streaming": bool(sent.get("stream")),
        "served_entity_id": served_entity_id(row.exchange.endpoint.id, name) if name else None,
    }


def served_entity_id(endpoint_id: str, name: str) -> str:
    """Returns the id of a served entity, which only the system tables show."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{endpoint_id}/{name}").hex


WRITERS: Mapping[str, Callable[[PayloadRow], dict[str, Any]]] = {
    GATEWAY: _gateway_row,
    LEGACY: _legacy_row,
    USAGE: _usage_row,
}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _is_large(text: str) -> bool:
    return len(text.encode("utf-8", "replace")) > LARGEST_BYTES


def _unless_large(text: str) -> str | None:
    return None if _is_large(text) else text


def tables_of(endpoint: ActiveEndpoint) -> Iterator[tuple[str, str]]:
    """Yields full name and kind of the tables that the endpoint writes now."""
    blocks = {
        GATEWAY: endpoint.gateway.get("inference_table_config"),
        LEGACY: endpoint.auto_capture,
    }
    for kind, block in blocks.items():
        if block and block.get("enabled"):
            yield "{catalog_name}.{schema_name}.{table_name_prefix}_payload".format(**block), kind
    # rule(documented): The usage table has rows of the endpoints that track their usage.
    #     [docs.databricks.com, AI Gateway: usage tracking]
    if (endpoint.gateway.get("usage_tracking_config") or {}).get("enabled"):
        yield USAGE_TABLE, USAGE


def tables_with_rows(store: Store) -> dict[str, str]:
    """Returns the kind of each table that has rows, by full name."""
    return dict(store.rows("SELECT DISTINCT name, kind FROM payloads ORDER BY number"))


def rows(store: Store, name: str) -> list[dict[str, Any]]:
    """Returns the rows of a table, oldest first."""
    stored = store.rows("SELECT row FROM payloads WHERE name = ? ORDER BY number", name)
    return [json.loads(row) for (row,) in stored]


def payload_rows(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the rows of an inference table, oldest first.

    ``?table=catalog.schema.prefix_payload`` names it.
    """
    name = request.query.get("table", "")
    # rule(local): Rows of inference tables are read by their full name at a route of the local
    #     workspace.
    if not name:
        raise invalid("table must be the full name of an inference table.")
    table_rows = rows(workspace.store, name)
    return ApiResponse({"rows": table_rows, "count": len(table_rows)})


ROUTES = (ApiRoute("GET", f"/{CONTROL_PREFIX}/payloads", payload_rows),)
