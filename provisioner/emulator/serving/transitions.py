"""Ends updates on command; with ``--transition command`` they end in no other way."""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.routing import (
    CONTROL_PREFIX,
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
)
from provisioner.emulator.http.shape import choice, record, text
from provisioner.emulator.serving import deployment, endpoints
from provisioner.emulator.serving.deployment import FAILURES

# rules(local): Ending an update on command is a route of the local workspace.

PATH = f"/{CONTROL_PREFIX}/transitions"
FAILED = "DEPLOYMENT_FAILED"
# What is asked for -> the fields of a deployment rule.
ENDS: dict[str, dict[str, str]] = {
    "finish": {},
    "fail": {"state": FAILED},
    "cancel": {"config_update": "UPDATE_CANCELED"},
}
SENT = record(
    {"endpoint": text, "entity": text, "end": choice(*ENDS), "message": text, "log": text},
    needed=("endpoint",),
)


def end(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Ends the update of one endpoint.

    ``{"endpoint": NAME, "end": "finish", "fail" or "cancel"}``. A failure takes ``entity``, a glob,
    a ``message`` and a ``log``, as a fault rule does.
    """
    sent = SENT(request.json(), "")
    endpoint = endpoints.require(workspace.store, sent["endpoint"])
    if endpoint["update"] != endpoints.IN_PROGRESS:
        message = f"Endpoint {endpoint['name']} is not updating."
        raise ApiError(409, "RESOURCE_CONFLICT", message)
    ordered = ENDS[sent.get("end", "finish")]
    if "state" in ordered:
        given = {key: sent[key] for key in ("entity", "message", "log") if key in sent}
        ordered = {"message": FAILURES[FAILED]} | ordered | given
    deployment.release(workspace.store, endpoint, ordered)
    return ApiResponse({"update": endpoint["update"]})


def list_all(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the endpoints that are updating, oldest update first; this is no poll."""
    updating = [each for each in endpoints.every(workspace.store) if _is_updating(each)]
    updating.sort(key=lambda each: (each["pending"]["start_time"], each["name"]))
    return ApiResponse({"transitions": [_view(each) for each in updating]})


def _is_updating(endpoint: dict[str, Any]) -> bool:
    return bool(endpoint["update"] == endpoints.IN_PROGRESS)


def _view(endpoint: dict[str, Any]) -> dict[str, Any]:
    pending = endpoint["pending"]
    return {
        "endpoint": endpoint["name"],
        "config_version": pending["version"],
        "waits_for_command": bool(pending.get("held")),
        "polls_left": pending["polls_left"],
        "due_ms": pending["due_ms"],
    }


ROUTES = (ApiRoute("GET", PATH, list_all), ApiRoute("POST", PATH, end))
