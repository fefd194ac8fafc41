"""Logs and the OpenAPI document of an endpoint: made up, in the right form.

Source: [serving-api 1.12].
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
)
from provisioner.emulator.serving import access, deployment, endpoints, entities
from provisioner.emulator.serving.api import BASE

ENTITY = f"{BASE}/{{name}}/served-models/{{served}}"


def build_logs(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns how the newest deployment of the entity went; the reason of a failure comes last."""
    entity = _newest(workspace, request)
    steps = [f"Deploying served entity {entity['name']}.", *_steps(entity)]
    return _logs(steps + _end(entity))


def server_logs(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns how the server of the entity started: nothing else happens here."""
    entity = _newest(workspace, request)
    steps = [f"Starting the server of served entity {entity['name']}.", *_end(entity)]
    return _logs([*steps, "No server was started, so there is nothing else to log."])


def _steps(entity: dict[str, Any]) -> list[str]:
    """Returns the steps of a build; external models have nothing to build."""
    if not entities.is_custom_model(entity):
        return []
    model = " ".join(filter(None, (entity["entity_name"], entity.get("entity_version"))))
    return [f"Downloading {model}.", "Building the container image.", "Starting the container."]


def _end(entity: dict[str, Any]) -> list[str]:
    state = entity.get("state", deployment.READY)
    ordered = str(entity.get("log", "")).splitlines()
    reason = f"{state['deployment']} {state['deployment_state_message']}".rstrip()
    return [*ordered, reason]


def _logs(lines: list[str]) -> ApiResponse:
    """Returns log lines, each marked as the local workspace's."""
    return ApiResponse({"logs": "".join(f"[local workspace] {line}\n" for line in lines)})


def _newest(workspace: EmulatedWorkspace, request: ApiRequest) -> dict[str, Any]:
    """Returns the entity of the pending config, else of the active one. Raises ApiError."""
    record = endpoints.require(workspace.store, request.parameters["name"])
    # Which level the logs need is not known; they are part of what the endpoint shows.
    access.require(workspace.store, request.caller, record, access.CAN_VIEW)
    deployment.settle(workspace.store, record, is_poll=False)
    served = request.parameters["served"]
    for entity in _entities(record):
        if entity["name"] == served:
            return entity
    message = f"Served entity '{served}' of endpoint '{record['name']}' does not exist."
    # rule(assumed, always): Logs of an entity that neither config has answer 404, because there are
    #     none; only the answer is assumed. [serving-api 1.12]
    raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)


def _entities(record: endpoints.Record) -> Iterator[dict[str, Any]]:
    for config in (record["pending"], record["config"]):
        yield from config["entities"] if config else ()


def openapi(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns JSON as text. What models take is not known here, so any object is accepted."""
    record = require_ready(workspace, request)
    document = {
        "openapi": "3.1.0",
        "info": {"title": record["name"], "version": str(record["config"]["version"])},
        "servers": [{"url": f"{request.base_url}/serving-endpoints/{record['name']}"}],
        "paths": {
            f"/served-models/{entity['name']}/invocations": {"post": _operation()}
            for entity in record["config"]["entities"]
        },
    }
    return ApiResponse(text=json.dumps(document), content_type="text/plain")


def _operation() -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "requestBody": {"content": content},
        "responses": {"200": {"description": "Successful operation", "content": content}},
    }


def require_ready(workspace: EmulatedWorkspace, request: ApiRequest) -> endpoints.Record:
    """Returns the record of an endpoint that is ready. Raises ApiError."""
    record = endpoints.require(workspace.store, request.parameters["name"])
    access.require(workspace.store, request.caller, record, access.CAN_VIEW)
    deployment.settle(workspace.store, record, is_poll=False)
    # rule(documented): Metrics and the OpenAPI document need an endpoint that is ready. That
    #     CAN_VIEW is enough is assumed. [serving-api 1.12]
    if not record["config"] or record["suspended"]:
        raise ApiError(400, "BAD_REQUEST", f"Endpoint {record['name']} is not ready.")
    return record


ROUTES = (
    ApiRoute("GET", f"{ENTITY}/build-logs", build_logs),
    ApiRoute("GET", f"{ENTITY}/logs", server_logs),
    ApiRoute("GET", f"{BASE}/{{name}}/openapi", openapi),
)
