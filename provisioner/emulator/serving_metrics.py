"""Metrics and the OpenAPI document of an endpoint: made up, in the right form.

Sources: serving-api 1.12.
"""

from __future__ import annotations

import json
from typing import Any

from provisioner.emulator import access, deployment, endpoints
from provisioner.emulator.routing import Answer, ApiError, Request, Route, Workspace
from provisioner.emulator.serving import BASE


def metrics(workspace: Workspace, request: Request) -> Answer:
    """Prometheus text. Only the number of requests is true."""
    record = _ready(workspace, request)
    requests = workspace.store.fact(f"traffic/{record['id']}")
    lines = [
        "# HELP request_count_total Number of requests",
        "# TYPE request_count_total counter",
        f'request_count_total{{endpoint_name="{record["name"]}"}} {requests}',
        "# HELP cpu_usage_percentage Made up by the local workspace",
        "# TYPE cpu_usage_percentage gauge",
    ]
    lines += [
        f'cpu_usage_percentage{{endpoint_name="{record["name"]}",'
        f'served_model_name="{entity["name"]}"}} 0.0'
        for entity in record["config"]["entities"]
    ]
    return Answer(text="\n".join(lines) + "\n", content_type="text/plain")


def openapi(workspace: Workspace, request: Request) -> Answer:
    """JSON, sent as text. What models take is not known here, so any object will do."""
    record = _ready(workspace, request)
    document = {
        "openapi": "3.1.0",
        "info": {"title": record["name"], "version": str(record["config"]["version"])},
        "servers": [{"url": f"{request.base_url}/serving-endpoints/{record['name']}"}],
        "paths": {
            f"/served-models/{entity['name']}/invocations": {"post": _operation()}
            for entity in record["config"]["entities"]
        },
    }
    return Answer(text=json.dumps(document), content_type="text/plain")


def _operation() -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "requestBody": {"content": content},
        "responses": {"200": {"description": "Successful operation", "content": content}},
    }


def _ready(workspace: Workspace, request: Request) -> endpoints.Record:
    """Raises ApiError unless a config serves; the status is the only one the reference lists.

    That CAN_VIEW is enough is a guess.
    """
    record = endpoints.require(workspace.store, request.parameters["name"])
    access.require(workspace.store, request.caller, record, access.CAN_VIEW)
    deployment.settle(workspace.store, record, is_poll=False)
    if not record["config"] or record["suspended"]:
        raise ApiError(400, "BAD_REQUEST", f"Endpoint {record['name']} is not ready.")
    return record


ROUTES = (
    Route("GET", f"{BASE}/{{name}}/metrics", metrics),
    Route("GET", f"{BASE}/{{name}}/openapi", openapi),
)
