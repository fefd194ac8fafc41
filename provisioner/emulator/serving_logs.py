"""Build logs and server logs of a served entity: made up, but true. Source: serving-api 1.12."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioner.emulator import access, deployment, endpoints, entities
from provisioner.emulator.routing import Answer, ApiError, Request, Route, Workspace
from provisioner.emulator.serving import BASE

ENTITY = f"{BASE}/{{name}}/served-models/{{served}}"


def build_logs(workspace: Workspace, request: Request) -> Answer:
    """How the newest deployment of the entity went; the reason of a failure comes last."""
    entity = _newest(workspace, request)
    steps = [f"Deploying served entity {entity['name']}.", *_steps(entity)]
    return _logs(steps + _end(entity))


def server_logs(workspace: Workspace, request: Request) -> Answer:
    """There is no server, so all that can be said is how its start went."""
    entity = _newest(workspace, request)
    steps = [f"Starting the server of served entity {entity['name']}.", *_end(entity)]
    return _logs([*steps, "No server was started, so there is nothing else to log."])


def _steps(entity: dict[str, Any]) -> list[str]:
    """External models have nothing to build."""
    if not entities.is_custom_model(entity):
        return []
    model = " ".join(filter(None, (entity["entity_name"], entity.get("entity_version"))))
    return [f"Downloading {model}.", "Building the container image.", "Starting the container."]


def _end(entity: dict[str, Any]) -> list[str]:
    state = entity.get("state", deployment.READY)
    ordered = str(entity.get("log", "")).splitlines()
    reason = f"{state['deployment']} {state['deployment_state_message']}".rstrip()
    return [*ordered, reason]


def _logs(lines: list[str]) -> Answer:
    """Each line says where it comes from, so that nobody takes it for the service's."""
    return Answer({"logs": "".join(f"[local workspace] {line}\n" for line in lines)})


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
