"""Catalogs and schemas over HTTP: create, get, list, update, delete.

Source: docs.databricks.com/api, Catalogs, Schemas; the paths and fields of the SDK.
"""

from __future__ import annotations

from provisioner.emulator.http.ordering import page
from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    Caller,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.shape import record, text
from provisioner.emulator.http.store import Store
from provisioner.emulator.unity_catalog import catalog, namespaces
from provisioner.emulator.unity_catalog.namespaces import DEFAULT_SCHEMA, Namespace

BASE = "/api/2.1/unity-catalog"
CATALOGS, SCHEMAS = f"{BASE}/catalogs", f"{BASE}/schemas"
PAGE = 1000
CATALOG = record({"name": text, "comment": text})
SCHEMA = record({"name": text, "catalog_name": text, "comment": text}, needed=("catalog_name",))
UPDATED = record({"comment": text, "owner": text, "new_name": text})


def create_catalog(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Creates a catalog with a schema ``default``. [serving-api 10.21: used by a public client]"""
    sent, caller = CATALOG(request.json(), ""), request.caller
    # rule(documented): Catalogs are created with CREATE CATALOG on the metastore, which workspace
    #     admins have. [docs.databricks.com, Create catalogs]
    if not caller.is_admin:
        message = "User does not have CREATE CATALOG on Metastore."
        raise ApiError(403, "PERMISSION_DENIED", message)
    name = sent.get("name", "")
    _check_one_part(name)
    created = namespaces.create(workspace.store, caller, name, sent.get("comment", ""))
    namespaces.create(workspace.store, caller, f"{name}.{DEFAULT_SCHEMA}")
    return ApiResponse(created.view())


def create_schema(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    sent, store = SCHEMA(request.json(), ""), workspace.store
    parent = namespaces.require_with_default(store, request.caller, sent["catalog_name"])
    # rule(documented): Schemas are created by who owns the catalog or has CREATE SCHEMA on it.
    #     [docs.databricks.com, Create schemas]
    if not _may_create_schema(store, request.caller, parent):
        message = f"User does not have CREATE SCHEMA on Catalog '{parent.full_name}'."
        raise ApiError(403, "PERMISSION_DENIED", message)
    _check_one_part(sent.get("name", ""))
    full_name = f"{parent.full_name}.{sent['name']}"
    created = namespaces.create(store, request.caller, full_name, sent.get("comment", ""))
    return ApiResponse(created.view())


def _check_one_part(name: str) -> None:
    # rule(client): Names hold no periods, and are not empty. [serving-api 10.21]
    if not name or "." in name:
        raise invalid(f'"{name}" is not a valid name.')


def _may_create_schema(store: Store, caller: Caller, parent: Namespace) -> bool:
    return catalog.is_owner(caller, parent) or catalog.holds(
        store, caller, "CREATE_SCHEMA", (parent.full_name,)
    )


def list_catalogs(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    catalogs = [each.view() for each in namespaces.list_catalogs(workspace.store)]
    return ApiResponse(page(request, "catalogs", catalogs, PAGE))


def list_schemas(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the schemas of one catalog."""
    parent = namespaces.require(workspace.store, request.query.get("catalog_name", ""))
    schemas = [each.view() for each in namespaces.list_schemas(workspace.store, parent.full_name)]
    return ApiResponse(page(request, "schemas", schemas, PAGE))


def get(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    return ApiResponse(_require(workspace.store, request).view())


def update(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Changes the comment and the owner."""
    namespace, sent = _require(workspace.store, request), UPDATED(request.json(), "")
    namespaces.require_owner(request.caller, namespace)
    # rule(local): Catalogs and schemas are not renamed.
    if sent.pop("new_name", namespace.full_name) != namespace.full_name:
        message = "The local workspace does not rename catalogs and schemas."
        raise ApiError(501, "NOT_IMPLEMENTED", message)
    namespaces.change(workspace.store, request.caller, namespace, **sent)
    return ApiResponse(_require(workspace.store, request).view())


def delete(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Deletes what is empty, and with ``force=true`` everything in it."""
    namespace = _require(workspace.store, request)
    namespaces.require_owner(request.caller, namespace)
    namespaces.delete(workspace.store, namespace, force=namespaces.is_forced(request))
    return ApiResponse()


def _require(store: Store, request: ApiRequest) -> Namespace:
    return namespaces.require(store, request.parameters["name"])


def _routes(path: str) -> tuple[ApiRoute, ...]:
    single = f"{path}/{{name}}"
    return (
        ApiRoute("GET", single, get),
        ApiRoute("PATCH", single, update),
        ApiRoute("DELETE", single, delete),
    )


ROUTES = (
    ApiRoute("POST", CATALOGS, create_catalog),
    ApiRoute("GET", CATALOGS, list_catalogs),
    *_routes(CATALOGS),
    ApiRoute("POST", SCHEMAS, create_schema),
    ApiRoute("GET", SCHEMAS, list_schemas),
    *_routes(SCHEMAS),
)
