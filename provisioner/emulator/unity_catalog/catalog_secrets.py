"""Secrets of Unity Catalog: a value below a schema, which only some may read.

Source: databricks-sdk, ``SecretsUcAPI``; databricks/cli, acceptance tests of secrets.
"""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.routing import (
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.shape import record, text
from provisioner.emulator.http.store import Store
from provisioner.emulator.unity_catalog import masks, securables
from provisioner.emulator.unity_catalog.securables import SECRET, CatalogObject, Json

BASE = "/api/2.1/unity-catalog/secrets"
IDENTITY = ("catalog_name", "schema_name", "name")
FIELDS = {"value": text, "comment": text, "expire_time": text, "owner": text}
CREATED = record(
    {**dict.fromkeys(IDENTITY, text), **FIELDS}, needed=("catalog_name", "schema_name", "name")
)
UPDATED = record({**dict.fromkeys(IDENTITY, text), **FIELDS})
# rule(documented): A value has at most 60 KiB. [databricks-sdk, Secret]
LARGEST_BYTES = 60 * 1024


def create(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Creates a secret, owned by the caller."""
    sent = CREATED(securables.snake_case(request.json()), "")
    _check_value(sent.get("value"))
    full_name = ".".join(sent[name] for name in IDENTITY)
    body = {name: sent[name] for name in ("value", "comment", "expire_time") if name in sent}
    made = securables.create(workspace.store, request.caller, SECRET, full_name, body)
    if sent.get("owner"):
        made = securables.change(workspace.store, request.caller, made, owner=sent["owner"])
    return ApiResponse(_view(made))


def _check_value(value: str | None) -> None:
    # rule(documented): A secret has a value of at most 60 KiB. [databricks-sdk, Secret]
    if not value or len(value.encode("utf-8", "replace")) > LARGEST_BYTES:
        raise invalid("value must be given and have at most 61440 bytes.")


def get(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns a secret; with ``include_value=true`` and READ_SECRET also its value."""
    store, securable = workspace.store, _require(workspace.store, request)
    is_wanted = request.query.get("include_value", "").lower() == "true"
    privileges = ("READ_SECRET",) if is_wanted else ("MANAGE", "READ_SECRET")
    securables.require_privilege(store, request.caller, securable, *privileges)
    shown = {"effective_value": securable.body["value"]} if is_wanted else {}
    return ApiResponse(_view(securable) | shown)


def list_secrets(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the secrets of one schema."""
    query = request.query
    # rule(documented): A list of secrets names its catalog and its schema. [databricks-sdk,
    #     list_secrets]
    if not query.get("catalog_name") or not query.get("schema_name"):
        raise invalid("catalog_name and schema_name must be given.")
    schema = f"{query['catalog_name']}.{query['schema_name']}"
    secrets = [
        _view(each)
        for each in securables.list_schema(workspace.store, SECRET, schema)
        if not securables.missing(workspace.store, request.caller, each, "MANAGE", "READ_SECRET")
    ]
    return ApiResponse(securables.page_of(request, "secrets", secrets))


def update(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Changes what the mask names. An absent expire_time stays. [databricks/cli, secrets/basic]"""
    store, securable = workspace.store, _require(workspace.store, request)
    securables.require_privilege(store, request.caller, securable, "MANAGE")
    sent = UPDATED(securables.snake_case(request.json()), "")
    paths = masks.paths_of(request, [*FIELDS], sent)
    for path in paths:
        # rule(documented): Each field that the mask names is set in the body. [databricks-sdk,
        #     update_secret]
        if path not in sent and path != "expire_time":
            raise invalid(f"'{path}' is in update_mask and must be given.")
    if "value" in paths:
        _check_value(sent["value"])
    changed = {path: sent[path] for path in paths if path in sent and path != "owner"}
    owner = sent["owner"] if "owner" in paths else securable.owner
    body = securable.body | changed
    return ApiResponse(
        _view(securables.change(store, request.caller, securable, body=body, owner=owner))
    )


def delete(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Deletes a secret."""
    securable = _require(workspace.store, request)
    securables.require_privilege(workspace.store, request.caller, securable, "MANAGE")
    securables.delete(workspace.store, securable)
    return ApiResponse({})


def _require(store: Store, request: ApiRequest) -> CatalogObject:
    return securables.require(store, SECRET, request.parameters["name"])


def _view(securable: CatalogObject) -> Json:
    named: dict[str, Any] = dict(zip(IDENTITY, securable.full_name.split("."), strict=True))
    shown = {
        name: securable.body[name]
        for name in ("comment", "expire_time")
        if securable.body.get(name)
    }
    return {
        **named,
        "full_name": securable.full_name,
        **shown,
        "owner": securable.owner,
    } | securable.facts


ROUTES = (
    ApiRoute("POST", BASE, create),
    ApiRoute("GET", BASE, list_secrets),
    ApiRoute("GET", f"{BASE}/{{name}}", get),
    ApiRoute("PATCH", f"{BASE}/{{name}}", update),
    ApiRoute("DELETE", f"{BASE}/{{name}}", delete),
)
