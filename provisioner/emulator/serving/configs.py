"""Configurations of an endpoint as sent: entities, traffic, legacy inference table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provisioner.emulator.http.routing import invalid, refuse_if_strict
from provisioner.emulator.http.shape import Reader, integer, list_of, record, text
from provisioner.emulator.serving import auto_capture, endpoints, entities

Config = dict[str, Any]
ReadConfig = Callable[[Any, str, Config | None], Config]
"""Of a body, where it stands, and the configuration that it replaces."""

MAX_ENTITIES = 15

ROUTE = record(
    {"served_entity_name": text, "served_model_name": text, "traffic_percentage": integer},
    needed=("traffic_percentage",),
)
TRAFFIC: Reader = record({"routes": list_of(ROUTE)})
CONFIG = record(
    {
        "served_entities": list_of(entities.SERVED_ENTITY),
        "served_models": list_of(entities.SERVED_MODEL),
        "traffic_config": TRAFFIC,
        "auto_capture_config": auto_capture.READER,
    }
)


def read(body: Any, where: str, before: Config | None) -> Config:
    """Reads a whole configuration, which replaces ``before``. Raises ApiError."""
    sent = CONFIG(body, where)
    prefix = f"{where}." if where else ""
    config = assemble(_entities(sent, prefix), sent, prefix)
    if "auto_capture_config" in sent:
        config["auto_capture"] = auto_capture.read(
            sent["auto_capture_config"],
            (before or {}).get("auto_capture"),
            f"{prefix}auto_capture_config",
        )
    if before:
        _check_change(before, config)
    return config


def assemble(served: list[dict[str, Any]], sent: Config, prefix: str) -> Config:
    """Returns a config from entities, each checked by itself, and the traffic. Raises ApiError."""
    _check_together(served, prefix)
    names = [entity["name"] for entity in served]
    return {"entities": served, "routes": _routes(sent, names, prefix)}


def _entities(sent: Config, prefix: str) -> list[dict[str, Any]]:
    newer, older = sent.get("served_entities", []), sent.get("served_models", [])
    # rule(assumed, strict): A config has served_entities or served_models, not both; of both the
    #     served_entities count. [serving-api 2.1]
    if newer and older:
        refuse_if_strict(f"{prefix}served_entities and {prefix}served_models cannot both be set.")
    # rule(assumed, always): A config without entities is refused, because an update replaces
    #     everything and nothing would serve. [serving-api 3.3, 8.5]
    if not newer and not older:
        raise invalid(f"{prefix}served_entities must hold at least one entity.")
    # rule(recorded): An endpoint serves 15 entities, as in a recorded case; 10 are documented.
    #     [serving-api 3.6, 8.6, 10.8]
    if len(newer or older) > MAX_ENTITIES:
        raise invalid(f"An endpoint takes at most {MAX_ENTITIES} served entities.")
    key = "served_entities" if newer else "served_models"
    translated = newer or [entities.from_served_model(model) for model in older]
    return [
        entities.read(entity, f"{prefix}{key}[{index}]") for index, entity in enumerate(translated)
    ]


def _check_together(served: list[dict[str, Any]], prefix: str) -> None:
    names = [entity["name"] for entity in served]
    repeated = sorted({name for name in names if names.count(name) > 1})
    # rule(documented): The names of served entities are unique in the endpoint. [serving-api 3.5]
    if repeated:
        raise invalid(f"{prefix}served_entities: the name '{repeated[0]}' is used more than once.")
    # rule(documented): External models and other models never share an endpoint. [serving-api 3.5,
    #     3.8]
    if len({"external_model" in entity for entity in served}) > 1:
        raise invalid("External models cannot be served together with other models.")
    tasks = {entity["external_model"]["task"] for entity in served if "external_model" in entity}
    # rule(documented): All external models of an endpoint have the same task. [serving-api 3.5,
    #     3.8]
    if len(tasks) > 1:
        raise invalid(f"All external models must have one task, not {', '.join(sorted(tasks))}.")


def _routes(sent: Config, names: list[str], prefix: str) -> list[dict[str, Any]]:
    """Returns the traffic split; one entity gets all traffic without one. [serving-api 3.4, 8.7]"""
    routes = sent.get("traffic_config", {}).get("routes", [])
    where = f"{prefix}traffic_config.routes"
    if not routes and len(names) == 1:
        return [{"entity": names[0], "percent": 100}]
    # rule(client): The traffic of several served entities must be given. [serving-api 3.4, 8.7]
    if not routes:
        raise invalid(f"{where} must be given for several served entities.")
    checked_routes = [
        _route(route, names, f"{where}[{index}]") for index, route in enumerate(routes)
    ]
    # rule(assumed, strict): A served entity has one route. [serving-api 2.4]
    if len({route["entity"] for route in checked_routes}) < len(checked_routes):
        refuse_if_strict(f"{where} names a served entity more than once.")
    total = sum(route["percent"] for route in checked_routes)
    # rule(assumed, always): The traffic percentages add up to exactly 100, because requests without
    #     an entity could not be answered. [serving-api 3.5, 8.7]
    if total != 100:
        raise invalid(f"{where}: the traffic percentages add up to {total}, not to 100.")
    return checked_routes


def _route(route: dict[str, Any], names: list[str], where: str) -> dict[str, Any]:
    given = {route[key] for key in ("served_entity_name", "served_model_name") if route.get(key)}
    # rule(assumed, always): A route names one served entity, in served_entity_name,
    #     served_model_name or both, because which of two names is meant is not known. [serving-api
    #     2.4]
    if len(given) != 1:
        raise invalid(f"{where} must name one served entity.")
    name = given.pop()
    # rule(client): A route names an entity of the config.
    #     [databricks/terraform-provider-databricks, docs/resources/model_serving.md]
    if name not in names:
        raise invalid(f"{where} names '{name}', which is not a served entity.")
    return {"entity": name, "percent": route["traffic_percentage"]}


def _check_change(before: Config, after: Config) -> None:
    """Refuses what a config update cannot change. Raises ApiError."""
    is_external = [endpoints.kind_of(config) == "EXTERNAL_MODEL" for config in (before, after)]
    # rule(documented): An endpoint cannot change between external models and other models.
    #     [serving-api 3.7]
    if is_external[0] != is_external[1]:
        raise invalid("An endpoint cannot change between external models and other models.")
    # rule(assumed, strict): An endpoint with model units is updated by the /pt call only.
    #     [serving-api 1.3]
    if any("provisioned_model_units" in entity for entity in before["entities"]):
        refuse_if_strict("This endpoint has model units: update it with the /pt form of this call.")
    # rule(assumed, strict): The task of an external endpoint cannot change. [serving-api 3.7, 8.10]
    if all(is_external) and endpoints.task_of(before) != endpoints.task_of(after):
        refuse_if_strict(
            f"The task of the endpoint is {endpoints.task_of(before)} and cannot change."
        )
