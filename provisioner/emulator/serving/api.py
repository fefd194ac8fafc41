"""Serving endpoints: create, get, list, delete. Sources: [serving-api 1.2, 1.4, 3]."""

from __future__ import annotations

import json
import re
from typing import Any

from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.shape import flag, list_of, record, text
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity.authentication import WORKSPACE_ID
from provisioner.emulator.serving import (
    access,
    configs,
    deployment,
    endpoints,
    gateway,
    idleness,
    lag,
    permissions,
    telemetry,
    views,
)
from provisioner.emulator.serving.endpoints import Record

BASE = "/api/2.0/serving-endpoints"
# [serving-api 3.6: derived from the documented length and the wording of an observed message]
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
RESERVED_PREFIX = "databricks-"
MAX_DESCRIPTION = 1000
MAX_ENDPOINTS = 1000
TAG = record({"key": text, "value": text}, needed=("key",))
NOTIFICATIONS = record({"on_update_success": list_of(text), "on_update_failure": list_of(text)})


def create(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """An endpoint, in the middle of its first update where a config was sent."""
    return create_with(workspace, request, request.json(), configs.read)


def create_with(
    workspace: EmulatedWorkspace,
    request: ApiRequest,
    body: dict[str, Any],
    read: configs.ReadConfig,
) -> ApiResponse:
    """The answer to a create with ``body``, whose config ``read`` takes apart."""
    store = workspace.store
    name = _free_name(store, body.get("name"))
    record = endpoints.new_record(name, request.caller.name, store.now_ms())
    record["creator_kind"] = request.caller.kind
    record["creator_display_name"] = request.caller.display_name
    if body.get("config") is not None:
        config = read(body["config"], "config", None)
        deployment.begin(workspace, record, config)
    _read_parts(record, body)
    endpoints.save(store, record)
    permissions.start(store, record["id"], request.caller)
    return detailed_response(workspace, request, record)


def get(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    record, is_stale = lag.read(workspace.store, request.parameters["name"])
    if record is None:
        # Not raised: that this read was one has to be kept.
        return endpoints.missing(request.parameters["name"]).answer()
    access.require(workspace.store, request.caller, record, access.CAN_VIEW)
    if not is_stale:
        deployment.settle(workspace.store, record, is_poll=True)
    return detailed_response(workspace, request, record)


def list_all(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """One answer with all of them; the key is there also when there are none. [serving-api 9.2]"""
    deployment.settle_all(workspace.store)
    entries = (list_entry(workspace, request, record) for record in lag.every(workspace.store))
    return ApiResponse({"endpoints": [entry for entry in entries if entry]})


def delete(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Also while it updates: Terraform deletes what failed or took too long. [serving-api 1.4]"""
    record = endpoints.require(workspace.store, request.parameters["name"])
    access.require(workspace.store, request.caller, record, access.CAN_MANAGE)
    check_not_system(record)
    endpoints.delete(workspace.store, record["name"])
    return ApiResponse()


def _free_name(store: Store, name: Any) -> str:
    """[serving-api 8.1: the code is known, 400 is the more likely of two statuses]"""
    # rule(client): The name of an endpoint is unique in the workspace; status 400 is assumed.
    #     [serving-api 3.5, 8.1]
    if isinstance(name, str) and endpoints.find(store, name):
        message = f"Endpoint with name '{name}' already exists."
        raise ApiError(400, "RESOURCE_ALREADY_EXISTS", message)
    free_name = check_name(name)
    row = store.row("SELECT count(*) FROM endpoints WHERE name NOT LIKE 'databricks-%'")
    # rule(documented): A workspace takes at most 1000 endpoints; the code of the refusal is
    #     assumed. [serving-api 3.6]
    if row and row[0] >= MAX_ENDPOINTS:
        message = f"A workspace takes at most {MAX_ENDPOINTS} endpoints."
        raise ApiError(400, "RESOURCE_LIMIT_EXCEEDED", message)
    return free_name


def _read_parts(record: Record, body: dict[str, Any]) -> None:
    """The parts that create takes beside the config. ``budget_policy_id`` is never shown again."""
    is_custom = _is_custom(record)
    sent = {key: value for key, value in body.items() if value is not None}
    record["description"] = read_description(sent.get("description", ""))
    record["tags"] = read_tags(sent.get("tags", []), "tags")
    record["ai_gateway"] = gateway.read(sent.get("ai_gateway", {}), "ai_gateway", record)
    record["email_notifications"] = read_notifications(sent.get("email_notifications", {}))
    record["rate_limits"] = gateway.read_legacy_rate_limits(sent.get("rate_limits", []))
    record["route_optimized"] = flag(sent.get("route_optimized", False), "route_optimized")
    text(sent.get("budget_policy_id", ""), "budget_policy_id")
    # rule(documented): Endpoint-level rate limits are for external and foundation models.
    #     [serving-api 1.6]
    if record["rate_limits"] and is_custom:
        raise invalid("rate_limits are for external and foundation models only.")
    # rule(documented): Route optimization is for custom models. [serving-api 1.2]
    if record["route_optimized"] and not is_custom:
        raise invalid("route_optimized is for custom models only.")
    record["telemetry"] = telemetry.read_at_creation(sent.get("telemetry_config"), record)


def _is_custom(record: Record) -> bool:
    return bool(record["pending"]) and endpoints.kind_of(record["pending"]) == "CUSTOM_MODEL"


def detailed_response(
    workspace: EmulatedWorkspace, request: ApiRequest, record: Record
) -> ApiResponse:
    """ServingEndpointDetailed, the answer to create, get and every update of the config."""
    seen = idleness.mark_idle(workspace.store, record)
    shown = views.detailed(seen, request.caller)
    shown["permission_level"] = access.level(workspace.store, request.caller, record)
    if record["route_optimized"]:
        shown |= _data_plane_info(request, record)
    return ApiResponse(shown)


def list_entry(
    workspace: EmulatedWorkspace, request: ApiRequest, record: Record
) -> dict[str, Any] | None:
    """An entry of the list, or None: it hides what the caller cannot see. [serving-api 8.29]"""
    if not access.level(workspace.store, request.caller, record):
        return None
    return views.summary(record, request.caller)


def _data_plane_info(request: ApiRequest, record: Record) -> dict[str, Any]:
    """Where queries go, and what a token for them has to be asked for. [serving-api 1.14, 2.10]

    The path is the documented one; the details are as on the service's page about such queries.
    """
    url = f"{request.base_url}/{WORKSPACE_ID}/serving-endpoints/{record['name']}/invocations"
    details = {
        "type": "workspace_permission",
        "object_type": "serving-endpoints",
        "object_path": f"/serving-endpoints/{record['id']}",
        "actions": ["query_inference_endpoint"],
    }
    query = {"endpoint_url": url, "authorization_details": json.dumps([details])}
    return {"endpoint_url": url, "data_plane_info": {"query_info": query}}


def check_name(name: Any) -> str:
    """Raises ApiError. The reserved prefix is documented, though customers' endpoints with it were
    seen: who avoids it is right under both. [serving-api 3.6, 8.30]
    """
    # rule(documented): An endpoint's name has 1 to 63 letters, digits, "-" and "_"; that the first
    #     and the last are alphanumeric is recorded. [serving-api 3.6]
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise invalid(
            "Endpoint name must be at most 63 characters, alphanumeric with hyphens and"
            " underscores in between."
        )
    # rule(documented): The prefix "databricks-" is reserved, although endpoints of customers with
    #     it were seen. [serving-api 3.6, 8.30]
    if name.startswith(RESERVED_PREFIX):
        raise invalid(f"Endpoint names that begin with {RESERVED_PREFIX} are reserved.")
    return name


def read_tags(value: Any, where: str) -> list[dict[str, str]]:
    """The tags, each key once. Raises ApiError."""
    tags: list[dict[str, str]] = list_of(TAG)(value, where)
    # rule(assumed): A tag's key occurs once in a request. [serving-api 1.8]
    if len({tag["key"] for tag in tags}) < len(tags):
        raise invalid(f"{where} holds a key more than once.")
    return tags


def read_notifications(value: Any) -> dict[str, list[str]]:
    notifications = NOTIFICATIONS(value, "email_notifications")
    return {event: addresses for event, addresses in notifications.items() if addresses}


def read_description(value: Any) -> str:
    description = text(value, "description")
    # rule(documented): A description has at most 1000 characters. [serving-api 3.6]
    if len(description) > MAX_DESCRIPTION:
        raise invalid(f"description takes at most {MAX_DESCRIPTION} characters.")
    return description


def check_idle(endpoint: dict[str, Any]) -> None:
    """Raises ApiError RESOURCE_CONFLICT. Only the text for telemetry is known. [serving-api 8.2]"""
    # rule(documented): An endpoint takes no update while it is updating; only the text of the
    #     telemetry call is known. [serving-api 3.5, 8.2]
    if endpoint["update"] == "IN_PROGRESS":
        raise ApiError(
            409, "RESOURCE_CONFLICT", f"Endpoint {endpoint['name']} is currently updating."
        )


def check_not_stopped(endpoint: dict[str, Any]) -> None:
    """What the service does with an update of a stopped endpoint is not known, nor which of its
    calls count as one: here config, gateway and telemetry do. Refused: neither does a stopped
    endpoint begin to cost, nor does anybody wait for it to become ready.
    """
    # rule(assumed): A stopped endpoint refuses changes of config, gateway and telemetry: it must
    #     not begin to cost, and no client must wait for it to become ready. [serving-api 3.1]
    if endpoint["suspended"]:
        raise ApiError(
            400, "BAD_REQUEST", f"Endpoint {endpoint['name']} is stopped: start it before."
        )


def check_not_system(endpoint: dict[str, Any]) -> None:
    """Databricks' own endpoints are nobody's to change; how they say so is not known."""
    # rule(assumed): Endpoints that Databricks provides cannot be changed or deleted. [serving-api
    #     3.6]
    if endpoint["system"]:
        raise ApiError(
            403, "PERMISSION_DENIED", f"Endpoint {endpoint['name']} is managed by Databricks."
        )


ROUTES = (
    ApiRoute("POST", BASE, create),
    ApiRoute("GET", BASE, list_all),
    ApiRoute("GET", f"{BASE}/{{name}}", get),
    ApiRoute("DELETE", f"{BASE}/{{name}}", delete),
)
