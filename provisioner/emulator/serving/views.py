"""Answers about an endpoint, as clients see them. Sources: [serving-api 2, 3.1, 3.9]."""

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
    """Returns ServingEndpointDetailed: the answer to create, get and update."""
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
    """Returns ServingEndpoint, an entry of the list.

    It lacks traffic, sizes, versions and the pending config.
    """
    shown = _common(record, caller)
    # rule(assumed): The usage policy of the list is the budget policy that the create named.
    #     [serving-api 2.10]
    if record.get("usage_policy"):
        shown["usage_policy_id"] = record["usage_policy"]
    if record["config"]:
        served = rearrange(_entity(entity) for entity in record["config"]["entities"])
        specs = [{key: entity[key] for key in IN_LISTS if key in entity} for entity in served]
        shown["config"] = {
            "served_entities": specs,
            "served_models": [_as_model(spec) for spec in reversed(specs)],
        }
    return shown


def tags(record: Record) -> list[dict[str, str]]:
    """Returns the tags. An empty value is left out, as in the JSON form of protocol buffers."""
    return rearrange({key: text for key, text in tag.items() if text} for tag in record["tags"])


def gateway(record: Record) -> dict[str, Any]:
    """Returns the gateway as clients see it."""
    # rule(assumed): Rate limits come in the order sent, as clients compare them. [serving-api 10.3]
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
        # rule(recorded): An endpoint without tags has no key for them. [serving-api 10.5]
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
    """Returns the state. ``ready`` is about the active config only. [serving-api 3.1]"""
    is_ready = record["config"] and not record["suspended"] and not record.get("starting")
    return {
        "ready": "READY" if is_ready else "NOT_READY",
        "config_update": record["update"],
        "suspend": "STOPPED" if record["suspended"] else "NOT_SUSPENDED",
    }


def _config(config: dict[str, Any]) -> dict[str, Any]:
    """Returns a config with both views of its entities and both names of each route."""
    served = rearrange(_entity(entity) for entity in config["entities"])
    # rule(client): Routes come in the order sent: clients compare them by position.
    #     [serving-api 10.1]
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
    shown |= _dbus(entity)
    if kind == "CUSTOM_MODEL":
        return shown | {"type": _type_of(entity), "batching_config": NO_BATCHING}
    return shown | {"type": TYPE_OF_KIND[kind]}


# rule(recorded): An entity with a throughput in tokens has min_dbus and max_dbus, which no client
#     sends. The rate is of one recorded answer, 106 DBU an hour for 19,000 tokens a second; that
#     of other models is another one. [serving-api 2.2]
def _dbus(entity: dict[str, Any]) -> dict[str, float]:
    ends = {f"{end}_dbus": entity.get(f"{end}_provisioned_throughput", 0) for end in ("min", "max")}
    if not any(ends.values()):
        return {}
    return {name: round(tokens * 106 / 19_000, 3) for name, tokens in ends.items()}


# rule(assumed): A feature spec has the type FEATURE_SPEC, a model outside of Unity Catalog
#     WORKSPACE_MODEL. Only UC_MODEL was seen. [serving-api 2.2]
def _type_of(entity: dict[str, Any]) -> str:
    """Returns the type of a custom entity."""
    if catalog.is_feature_spec(entity):
        return "FEATURE_SPEC"
    return "UC_MODEL" if catalog.is_full_name(entity["entity_name"]) else "WORKSPACE_MODEL"


# rule(assumed): A plaintext value is not returned, nor its reference twin. The sources contradict
#     each other about the twin, so a client must ignore both. [serving-api 3.9, 8.8]
def _without_plaintext(value: Any) -> Any:
    """Returns the value without plaintext keys; their reference twins do not appear."""
    if not isinstance(value, dict):
        return value
    return {
        key: _without_plaintext(inner)
        for key, inner in value.items()
        if not key.endswith(PLAINTEXT)
    }


def _as_model(entity: dict[str, Any]) -> dict[str, Any]:
    """Translates a served entity into the words of `served_models`."""
    renamed = {"entity_name": "model_name", "entity_version": "model_version"}
    return {renamed.get(key, key): value for key, value in entity.items()}
