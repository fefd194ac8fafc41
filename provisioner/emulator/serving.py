"""Serving endpoints: create, get, list, delete. Sources: serving-api 1.2, 1.4, 3."""

from __future__ import annotations

from typing import Any

from provisioner.emulator import (
    access,
    configs,
    deployment,
    endpoints,
    gateway,
    lag,
    permissions,
    serving_answers,
    serving_rules,
    telemetry,
)
from provisioner.emulator.endpoints import Record
from provisioner.emulator.routing import Answer, ApiError, Request, Route, Workspace, invalid
from provisioner.emulator.shape import flag, text
from provisioner.emulator.store import Store

BASE = "/api/2.0/serving-endpoints"


def create(workspace: Workspace, request: Request) -> Answer:
    """An endpoint, in the middle of its first update where a config was sent."""
    return created(workspace, request, request.json(), configs.read)


def created(
    workspace: Workspace, request: Request, body: dict[str, Any], read: configs.ReadConfig
) -> Answer:
    """The answer to a create with ``body``, whose config ``read`` takes apart."""
    store = workspace.store
    name = _free_name(store, body.get("name"))
    record = endpoints.new_record(name, request.caller.name, store.now_ms())
    record["creator_kind"] = request.caller.kind
    record["creator_display_name"] = request.caller.display_name
    if body.get("config") is not None:
        config = read(body["config"], "config", None)
        deployment.begin(workspace, record, config)
    _fill(record, body)
    endpoints.save(store, record)
    permissions.start(store, record["id"], request.caller)
    return serving_answers.detailed(workspace, request, record)


def get(workspace: Workspace, request: Request) -> Answer:
    record, is_stale = lag.seen(workspace.store, request.parameters["name"])
    if record is None:
        # Not raised: that this read was one has to be kept.
        return endpoints.missing(request.parameters["name"]).answer()
    access.require(workspace.store, request.caller, record, access.CAN_VIEW)
    if not is_stale:
        deployment.settle(workspace.store, record, is_poll=True)
    return serving_answers.detailed(workspace, request, record)


def list_all(workspace: Workspace, request: Request) -> Answer:
    """One answer with all of them; the key is there also when there are none. [clients.md]"""
    deployment.settle_all(workspace.store)
    found = (
        serving_answers.listed(workspace, request, record) for record in lag.every(workspace.store)
    )
    return Answer({"endpoints": [entry for entry in found if entry]})


def delete(workspace: Workspace, request: Request) -> Answer:
    """Also while it updates: Terraform deletes what failed or took too long. [serving-api 1.4]"""
    record = endpoints.require(workspace.store, request.parameters["name"])
    access.require(workspace.store, request.caller, record, access.CAN_MANAGE)
    serving_rules.check_not_system(record)
    endpoints.delete(workspace.store, record["name"])
    return Answer()


def _free_name(store: Store, name: Any) -> str:
    """[serving-api 8.1: the code is known, 400 is the more likely of two statuses]"""
    if isinstance(name, str) and endpoints.find(store, name):
        message = f"Endpoint with name '{name}' already exists."
        raise ApiError(400, "RESOURCE_ALREADY_EXISTS", message)
    free_name = serving_rules.check_name(name)
    row = store.row("SELECT count(*) FROM endpoints WHERE name NOT LIKE 'databricks-%'")
    if row and row[0] >= serving_rules.MAX_ENDPOINTS:
        message = f"A workspace takes at most {serving_rules.MAX_ENDPOINTS} endpoints."
        raise ApiError(400, "RESOURCE_LIMIT_EXCEEDED", message)
    return free_name


def _fill(record: Record, body: dict[str, Any]) -> None:
    """The parts that create takes beside the config. ``budget_policy_id`` is never shown again."""
    is_custom = _is_custom(record)
    sent = {key: value for key, value in body.items() if value is not None}
    record["description"] = serving_rules.read_description(sent.get("description", ""))
    record["tags"] = serving_rules.read_tags(sent.get("tags", []), "tags")
    record["ai_gateway"] = gateway.read(sent.get("ai_gateway", {}), "ai_gateway", record)
    record["email_notifications"] = serving_rules.read_notifications(
        sent.get("email_notifications", {})
    )
    record["rate_limits"] = gateway.read_legacy_rate_limits(sent.get("rate_limits", []))
    record["route_optimized"] = flag(sent.get("route_optimized", False), "route_optimized")
    text(sent.get("budget_policy_id", ""), "budget_policy_id")
    if record["rate_limits"] and is_custom:
        raise invalid("rate_limits are for external and foundation models only.")
    if record["route_optimized"] and not is_custom:
        raise invalid("route_optimized is for custom models only.")
    record["telemetry"] = telemetry.at_creation(sent.get("telemetry_config"), record)


def _is_custom(record: Record) -> bool:
    return bool(record["pending"]) and endpoints.kind_of(record["pending"]) == "CUSTOM_MODEL"


ROUTES = (
    Route("POST", BASE, create),
    Route("GET", BASE, list_all),
    Route("GET", f"{BASE}/{{name}}", get),
    Route("DELETE", f"{BASE}/{{name}}", delete),
)
