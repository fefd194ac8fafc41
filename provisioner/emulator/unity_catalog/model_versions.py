"""Versions of registered models, and the aliases that point to them.

Sources: docs.databricks.com/api, Model Versions and Registered Models. The API has no call that
makes a version: MLflow does, with an upload; here ``registration`` does.
"""

from __future__ import annotations

import uuid
from typing import Any

from provisioner.emulator.http.ordering import page
from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.shape import integer, record, text
from provisioner.emulator.http.store import Store
from provisioner.emulator.unity_catalog import catalog
from provisioner.emulator.unity_catalog.catalog import MODEL

BASE = "/api/2.1/unity-catalog/models/{name}"
# rule(documented): A page of versions has at most 100 entries. [docs.databricks.com/api, Model
#     Versions]
PAGE = 100
COLUMNS = "version, status, comment, created_by, created_ms"
# MLflow refuses it everywhere, since `@latest` would read as the newest version.
RESERVED = "latest"


# rule(assumed): Versions come newest first; the service promises no order.
#     [docs.databricks.com/api, Model Versions]
def list_all(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the versions of a model, the newest first."""
    store, name = workspace.store, _model(workspace, request)
    sql = f"SELECT {COLUMNS} FROM model_versions WHERE model = ? ORDER BY version DESC"
    versions = [_view(name, row) for row in store.rows(sql, name)]
    return ApiResponse(page(request, "model_versions", versions, PAGE))


def get(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns a version of a model."""
    name = _model(workspace, request)
    return ApiResponse(_version(workspace.store, name, request.parameters["version"], request))


def update(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Changes the comment: nothing else of a version changes."""
    store, name = workspace.store, _own_model(workspace, request)
    sent = record({"comment": text})(request.json(), "")
    version = _version(store, name, request.parameters["version"], request)
    sql = "UPDATE model_versions SET comment = ? WHERE model = ? AND version = ?"
    store.change(sql, sent.get("comment", ""), name, version["version"])
    return ApiResponse(_version(store, name, request.parameters["version"], request))


def delete(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Deletes a version with the aliases that point to it."""
    store, name = workspace.store, _own_model(workspace, request)
    version = _version(store, name, request.parameters["version"], request)["version"]
    for table in ("model_versions", "model_aliases"):
        store.change(f"DELETE FROM {table} WHERE model = ? AND version = ?", name, version)
    return ApiResponse()


def by_alias(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the version that an alias points to."""
    name, alias = _model(workspace, request), request.parameters["alias"]
    version = _version_of_alias(workspace.store, name, alias)
    return ApiResponse(_version(workspace.store, name, str(version), request))


def set_alias(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Sets an alias, new or existing, to a version."""
    name = _own_model(workspace, request)
    sent = record({"version_num": integer}, needed=("version_num",))(request.json(), "")
    alias = request.parameters["alias"]
    point_alias(workspace.store, name, alias, sent["version_num"])
    return ApiResponse(_alias(name, alias, sent["version_num"]))


def delete_alias(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Deletes an alias."""
    name, alias = _own_model(workspace, request), request.parameters["alias"]
    _version_of_alias(workspace.store, name, alias)
    sql = "DELETE FROM model_aliases WHERE model = ? AND alias = ?"
    workspace.store.change(sql, name, alias)
    return ApiResponse()


def point_alias(store: Store, name: str, alias: str, version: int) -> None:
    """Points the alias to an existing version. Raises ApiError."""
    # rule(client): The alias "latest" is reserved: MLflow reads it as the newest version. [MLflow
    #     client]
    if alias.lower() == RESERVED:
        raise invalid(f"'{alias}' alias name (case insensitive) is reserved.")
    if not exists(store, name, version):
        raise _no_version(name, str(version))
    store.change("INSERT OR REPLACE INTO model_aliases VALUES (?, ?, ?)", name, alias, version)


def exists(store: Store, name: str, version: int) -> bool:
    """Returns whether a model has this version."""
    sql = "SELECT 1 FROM model_versions WHERE model = ? AND version = ?"
    return store.row(sql, name, version) is not None


def aliases(store: Store, name: str) -> list[dict[str, Any]]:
    """Returns the aliases of a model."""
    sql = "SELECT alias, version FROM model_aliases WHERE model = ? ORDER BY alias"
    return [_alias(name, alias, version) for alias, version in store.rows(sql, name)]


def _model(workspace: EmulatedWorkspace, request: ApiRequest) -> str:
    """Returns the model in the path, by its own spelling. Raises ApiError."""
    name = request.parameters["name"]
    return catalog.require_visible(workspace.store, request.caller, name, MODEL).full_name


def _own_model(workspace: EmulatedWorkspace, request: ApiRequest) -> str:
    name = request.parameters["name"]
    return catalog.require_owned(workspace.store, request.caller, name, MODEL).full_name


def _version(store: Store, name: str, version: str, request: ApiRequest) -> dict[str, Any]:
    # rule(documented): A model version is a number. [docs.databricks.com/api, Model Versions]
    if not (version.isdecimal() and version.isascii() and len(version) < 19):
        raise invalid(f"'{version}' is not the number of a model version.")
    row = _row(store, name, int(version))
    if row is None:
        raise _no_version(name, version)
    shown = _view(name, row)
    if request.query.get("include_aliases") == "true":
        pointing = [alias for alias in aliases(store, name) if alias["version_num"] == row[0]]
        shown["aliases"] = pointing
    return shown


def _row(store: Store, name: str, version: int) -> tuple[Any, ...] | None:
    """Returns the row of a version. Every version of what Databricks provides exists."""
    if name.lower().startswith(catalog.SYSTEM):
        return (version, "READY", "", catalog.PROVIDER, 0)
    sql = f"SELECT {COLUMNS} FROM model_versions WHERE model = ? AND version = ?"
    return store.row(sql, name, version)


# rule(assumed, always): A missing version answers as a missing model does, because there is nothing
#     to show; only the text is assumed. [docs.databricks.com/api, Model Versions]
def _no_version(name: str, version: str) -> ApiError:
    """Returns the error for a missing version."""
    message = f"Model version '{version}' of '{name}' does not exist."
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)


def _version_of_alias(store: Store, name: str, alias: str) -> int:
    """Returns the version that an alias points to. Raises ApiError."""
    sql = "SELECT version FROM model_aliases WHERE model = ? AND alias = ?"
    row = store.row(sql, name, alias)
    # rule(assumed, always): A missing alias answers 404, because there is nothing to show.
    #     [docs.databricks.com/api, Registered Models]
    if row is None:
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Alias '{alias}' does not exist.")
    return int(row[0])


def _view(name: str, row: tuple[Any, ...]) -> dict[str, Any]:
    version, status, comment, created_by, created_ms = row
    return catalog.names(name) | {
        "model_name": name.split(".")[2],
        "version": version,
        "status": status,
        **({"comment": comment} if comment else {}),
        "created_by": created_by,
        "created_at": created_ms,
        "updated_by": created_by,
        "updated_at": created_ms,
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"models:/{name}/{version}")),
    }


def _alias(name: str, alias: str, version: int) -> dict[str, Any]:
    shown = {"model_name": name.split(".")[2], "alias_name": alias, "version_num": version}
    return catalog.names(name) | shown


ROUTES = (
    ApiRoute("GET", f"{BASE}/versions", list_all),
    ApiRoute("GET", f"{BASE}/versions/{{version}}", get),
    ApiRoute("PATCH", f"{BASE}/versions/{{version}}", update),
    ApiRoute("DELETE", f"{BASE}/versions/{{version}}", delete),
    ApiRoute("GET", f"{BASE}/aliases/{{alias}}", by_alias),
    ApiRoute("PUT", f"{BASE}/aliases/{{alias}}", set_alias),
    ApiRoute("DELETE", f"{BASE}/aliases/{{alias}}", delete_alias),
)
