"""Changes to a serving endpoint: config, gateway, tags, telemetry and other parts."""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.routing import (
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.shape import list_of, text
from provisioner.emulator.serving import (
    access,
    api,
    configs,
    deployment,
    endpoints,
    gateway,
    telemetry,
    views,
)
from provisioner.emulator.serving.api import BASE
from provisioner.emulator.serving.endpoints import Record


def update_config(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Replaces the config; the body is the config itself. [serving-api 1.5, 3.3]"""
    return replace_config(workspace, request, request.json(), configs.read)


def replace_config(
    workspace: EmulatedWorkspace, request: ApiRequest, body: Any, read: configs.ReadConfig
) -> ApiResponse:
    """Replaces the config with ``body``, which ``read`` reads."""
    record = require_settled(workspace, request)
    api.check_not_system(record)
    access.check_creator(workspace.store, record)
    api.check_not_stopped(record)
    api.check_idle(record)
    # Where the first config failed there is no active one, but it was one kind of endpoint.
    before = record["config"] or record["pending"]
    if before and record.get("auto_capture"):
        before = before | {"auto_capture": record["auto_capture"]}
    if workspace.settings.keeps_omitted_traffic:
        body = _keep_traffic(body, before)
    config = read(body, "", before)
    deployment.begin(workspace, record, config)
    endpoints.save(workspace.store, record)
    return api.detailed_response(workspace, request, record)


def _keep_traffic(body: Any, before: configs.Config | None) -> Any:
    """Returns ``body`` with the routes of ``before`` where it has none.

    Only with the setting ``keeps_omitted_traffic``. [serving-api 3.3; also possible]
    """
    if not before or body.get("traffic_config"):
        return body
    routes = [
        {"served_entity_name": route["entity"], "traffic_percentage": route["percent"]}
        for route in before["routes"]
    ]
    return body | {"traffic_config": {"routes": routes}}


# rule(assumed): The gateway takes no change while the endpoint updates or is stopped; clients must
#     be prepared for the refusal. [serving-api 1.7]
def put_gateway(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Replaces the gateway: a block that is not sent is switched off. [serving-api 1.7]"""
    record = require_settled(workspace, request)
    api.check_not_stopped(record)
    api.check_idle(record)
    record["ai_gateway"] = gateway.read(request.json(), "", record)
    save_updated(workspace, record)
    return ApiResponse(views.gateway(record))


def put_rate_limits(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Replaces the rate limits of the older form, in the order sent. [serving-api 1.6, 10.3]

    No other call shows them.
    """
    record = require_settled(workspace, request)
    config = record["config"] or record["pending"]
    # rule(documented): Endpoint-level rate limits are for external and foundation models.
    #     [serving-api 1.6]
    if config and endpoints.kind_of(config) == "CUSTOM_MODEL":
        raise invalid("rate_limits are for external and foundation models only.")
    sent = request.json().get("rate_limits")
    record["rate_limits"] = gateway.read_legacy_rate_limits([] if sent is None else sent)
    save_updated(workspace, record)
    return ApiResponse({"rate_limits": record["rate_limits"]})


def patch_tags(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Adds (also over an existing key), then deletes; missing ones too. [serving-api 1.8]"""
    record, body = require_settled(workspace, request), request.json()
    added = api.read_tags(body.get("add_tags") or [], "add_tags")
    deleted = list_of(text)(body.get("delete_tags") or [], "delete_tags")
    tags = {tag["key"]: tag for tag in (*record["tags"], *added)}
    record["tags"] = [tag for key, tag in tags.items() if key not in deleted]
    save_updated(workspace, record)
    return ApiResponse({"tags": views.tags(record)})


def patch_notifications(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Replaces all addresses. The answer is as in the spec. [serving-api 8.17]"""
    record = require_settled(workspace, request)
    api.check_not_system(record)
    sent = request.json().get("email_notifications")
    record["email_notifications"] = api.read_notifications({} if sent is None else sent)
    save_updated(workspace, record)
    return ApiResponse(
        {"name": record["name"], "email_notifications": record["email_notifications"]}
    )


def require_settled(workspace: EmulatedWorkspace, request: ApiRequest) -> Record:
    """Returns the endpoint in the path, its update finished if the time has come.

    Raises ApiError where it is missing, or the caller may not change it.
    """
    record = endpoints.require(workspace.store, request.parameters["name"])
    access.require(workspace.store, request.caller, record, access.CAN_MANAGE)
    deployment.settle(workspace.store, record, is_poll=False)
    return record


def save_updated(workspace: EmulatedWorkspace, record: Record) -> None:
    """Saves the record with a new time of its last update."""
    record["updated_ms"] = endpoints.whole_second(workspace.store.now_ms())
    endpoints.save(workspace.store, record)


def patch_telemetry(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Replaces all of it; without a telemetry_config it is removed."""
    record = require_settled(workspace, request)
    api.check_not_system(record)
    kind = telemetry.endpoint_type(record)
    # rule(client): Telemetry is for custom models; status, code and text are those of the
    #     Databricks CLI. [serving-api 1.9]
    if kind != telemetry.CUSTOM:
        raise invalid(
            f"Telemetry configuration is not supported for endpoint type '{kind}'. "
            "This API only supports endpoints with custom served models."
        )
    api.check_not_stopped(record)
    api.check_idle(record)
    record["telemetry"] = telemetry.patched(request.json().get("telemetry_config"), record)
    save_updated(workspace, record)
    return api.detailed_response(workspace, request, record)


ROUTES = (
    ApiRoute("PUT", f"{BASE}/{{name}}/config", update_config),
    ApiRoute("PUT", f"{BASE}/{{name}}/ai-gateway", put_gateway),
    ApiRoute("PUT", f"{BASE}/{{name}}/rate-limits", put_rate_limits),
    ApiRoute("PATCH", f"{BASE}/{{name}}/tags", patch_tags),
    ApiRoute("PATCH", f"{BASE}/{{name}}/notifications", patch_notifications),
    ApiRoute("PATCH", f"{BASE}/{{name}}/telemetry-config", patch_telemetry),
)
