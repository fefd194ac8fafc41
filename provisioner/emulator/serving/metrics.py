"""What an endpoint measured in the last minute, in the text format of Prometheus.

The names and their meaning are those of Databricks' endpoint metrics: counts are gauges of the
last minute, latencies are histograms. [serving-api 1.12]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
)
from provisioner.emulator.http.store import Store
from provisioner.emulator.serving import endpoints
from provisioner.emulator.serving.api import BASE
from provisioner.emulator.serving.observability import require_ready

MINUTE_MS = 60_000
# rule(local): Calls are kept for ten minutes: metrics cover only the last minute.
KEPT_MS = 600_000
# Upper bounds of the buckets of a latency histogram, in ms.
BOUNDS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000)
# The local workspace runs no model: these have the right names and say that nothing is used.
MADE_UP_GAUGES = ("cpu_usage_percentage", "mem_usage_percentage")
WITHOUT_LABELS = "metrics_without_entities"


class MeasuredCall(NamedTuple):
    """One answer of a served entity."""

    entity: str
    status: int
    duration_ms: float


def record_call(store: Store, endpoint_id: str, call: MeasuredCall) -> None:
    """Adds a call, and deletes those that are too old to be asked for."""
    now_ms = store.now_ms()
    with store.transaction():
        store.change(
            "INSERT INTO measured_calls (endpoint_id, entity, at_ms, status, duration_ms)"
            " VALUES (?, ?, ?, ?, ?)",
            *(endpoint_id, call.entity, now_ms, call.status, call.duration_ms),
        )
        store.change(
            "DELETE FROM measured_calls WHERE endpoint_id = ? AND at_ms < ?",
            *(endpoint_id, now_ms - KEPT_MS),
        )


def metrics(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the metrics of the last minute as Prometheus text."""
    record = require_ready(workspace, request)
    # rule(documented): Pay-per-token endpoints have no metrics; the status is assumed.
    #     [serving-api 1.12]
    if record["system"]:
        message = f"Metrics are not supported for the pay-per-token endpoint {record['name']}."
        raise ApiError(400, "BAD_REQUEST", message)
    lines = "".join(f"{line}\n" for line in _lines(workspace.store, record))
    return ApiResponse(text=lines, content_type="text/plain")


def _lines(store: Store, record: endpoints.Record) -> Iterator[str]:
    groups = [
        (
            _labels(record, name),
            [call for call in _last_minute(store, record) if name in ("", call.entity)],
        )
        for name in _entities(store, record)
    ]
    for name, matches in COUNTS.items():
        yield from _header(name, "gauge", "In the last minute")
        for labels, calls in groups:
            yield f"{name}{{{labels}}} {sum(map(matches, calls))}"
    for name in (*MADE_UP_GAUGES, "provisioned_concurrent_requests_total"):
        yield from _header(name, "gauge", "Made up by the local workspace")
        for labels, _ in groups:
            yield f"{name}{{{labels}}} {0 if name in MADE_UP_GAUGES else 4}"
    for name in ("request_latency_ms", "model_prediction_latency_ms"):
        yield from _header(name, "histogram", "In the last minute")
        for labels, calls in groups:
            yield from _histogram(name, labels, [call.duration_ms for call in calls])


COUNTS: dict[str, Any] = {
    "request_count_total": lambda call: True,
    "request_4xx_count_total": lambda call: 400 <= call.status < 500,
    "request_5xx_count_total": lambda call: call.status >= 500,
}


def _header(name: str, kind: str, text: str) -> tuple[str, str]:
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"


def _histogram(name: str, labels: str, values: Sequence[float]) -> Iterator[str]:
    for bound in BOUNDS_MS:
        count = sum(value <= bound for value in values)
        yield f'{name}_bucket{{{labels},le="{bound}"}} {count}'
    yield f'{name}_bucket{{{labels},le="+Inf"}} {len(values)}'
    yield f"{name}_sum{{{labels}}} {sum(values):.3f}"
    yield f"{name}_count{{{labels}}} {len(values)}"


def _last_minute(store: Store, record: endpoints.Record) -> list[MeasuredCall]:
    rows = store.rows(
        "SELECT entity, status, duration_ms FROM measured_calls"
        " WHERE endpoint_id = ? AND at_ms > ? ORDER BY number",
        *(record["id"], store.now_ms() - MINUTE_MS),
    )
    return [MeasuredCall(*row) for row in rows]


def _entities(store: Store, record: endpoints.Record) -> list[str]:
    """Returns the entities to tell apart; ``[""]`` for the endpoint as a whole."""
    # rule(assumed): Metrics tell served entities apart. Public samples show labels of the entity,
    #     of replicas, or none, so that both can be had. [serving-api 1.12]
    if store.fact(WITHOUT_LABELS):
        return [""]
    return [entity["name"] for entity in record["config"]["entities"]]


def _labels(record: endpoints.Record, entity: str) -> str:
    endpoint = f'endpoint_name="{record["name"]}"'
    return f'{endpoint},served_model_name="{entity}"' if entity else endpoint


ROUTES = (ApiRoute("GET", f"{BASE}/{{name}}/metrics", metrics),)
