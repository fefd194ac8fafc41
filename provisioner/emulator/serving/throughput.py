"""Provisioned throughput by model units: ``/pt``, its own create and its own config update.

Sources: [serving-api 1.3, 2.3]. Everything else is done with the calls of all endpoints.
"""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.routing import (
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
    refuse_if_strict,
)
from provisioner.emulator.http.shape import flag, integer, list_of, record, text
from provisioner.emulator.serving import api, configs, entities, updates
from provisioner.emulator.serving.configs import Config

Body = dict[str, Any]

BASE = f"{api.BASE}/pt"
UNITS_STEP = 50
# No description, no route optimisation, no older rate limits, no telemetry. [serving-api 1.3]
PARTS = ("name", "config", "ai_gateway", "budget_policy_id", "email_notifications", "tags")

MODEL = record(
    {
        "name": text,
        "entity_name": text,
        "entity_version": text,
        "provisioned_model_units": integer,
        "burst_scaling_enabled": flag,
    },
    needed=("entity_name", "provisioned_model_units"),
)
CONFIG = record({"served_entities": list_of(MODEL), "traffic_config": configs.TRAFFIC})


def create(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Creates an endpoint with model units. Parts that this call does not take are ignored."""
    body = request.json()
    # rule(documented): An endpoint with model units is created with a config. [serving-api 1.3]
    if body.get("config") is None:
        raise invalid("config must be given.")
    sent = {part: body[part] for part in PARTS if part in body}
    return api.create_with(workspace, request, sent, read)


def update_config(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Replaces the config; unlike in the plain call it is nested. [serving-api 1.3]"""
    config = request.json().get("config")
    # rule(documented): The update nests the config. [serving-api 1.3]
    if config is None:
        raise invalid("config must be given.")
    return updates.replace_config(workspace, request, config, read)


def read(body: Any, where: str, before: Config | None) -> Config:
    """Reads a whole configuration. Raises ApiError."""
    sent = CONFIG(body, where or "config")
    prefix = f"{where or 'config'}."
    models = sent.get("served_entities", [])
    # rule(assumed, always): A config without entities is refused, because an update replaces
    #     everything and nothing would serve. [serving-api 8.5]
    if not models:
        raise invalid(f"{prefix}served_entities must hold at least one entity.")
    # rule(assumed, strict): The /pt call updates endpoints with model units only. [serving-api 1.3]
    if before and not is_by_units(before):
        refuse_if_strict("This endpoint has no model units: update it without /pt.")
    served = [
        _model(each, f"{prefix}served_entities[{index}]") for index, each in enumerate(models)
    ]
    return configs.assemble(served, sent, prefix)


def is_by_units(config: Config) -> bool:
    """Returns whether a config has model units."""
    return any("provisioned_model_units" in entity for entity in config["entities"])


def _model(sent: Body, where: str) -> Body:
    units = sent["provisioned_model_units"]
    # rule(assumed, strict): Model units go in steps of 50, as in every documented example.
    #     [serving-api 1.3]
    if units % UNITS_STEP:
        refuse_if_strict(f"{where}.provisioned_model_units must be a multiple of {UNITS_STEP}.")
    # rule(assumed, always): An entity has at least one unit, because it could serve nothing.
    #     [serving-api 1.3]
    if not units:
        raise invalid(f"{where}.provisioned_model_units must be at least one unit.")
    # Bursts are on unless said otherwise, and never shown. [serving-api 2.3, 3.9]
    whole: Body = {"name": entities.name_of(sent), "burst_scaling_enabled": True, **sent}
    entities.check_name(whole["name"], where)
    return whole


def optimization_info(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the size of the steps of throughput, which is made up. [serving-api 1.1]"""
    is_foundation_model = request.parameters["model"].startswith("system.ai.")
    sizes = {"throughput_chunk_size": 1000} if is_foundation_model else {}
    return ApiResponse({"optimizable": is_foundation_model, **sizes})


ROUTES = (
    ApiRoute("POST", BASE, create),
    ApiRoute("PUT", f"{BASE}/{{name}}/config", update_config),
    ApiRoute(
        "GET",
        f"{api.BASE}/get-model-optimization-info/{{model}}/{{version}}",
        optimization_info,
    ),
)
