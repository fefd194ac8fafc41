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
    refuse_if_strict,
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
TAG_KEY = re.compile(r"[^.,=/:]{1,255}", re.DOTALL)
TAG = record({"key": text, "value": text}, needed=("key",))
NOTIFICATIONS = record({"on_update_success": list_of(text), "on_update_failure": list_of(text)})


def create(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Creates an endpoint. With a config it is in the middle of its first update."""
    return create_with(workspace, request, request.json(), configs.read)


def create_with(
    workspace: EmulatedWorkspace,
    request: ApiRequest,
    body: dict[str, Any],
    read: configs.ReadConfig,
) -> ApiResponse:
    """Creates the endpoint ``body``, whose config ``read`` reads."""
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
    """Returns an endpoint. A read may count towards the end of its update."""
    record, is_stale = lag.read(workspace.store, request.parameters["name"])
    if record is None:
        # Not raised: that this read was one has to be kept.
        return endpoints.missing(request.parameters["name"]).answer()
    access.require(workspace.store, request.caller, record, access.CAN_VIEW)
    if not is_stale:
        deployment.settle(workspace.store, record, is_poll=True)
    return detailed_response(workspace, request, record)


def list_all(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns all endpoints that the caller can see.

    The key is there also when there are none: MLflow fails without it. [serving-api 9.2]
    """
    deployment.settle_all(workspace.store)
    entries = (list_entry(workspace, request, record) for record in lag.every(workspace.store))
    return ApiResponse({"endpoints": [entry for entry in entries if entry]})


def delete(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Deletes an endpoint, also while it updates.

    Terraform deletes what failed or took too long. [serving-api 1.4]
    """
    record = endpoints.require(workspace.store, request.parameters["name"])
    access.require(workspace.store, request.caller, record, access.CAN_MANAGE)
    check_not_system(record)
    endpoints.delete(workspace.store, record["name"])
    return ApiResponse()


def _free_name(store: Store, name: Any) -> str:
    """Returns a valid name that no endpoint has. Raises ApiError."""
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
    """Reads the parts that create takes beside the config.

    ``budget_policy_id`` is checked, and shown in lists alone, under its newer name. [serving-api
    3.9]
    """
    is_custom = _is_custom(record)
    sent = {key: value for key, value in body.items() if value is not None}
    record["description"] = read_description(sent.get("description", ""))
    record["tags"] = read_tags(sent.get("tags", []), "tags")
    record["ai_gateway"] = gateway.read(sent.get("ai_gateway", {}), "ai_gateway", record)
    record["email_notifications"] = read_notifications(sent.get("email_notifications", {}))
    record["rate_limits"] = gateway.read_legacy_rate_limits(sent.get("rate_limits", []))
    record["route_optimized"] = flag(sent.get("route_optimized", False), "route_optimized")
    record["usage_policy"] = text(sent.get("budget_policy_id", ""), "budget_policy_id")
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
    """Returns ServingEndpointDetailed, the answer to create, get and every update of the config."""
    seen = idleness.mark_idle(workspace.store, record)
    shown = views.detailed(seen, request.caller)
    shown["permission_level"] = access.level(workspace.store, request.caller, record)
    if record["route_optimized"]:
        shown |= _data_plane_info(request, record)
    return ApiResponse(shown)


def list_entry(
    workspace: EmulatedWorkspace, request: ApiRequest, record: Record
) -> dict[str, Any] | None:
    """Returns an entry of the list; None for an endpoint that the caller cannot see."""
    if not access.level(workspace.store, request.caller, record):
        return None
    return views.summary(record, request.caller)


def _data_plane_info(request: ApiRequest, record: Record) -> dict[str, Any]:
    """Returns where queries go, and what a token for them has to be asked for.

    The path is documented [serving-api 1.14, 2.10]; the details follow the service's page about
    such queries.
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
    """Returns a valid name. Raises ApiError."""
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
    """Reads tags. Raises ApiError."""
    tags: list[dict[str, str]] = list_of(TAG)(value, where)
    # rule(assumed, strict): A tag's key occurs once in a request; of two values the last one is
    #     kept. [serving-api 1.8]
    if len({tag["key"] for tag in tags}) < len(tags):
        refuse_if_strict(f"{where} holds a key more than once.")
    last = list({tag["key"]: tag for tag in tags}.values())
    for tag in last:
        # rule(recorded): A tag's key has 1 to 255 characters and none of . , = / and :.
        #     [serving-api 1.8]
        if not TAG_KEY.fullmatch(tag["key"]):
            raise invalid(
                f"Endpoint tag key {tag['key']} is either not between 1-255 characters long or "
                "contains one or more of the reserved characters: . , = / or :"
            )
    return last


def read_notifications(value: Any) -> dict[str, list[str]]:
    """Reads the addresses of notifications; an event without addresses is left out."""
    notifications = NOTIFICATIONS(value, "email_notifications")
    return {event: addresses for event, addresses in notifications.items() if addresses}


def read_description(value: Any) -> str:
    """Reads a description. Raises ApiError."""
    description = text(value, "description")
    # rule(documented): A description has at most 1000 characters. [serving-api 3.6]
    if len(description) > MAX_DESCRIPTION:
        raise invalid(f"description takes at most {MAX_DESCRIPTION} characters.")
    return description


def check_idle(endpoint: dict[str, Any]) -> None:
    """Refuses an endpoint that is updating. Raises ApiError RESOURCE_CONFLICT."""
    # rule(documented): An endpoint takes no update while it is updating; only the text of the
    #     telemetry call is known. [serving-api 3.5, 8.2]
    if endpoint["update"] == "IN_PROGRESS":
        raise ApiError(
            409, "RESOURCE_CONFLICT", f"Endpoint {endpoint['name']} is currently updating."
        )


def check_not_stopped(endpoint: dict[str, Any]) -> None:
    """Refuses a stopped endpoint. Raises ApiError."""
    # rule(assumed, always): A stopped endpoint refuses changes of config, gateway and telemetry,
    #     because it must not begin to cost, and no client must wait for it to become ready.
    #     [serving-api 3.1]
    if endpoint["suspended"]:
        raise ApiError(
            400, "BAD_REQUEST", f"Endpoint {endpoint['name']} is stopped: start it before."
        )


def check_not_system(endpoint: dict[str, Any]) -> None:
    """Refuses an endpoint that Databricks provides. Raises ApiError."""
    # rule(assumed, always): Endpoints that Databricks provides cannot be changed or deleted,
    #     because they belong to every workspace; only the answer is assumed. [serving-api 3.6]
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
