"""Connections of a schema, and the MCP services that offer what is behind one.

A connection that was never created counts as existing: manifests name those of a real workspace.
Source: databricks-sdk, ``ConnectionsAPI``, ``McpService``.
"""

from __future__ import annotations

from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.shape import record, text, text_by_name
from provisioner.emulator.unity_catalog import catalog, masks, securables
from provisioner.emulator.unity_catalog.securables import CONNECTION, CatalogObject, Json

BASE = "/api/2.1/unity-catalog/connections"
SCHEMAS, CONNECTIONS = "schemas/", "connections/"
USE = "USE_CONNECTION"
# The options that are shown: those of a login could be secrets. [databricks-sdk, options]
SHOWN = ("host", "port", "base_path")
CREATED = record(
    {
        "name": text,
        "connection_type": text,
        "options": text_by_name,
        "parent": text,
        "comment": text,
    },
    needed=("name", "connection_type", "options"),
)
MOST_SELECTORS, LONGEST_SELECTOR = 1024, 256
# What an MCP service was bound to when it was written; kept beside the config, never shown.
BOUND = "bound"


def create(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Creates a connection in a schema, owned by the caller."""
    sent = CREATED(request.json(), "")
    # rule(local): Connections of the metastore are not kept, as nothing here refers to them.
    if not sent.get("parent", "").startswith(SCHEMAS):
        message = "The local workspace only supports connections in a schema: set parent."
        raise ApiError(501, "NOT_IMPLEMENTED", message)
    full_name = f"{sent['parent'].removeprefix(SCHEMAS)}.{sent['name']}"
    made = securables.create(workspace.store, request.caller, CONNECTION, full_name, sent)
    return ApiResponse(_shown(made))


def get(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns a connection."""
    securable = securables.require(workspace.store, CONNECTION, request.parameters["name"])
    readers = securables.READERS[CONNECTION]
    securables.require_privilege(workspace.store, request.caller, securable, *readers)
    return ApiResponse(_shown(securable))


def delete(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Deletes a connection, also one that MCP services refer to: they show that it is gone."""
    securable = securables.require(workspace.store, CONNECTION, request.parameters["name"])
    privilege = securables.MANAGE
    securables.require_privilege(workspace.store, request.caller, securable, privilege)
    securables.delete(workspace.store, securable)
    return ApiResponse({})


def _shown(securable: CatalogObject) -> Json:
    body = securable.body
    options = {name: value for name, value in body["options"].items() if name in SHOWN}
    return {
        **{name: body[name] for name in ("name", "connection_type", "parent")},
        **({"comment": body["comment"]} if body.get("comment") else {}),
        "full_name": securable.full_name,
        "options": options,
        "owner": securable.owner,
        "metastore_id": securable.facts["metastore_id"],
    }


def checked(
    workspace: EmulatedWorkspace, request: ApiRequest, full_name: str, body: Json, before: Json
) -> Json:
    """Returns the body of an MCP service as it is kept. Raises ApiError."""
    config = body["config"]
    name = (config.get("source_connection") or {}).get("name", "")
    # rule(documented): An MCP service has a connection, named by schema. [databricks-sdk,
    #     McpServiceConfigSourceConnection]
    if not name.startswith(CONNECTIONS) or name.count(".") != 2:
        message = "config.source_connection.name must be connections/CATALOG.SCHEMA.NAME."
        raise invalid(message)
    selectors = config.get("include_tool_selectors") or ()
    # rule(documented): There are at most 1,024 selectors of 256 characters. [databricks-sdk,
    #     McpServiceConfig]
    if len(selectors) > MOST_SELECTORS or any(len(each) > LONGEST_SELECTOR for each in selectors):
        raise invalid("config.include_tool_selectors: at most 1024 of 256 characters.")
    masks.check(config.get("rate_limits"))
    if BOUND in body and not _is_sent(request):
        return body
    return body | {BOUND: _bound_to(workspace, request, name.removeprefix(CONNECTIONS))}


def _is_sent(request: ApiRequest) -> bool:
    mask = request.query.get("update_mask", "*").split(",")
    return mask == ["*"] or "config.source_connection.name" in mask


def _bound_to(workspace: EmulatedWorkspace, request: ApiRequest, full_name: str) -> str:
    """Returns the id of a connection, ``""`` of one that was never created. Raises ApiError."""
    store, caller = workspace.store, request.caller
    made = securables.find(store, CONNECTION, full_name)
    places = (*_above(full_name), securables.grant_key(CONNECTION, full_name))
    is_owner = made is not None and catalog.is_owner(caller, made)
    # rule(documented): Who refers to a connection needs USE CONNECTION on it. [databricks-sdk,
    #     create_mcp_service]
    if not (caller.is_admin or is_owner or catalog.holds(store, caller, USE, places)):
        message = f"User does not have USE CONNECTION on Connection '{full_name}'."
        raise ApiError(403, "PERMISSION_DENIED", message)
    return made.id if made else ""


def _above(full_name: str) -> tuple[str, str]:
    schema = full_name.rpartition(".")[0]
    return schema.partition(".")[0], schema


def view(workspace: EmulatedWorkspace, securable: CatalogObject) -> Json:
    """Returns the config of an MCP service; it says so where its connection was deleted."""
    config, bound = securable.body["config"], securable.body[BOUND]
    source = config["source_connection"]
    made = securables.find(workspace.store, CONNECTION, source["name"].removeprefix(CONNECTIONS))
    is_deleted = bool(bound) and (made is None or made.id != bound)
    shown = source | ({"is_deleted": True} if is_deleted else {})
    return {"config": config | {"source_connection": shown}}


ROUTES = (
    ApiRoute("POST", BASE, create),
    ApiRoute("GET", f"{BASE}/{{name}}", get),
    ApiRoute("DELETE", f"{BASE}/{{name}}", delete),
)
