"""Stopping and starting endpoints with custom models. Sources: [serving-api 1.1, 3.1]."""

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
from provisioner.emulator.serving import api, deployment, endpoints, entities
from provisioner.emulator.serving.api import BASE
from provisioner.emulator.serving.updates import require_settled, save_updated

# What a start takes over from the stopped config.
SENT = ("entities", "routes", "auto_capture")


# rule(assumed): Stopping a stopped endpoint changes nothing, so that a client may repeat the call.
#     [serving-api 3.1]
def stop(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Stops the endpoint at once; its config stays."""
    record = require_settled(workspace, request)
    api.check_not_system(record)
    _check_custom(record)
    api.check_idle(record)
    record["suspended"] = True
    save_updated(workspace, record)
    return api.detailed_response(workspace, request, record)


# rule(assumed): Starting an endpoint that runs changes nothing, so that a client may repeat the
#     call. [serving-api 3.1]
def start(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Starts a stopped endpoint: its config becomes a new version. [serving-api 3.1]"""
    record = require_settled(workspace, request)
    api.check_not_system(record)
    _check_custom(record)
    api.check_idle(record)
    if record["suspended"]:
        record["suspended"] = False
        record["starting"] = True
        deployment.begin(workspace, record, _copy_of(record["config"]))
        endpoints.save(workspace.store, record)
    return api.detailed_response(workspace, request, record)


def _copy_of(config: dict[str, Any]) -> dict[str, Any]:
    return {
        **{key: config[key] for key in SENT if key in config},
        "entities": [dict(entity) for entity in config["entities"]],
    }


# rule(documented): Only endpoints with custom models stop and start; the code and the text are not
#     known. [serving-api 1.1, 3.1]
def _check_custom(record: endpoints.Record) -> None:
    """Refuses endpoints without custom models. Raises ApiError."""
    config = record["config"]
    if not config:
        raise ApiError(
            400, "BAD_REQUEST", f"Endpoint {record['name']} has no configuration that serves."
        )
    if not all(map(entities.is_custom_model, config["entities"])):
        raise invalid("Only endpoints with custom models can be stopped and started.")


ROUTES = (
    ApiRoute("POST", f"{BASE}/{{name}}/config:stop", stop),
    ApiRoute("POST", f"{BASE}/{{name}}/config:start", start),
)
