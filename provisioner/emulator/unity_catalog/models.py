"""Registered models: create, get, list, update, delete, and functions to be read.

Sources: docs.databricks.com/api, Registered Models; the paths and fields of the SDK.
"""

from __future__ import annotations

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
from provisioner.emulator.http.shape import record, text
from provisioner.emulator.unity_catalog import catalog, model_versions
from provisioner.emulator.unity_catalog.catalog import FUNCTION, MODEL, Securable

BASE = "/api/2.1/unity-catalog/models"
FUNCTIONS = "/api/2.1/unity-catalog/functions"
# rule(documented): A page of models has at most 10,000 entries of one schema, or 100 of all.
#     [docs.databricks.com/api, Registered Models]
PAGE_OF_SCHEMA, PAGE_OF_ALL = 10_000, 100
CREATED = record(
    {"name": text, "catalog_name": text, "schema_name": text, "comment": text},
    needed=("name", "catalog_name", "schema_name"),
)
UPDATED = record({"comment": text, "owner": text, "new_name": text})


def create(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Creates a registered model, owned by the caller. CREATE_MODEL is not required here."""
    sent = CREATED(request.json(), "")
    full_name = ".".join((sent["catalog_name"], sent["schema_name"], sent["name"]))
    made = catalog.add(
        workspace.store, full_name, MODEL, request.caller.name, sent.get("comment", "")
    )
    return ApiResponse(made.shown())


def list_all(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the models that the caller may execute, of one schema or of all."""
    store, wanted = workspace.store, _name_prefix(request)
    models = [
        model.shown()
        for model in catalog.list_kind(store, MODEL)
        if model.full_name.lower().startswith(wanted)
        and not catalog.missing_privilege(store, request.caller, model)
    ]
    most = PAGE_OF_SCHEMA if wanted else PAGE_OF_ALL
    return ApiResponse(page(request, "registered_models", models, most))


def get(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns a registered model."""
    model = _require_visible(workspace, request, MODEL)
    shown = model.shown()
    if request.query.get("include_aliases") == "true":
        shown["aliases"] = model_versions.aliases(workspace.store, model.full_name)
    return ApiResponse(shown)


def get_function(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns a function, for instance a feature spec."""
    return ApiResponse(_require_visible(workspace, request, FUNCTION).shown())


def update(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Changes the comment or the owner of a model."""
    store, name = workspace.store, request.parameters["name"]
    sent = UPDATED(request.json(), "")
    # rule(local): Registered models are not renamed.
    if sent.get("new_name"):
        message = "The local workspace does not rename registered models."
        raise ApiError(501, "NOT_IMPLEMENTED", message)
    model = catalog.require_owned(store, request.caller, name, MODEL)
    catalog.touch(store, request.caller, model.full_name, **sent)
    return ApiResponse(catalog.require_visible(store, request.caller, name, MODEL).shown())


def delete(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Deletes a model with its versions, its aliases and its grants."""
    store = workspace.store
    name = catalog.require_owned(store, request.caller, request.parameters["name"], MODEL).full_name
    store.change("DELETE FROM model_versions WHERE model = ?", name)
    store.change("DELETE FROM model_aliases WHERE model = ?", name)
    store.change("DELETE FROM privileges WHERE securable = ?", name)
    store.change("DELETE FROM models WHERE full_name = ?", name)
    return ApiResponse()


def _require_visible(workspace: EmulatedWorkspace, request: ApiRequest, kind: str) -> Securable:
    return catalog.require_visible(
        workspace.store, request.caller, request.parameters["name"], kind
    )


def _name_prefix(request: ApiRequest) -> str:
    """Returns what the full names of the wanted models begin with, in lower case."""
    given: dict[str, Any] = {
        key: request.query.get(key, "") for key in ("catalog_name", "schema_name")
    }
    # rule(documented): A list of models is for one schema, named with its catalog, or for all.
    #     [SDK: text of registered_models.list]
    if bool(given["catalog_name"]) != bool(given["schema_name"]):
        raise invalid("catalog_name and schema_name must be given together.")
    return f"{given['catalog_name']}.{given['schema_name']}.".lower().lstrip(".")


ROUTES = (
    ApiRoute("POST", BASE, create),
    ApiRoute("GET", BASE, list_all),
    ApiRoute("GET", f"{BASE}/{{name}}", get),
    ApiRoute("PATCH", f"{BASE}/{{name}}", update),
    ApiRoute("DELETE", f"{BASE}/{{name}}", delete),
    ApiRoute("GET", f"{FUNCTIONS}/{{name}}", get_function),
)
