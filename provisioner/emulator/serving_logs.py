"""Build logs and server logs of a served entity: made up, but true. Source: serving-api 1.12."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioner.emulator import access, deployment, endpoints
from provisioner.emulator.routing import Answer, ApiError, Request, Route, Workspace
from provisioner.emulator.serving import BASE

ENTITY = f"{BASE}/{{name}}/served-models/{{served}}"


def build_logs(workspace: Workspace, request: Request) -> Answer:
    """How the newest deployment of the entity went."""
    entity = _newest(workspace, request)
    state = entity.get("state", deployment.READY)
    lines = [
        f"[local workspace] Deploying served entity {entity['name']}.",
        f"[local workspace] {state['deployment']} {state['deployment_state_message']}".rstrip(),
    ]
    return Answer({"logs": "\n".join(lines) + "\n"})


def server_logs(workspace: Workspace, request: Request) -> Answer:
    entity = _newest(workspace, request)
    return Answer(
        {"logs": f"[local workspace] {entity['name']} has no server and writes no log.\n"}
    )


def _newest(workspace: Workspace, request: Request) -> dict[str, Any]:
    """Raises ApiError where neither the pending nor the active config has the entity."""
    record = endpoints.require(workspace.store, request.parameters["name"])
    # Which level the logs need is not known; they are part of what the endpoint shows.
    access.require(workspace.store, request.caller, record, access.CAN_VIEW)
    deployment.settle(workspace.store, record, is_poll=False)
    served = request.parameters["served"]
    for entity in _entities(record):
        if entity["name"] == served:
            return entity
    message = f"Served entity '{served}' of endpoint '{record['name']}' does not exist."
    raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)


def _entities(record: endpoints.Record) -> Iterator[dict[str, Any]]:
    for config in (record["pending"], record["config"]):
        yield from config["entities"] if config else ()


ROUTES = (
    Route("GET", f"{ENTITY}/build-logs", build_logs),
    Route("GET", f"{ENTITY}/logs", server_logs),
)
