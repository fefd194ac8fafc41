"""Services of Unity Gateway over HTTP: create, get, list, update, delete.

Source: databricks-sdk, ``AiGatewayAPI``; databricks/cli, acceptance tests of the gateway kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from provisioner.emulator.http.routing import (
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.shape import Reader
from provisioner.emulator.unity_catalog import (
    connections,
    destinations,
    masks,
    provider_configs,
    securables,
    service_shapes,
)
from provisioner.emulator.unity_catalog.securables import CatalogObject, Json

BASE = "/api/2.1/unity-catalog"
MODEL_MASKS = (
    "comment",
    "config.routing.destinations",
    "config.routing.fallback.destinations",
    "config.rate_limits",
    "config.inference_table",
)
PROVIDER_MASKS = (
    "comment",
    "config.provider",
    "config.targets",
    "config.allow_all_targets",
    "config.forward_headers",
    "config.forward_query_parameters",
    "config.forward_unmanaged_paths",
    "config.rate_limits",
    "config.inference_table",
    "config.pricing.default_discount_basis_points",
)
MCP_MASKS = (
    "comment",
    "config.source_connection.name",
    "config.include_tool_selectors",
    "config.rate_limits",
)
SCHEMAS = "schemas/"


@dataclass(frozen=True, slots=True)
class ServiceKind:
    """What is special about one kind of service.

    ``check`` refuses a body that the service would not take, and returns it as it is kept, given
    the workspace, the request, the full name, the body and what was stored before. ``view``
    returns the config as it is shown.
    """

    name: str
    plural: str
    id_field: str
    reader: Reader
    masks: tuple[str, ...]
    merge: Callable[[Json, Json, list[str]], Json]
    check: Callable[[EmulatedWorkspace, ApiRequest, str, Json, Json], Json]
    view: Callable[[EmulatedWorkspace, CatalogObject], Json]

    @property
    def key(self) -> str:
        return self.plural.replace("-", "_")


def create(kind: ServiceKind, workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Creates a service, owned by the caller."""
    full_name = f"{_schema(request)}.{request.query.get(kind.id_field, '')}"
    sent = kind.reader(securables.snake_case(request.json()), "")
    # rule(documented): A service is created with its config. [databricks-sdk, AiGatewayAPI]
    if not sent.get("config"):
        raise invalid("config must be given.")
    body = kind.check(workspace, request, full_name, sent, {})
    made = securables.create(workspace.store, request.caller, kind.name, full_name, body)
    return ApiResponse(_view(kind, workspace, made))


def _schema(request: ApiRequest) -> str:
    parent = request.query.get("parent", "")
    # rule(documented): The parent is a schema, as `schemas/catalog.schema`. [databricks-sdk,
    #     AiGatewayAPI]
    if not parent.startswith(SCHEMAS):
        raise invalid("parent must have the form schemas/{catalog}.{schema}.")
    return parent.removeprefix(SCHEMAS)


def get(kind: ServiceKind, workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns one service."""
    securable = securables.require(workspace.store, kind.name, request.parameters["name"])
    readers = securables.READERS[kind.name]
    securables.require_privilege(workspace.store, request.caller, securable, *readers)
    return ApiResponse(_view(kind, workspace, securable))


def list_services(
    kind: ServiceKind, workspace: EmulatedWorkspace, request: ApiRequest
) -> ApiResponse:
    """Returns the services of one schema; without ``view=FULL`` without what is inside them."""
    store, readers = workspace.store, securables.READERS[kind.name]
    things = [
        securable
        for securable in securables.list_schema(store, kind.name, _schema(request))
        if not securables.missing(store, request.caller, securable, *readers)
    ]
    is_full = request.query.get("view", "").endswith("FULL")
    shown = [_view(kind, workspace, securable) for securable in things]
    if not is_full:
        shown = [{name: each[name] for name in each if name != "config"} for each in shown]
    return ApiResponse(securables.page_of(request, kind.key, shown))


def update(kind: ServiceKind, workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Changes what the mask names; refuses an etag that is not the current one."""
    store = workspace.store
    securable = securables.require(store, kind.name, request.parameters["name"])
    securables.require_privilege(store, request.caller, securable, securables.MANAGE)
    securables.require_etag(request, securable)
    sent = kind.reader(securables.snake_case(request.json()), "")
    paths = masks.paths_of(request, kind.masks, sent)
    body = kind.merge(securable.body, sent, paths)
    body = kind.check(workspace, request, securable.full_name, body, securable.body)
    return ApiResponse(
        _view(kind, workspace, securables.change(store, request.caller, securable, body=body))
    )


def delete(kind: ServiceKind, workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Deletes a service, also one that others name as a destination (assumed)."""
    securable = securables.require(workspace.store, kind.name, request.parameters["name"])
    securables.require_privilege(workspace.store, request.caller, securable, securables.MANAGE)
    securables.require_etag(request, securable)
    securables.delete(workspace.store, securable)
    return ApiResponse({})


def _view(kind: ServiceKind, workspace: EmulatedWorkspace, securable: CatalogObject) -> Json:
    comment = {"comment": securable.body["comment"]} if securable.body.get("comment") else {}
    named = {"name": f"{kind.plural}/{securable.full_name}", "etag": securable.etag}
    return {**named, **comment, **kind.view(workspace, securable), **securable.facts}


MODEL_SERVICES = ServiceKind(
    name=securables.MODEL_SERVICE,
    plural="model-services",
    id_field="model_service_id",
    reader=service_shapes.MODEL_SERVICE,
    masks=MODEL_MASKS,
    merge=masks.merged,
    check=destinations.checked,
    view=destinations.view,
)
PROVIDER_SERVICES = ServiceKind(
    name=securables.PROVIDER_SERVICE,
    plural="model-provider-services",
    id_field="model_provider_service_id",
    reader=service_shapes.PROVIDER_SERVICE,
    masks=PROVIDER_MASKS,
    merge=provider_configs.merged,
    check=provider_configs.checked,
    view=provider_configs.view,
)
MCP_SERVICES = ServiceKind(
    name=securables.MCP_SERVICE,
    plural="mcp-services",
    id_field="mcp_service_id",
    reader=service_shapes.MCP_SERVICE,
    masks=MCP_MASKS,
    merge=masks.merged,
    check=connections.checked,
    view=connections.view,
)
KINDS = (MODEL_SERVICES, PROVIDER_SERVICES, MCP_SERVICES)


def _routes(kind: ServiceKind) -> tuple[ApiRoute, ...]:
    path = f"{BASE}/{kind.plural}"
    single = f"{path}/{{name}}"
    return (
        ApiRoute("POST", path, partial(create, kind)),
        ApiRoute("GET", path, partial(list_services, kind)),
        ApiRoute("GET", single, partial(get, kind)),
        ApiRoute("PATCH", single, partial(update, kind)),
        ApiRoute("DELETE", single, partial(delete, kind)),
    )


ROUTES = tuple(route for kind in KINDS for route in _routes(kind))
