"""Registered models: create, get, list, update, delete, and functions to be read.

Sources: docs.databricks.com/api, Registered Models; the paths and fields of the SDK.
"""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.paging import page
from provisioner.emulator.http.routing import Answer, ApiError, Request, Route, Workspace, invalid
from provisioner.emulator.http.shape import record, text
from provisioner.emulator.unity_catalog import catalog, model_versions
from provisioner.emulator.unity_catalog.catalog import FUNCTION, MODEL, Securable

BASE = "/api/2.1/unity-catalog/models"
FUNCTIONS = "/api/2.1/unity-catalog/functions"
# The documented lengths of a page: within one schema, and of a whole metastore.
PAGE_OF_SCHEMA, PAGE_OF_ALL = 10_000, 100
CREATED = record(
    {"name": text, "catalog_name": text, "schema_name": text, "comment": text},
    needed=("name", "catalog_name", "schema_name"),
)
UPDATED = record({"comment": text, "owner": text, "new_name": text})


def create(workspace: Workspace, request: Request) -> Answer:
    """Whoever asks becomes the owner. CREATE_MODEL on the schema is not asked for here."""
    sent = CREATED(request.json(), "")
    full_name = ".".join((sent["catalog_name"], sent["schema_name"], sent["name"]))
    made = catalog.add(
        workspace.store, full_name, MODEL, request.caller.name, sent.get("comment", "")
    )
    return Answer(made.shown())


def list_all(workspace: Workspace, request: Request) -> Answer:
    """What the caller may execute, of one schema or of all."""
    store, wanted = workspace.store, _parent(request)
    found = [
        one.shown()
        for one in catalog.every(store, MODEL)
        if one.full_name.lower().startswith(wanted)
        and not catalog.missing_privilege(store, request.caller, one)
    ]
    most = PAGE_OF_SCHEMA if wanted else PAGE_OF_ALL
    return Answer(page(request, "registered_models", found, most))


def get(workspace: Workspace, request: Request) -> Answer:
    found = _visible(workspace, request, MODEL)
    shown = found.shown()
    if request.query.get("include_aliases") == "true":
        shown["aliases"] = model_versions.aliases(workspace.store, found.full_name)
    return Answer(shown)


def get_function(workspace: Workspace, request: Request) -> Answer:
    """A feature spec, for instance: to the catalog it is a function."""
    return Answer(_visible(workspace, request, FUNCTION).shown())


def update(workspace: Workspace, request: Request) -> Answer:
    store, name = workspace.store, request.parameters["name"]
    sent = UPDATED(request.json(), "")
    if sent.get("new_name"):
        message = "The local workspace does not rename registered models."
        raise ApiError(501, "NOT_IMPLEMENTED", message)
    found = catalog.owned(store, request.caller, name, MODEL)
    catalog.touch(store, request.caller, found.full_name, **sent)
    return Answer(catalog.visible(store, request.caller, name, MODEL).shown())


def delete(workspace: Workspace, request: Request) -> Answer:
    """With its versions, its aliases and its grants."""
    store = workspace.store
    name = catalog.owned(store, request.caller, request.parameters["name"], MODEL).full_name
    store.change("DELETE FROM model_versions WHERE model = ?", name)
    store.change("DELETE FROM model_aliases WHERE model = ?", name)
    store.change("DELETE FROM privileges WHERE securable = ?", name)
    store.change("DELETE FROM models WHERE full_name = ?", name)
    return Answer()


def _visible(workspace: Workspace, request: Request, kind: str) -> Securable:
    return catalog.visible(workspace.store, request.caller, request.parameters["name"], kind)


def _parent(request: Request) -> str:
    """What the full names of the wanted models begin with, in lower case."""
    given: dict[str, Any] = {
        key: request.query.get(key, "") for key in ("catalog_name", "schema_name")
    }
    if bool(given["catalog_name"]) != bool(given["schema_name"]):
        raise invalid("catalog_name and schema_name must be given together.")
    return f"{given['catalog_name']}.{given['schema_name']}.".lower().lstrip(".")


ROUTES = (
    Route("POST", BASE, create),
    Route("GET", BASE, list_all),
    Route("GET", f"{BASE}/{{name}}", get),
    Route("PATCH", f"{BASE}/{{name}}", update),
    Route("DELETE", f"{BASE}/{{name}}", delete),
    Route("GET", f"{FUNCTIONS}/{{name}}", get_function),
)
