"""What clients see of an endpoint. Sources: [serving-api 2, 3.1, 3.9]."""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.ordering import rearrange
from provisioner.emulator.http.routing import SERVICE_PRINCIPAL, Caller
from provisioner.emulator.serving import auto_capture, endpoints, telemetry
from provisioner.emulator.serving.endpoints import Record
from provisioner.emulator.unity_catalog import catalog

# Taken in and never shown. [serving-api 3.9]
HIDDEN_OF_ENTITY = frozenset({"burst_scaling_enabled"})
# Ours alone: what the logs of a failed deployment end with.
NOT_SHOWN = HIDDEN_OF_ENTITY | {"log"}
PLAINTEXT = "_plaintext"
TYPE_OF_KIND = {
    "EXTERNAL_MODEL": "EXTERNAL_MODEL",
    "FOUNDATION_MODEL_API": "FOUNDATION_MODEL",
    "CUSTOM_MODEL": "UC_MODEL",
}
# In captured answers of models, and in no schema. [serving-api 2.2]
NO_BATCHING = {"enabled": False}
IN_LISTS = ("name", "type", "entity_name", "entity_version", "external_model", "foundation_model")


def detailed(record: Record, caller: Caller) -> dict[str, Any]:
    """ServingEndpointDetailed: the answer to create, get and update."""
    shown = _common(record, caller)
    shown |= {"permission_level": "CAN_MANAGE", "route_optimized": record["route_optimized"]}
    if record["config"]:
        shown["config"] = _config(record["config"])
    if record["pending"]:
        start = {"start_time": record["pending"]["start_time"]}
        shown["pending_config"] = _config(record["pending"]) | start
    if record["email_notifications"]:
        shown["email_notifications"] = record["email_notifications"]
    return shown


def summary(record: Record, caller: Caller) -> dict[str, Any]:
    """ServingEndpoint: an entry of the list, without traffic, sizes, versions, pending config."""
    shown = _common(record, caller)
    if record["config"]:
        served = rearrange(_entity(entity) for entity in record["config"]["entities"])
        specs = [{key: entity[key] for key in IN_LISTS if key in entity} for entity in served]
        shown["config"] = {
            "served_entities": specs,
            "served_models": [_as_model(spec) for spec in reversed(specs)],
        }
    return shown


def tags(record: Record) -> list[dict[str, str]]:
    """An empty value is not shown, as the JSON form of protocol buffers leaves it out."""
    return rearrange({key: text for key, text in tag.items() if text} for tag in record["tags"])


def gateway(record: Record) -> dict[str, Any]:
    """Its rate limits in the order sent, as clients compare them. [serving-api 10.3: assumed]"""
    return dict(record["ai_gateway"])


def _common(record: Record, caller: Caller) -> dict[str, Any]:
    config = record["config"] or record["pending"]
    shown: dict[str, Any] = {
        "id": record["id"],
        "name": record["name"],
        "creation_timestamp": record["created_ms"],
        "last_updated_timestamp": record["updated_ms"],
        "state": _state(record),
        "description": record["description"],
    }
    if record["tags"]:
        # No key without tags. [serving-api 10.5: recorded]
        shown["tags"] = tags(record)
    if record["creator"]:
        # The last two are in captured answers but in no schema: a client must not mind.
        is_machine = record.get("creator_kind") == SERVICE_PRINCIPAL
        shown |= {
            "creator": record["creator"],
            "creator_kind": "ServicePrincipal" if is_machine else "User",
            "creator_display_name": record.get("creator_display_name", caller.display_name),
        }
    if config:
        shown["endpoint_type"] = endpoints.kind_of(config)
        task = endpoints.task_of(config)
        shown |= {"task": task} if task else {}
    if record["ai_gateway"]:
        shown["ai_gateway"] = gateway(record)
    if record.get("telemetry"):
        shown["telemetry_config"] = telemetry.view(record["telemetry"])
    return shown


def _state(record: Record) -> dict[str, str]:
    """``ready`` is about the active config only. [serving-api 3.1]"""
    is_ready = record["config"] and not record["suspended"] and not record.get("starting")
    return {
        "ready": "READY" if is_ready else "NOT_READY",
        "config_update": record["update"],
        "suspend": "STOPPED" if record["suspended"] else "NOT_SUSPENDED",
    }


def _config(config: dict[str, Any]) -> dict[str, Any]:
    """Both views of the entities, in different orders; both names of a route.

    Routes come in the order sent: clients compare them by position. [serving-api 10.1: used by a
    public client]
    """
    served = rearrange(_entity(entity) for entity in config["entities"])
    routes = [
        {
            "served_model_name": route["entity"],
            "served_entity_name": route["entity"],
            "traffic_percentage": route["percent"],
        }
        for route in config["routes"]
    ]
    shown = {
        "served_entities": served,
        "served_models": [_as_model(entity) for entity in reversed(served)],
        "traffic_config": {"routes": routes},
        "config_version": config["version"],
    }
    if "auto_capture" in config:
        shown["auto_capture_config"] = auto_capture.view(config["auto_capture"])
    return shown


def _entity(entity: dict[str, Any]) -> dict[str, Any]:
    kind = endpoints.kind_of({"entities": [entity]})
    shown = {key: value for key, value in entity.items() if key not in NOT_SHOWN}
    for key in ("external_model", "foundation_model"):
        if key in shown:
            shown[key] = _without_plaintext(shown[key])
    if "foundation_model" in shown:
        shown["foundation_model"].pop("task", None)
    if kind == "CUSTOM_MODEL":
        return shown | {"type": _type_of(entity), "batching_config": NO_BATCHING}
    return shown | {"type": TYPE_OF_KIND[kind]}


def _type_of(entity: dict[str, Any]) -> str:
    """Only UC_MODEL was seen; the others are guesses for what no client may rely on."""
    if catalog.is_feature_spec(entity):
        return "FEATURE_SPEC"
    return "UC_MODEL" if catalog.is_full_name(entity["entity_name"]) else "WORKSPACE_MODEL"


def _without_plaintext(value: Any) -> Any:
    """Without plaintext values: the key is left out, its reference twin does not appear.

    The sources contradict each other about the twin; a client must ignore both. [serving-api 8.8]
    """
    if not isinstance(value, dict):
        return value
    return {
        key: _without_plaintext(inner)
        for key, inner in value.items()
        if not key.endswith(PLAINTEXT)
    }


def _as_model(entity: dict[str, Any]) -> dict[str, Any]:
    """A served entity in the words of `served_models`."""
    renamed = {"entity_name": "model_name", "entity_version": "model_version"}
    return {renamed.get(key, key): value for key, value in entity.items()}
