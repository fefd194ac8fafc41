"""Endpoints as OpenAI's clients list them: the models that the caller may ask."""

from __future__ import annotations

from typing import Any

from provisioner.emulator import access, endpoints
from provisioner.emulator.routing import Answer, ApiError, Request, Workspace


def listed(workspace: Workspace, request: Request) -> Answer:
    found = [
        _model(record)
        for record in endpoints.every(workspace.store)
        if access.level(workspace.store, request.caller, record) in access.ASKING
    ]
    return Answer({"object": "list", "data": found})


def one(workspace: Workspace, request: Request) -> Answer:
    record = endpoints.find(workspace.store, request.parameters["model"])
    if record is None:
        message = f"Endpoint with name '{request.parameters['model']}' does not exist."
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
    access.require(workspace.store, request.caller, record, access.CAN_QUERY)
    return Answer(_model(record))


def _model(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": record["name"],
        "object": "model",
        "created": record["created_ms"] // 1000,
        "owned_by": record["creator"] or "databricks",
    }
