"""Secret scopes and secrets. Sources: [serving-api 4]. Values leave only through ``get``."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from provisioner.emulator.http.ordering import rearrange
from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.store import Store
from provisioner.emulator.secrets import scope_acls
from provisioner.emulator.secrets.scope_acls import require_permission, require_text

# What the secrets pages say, not the wider alphabet that Terraform lets through.
NAME = re.compile(r"[\w.@-]{1,128}", re.ASCII)
MAX_SCOPES = 1000
MAX_SECRETS_OF_SCOPE = 1000
MAX_VALUE_BYTES = 128 * 1024
DATABRICKS, KEYVAULT = "DATABRICKS", "AZURE_KEYVAULT"
BASE = "/api/2.0/secrets"


def create_scope(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Creates a scope, with its first manager."""
    store, body = workspace.store, request.json()
    scope = _name(body, "scope")
    backend = body.get("scope_backend_type") or DATABRICKS
    first_manager = body.get("initial_manage_principal")
    keyvault = body.get("backend_azure_keyvault") or None
    # rule(recorded): The name of a scope is unique; the text is recorded, the status is assumed.
    #     [serving-api 4.2, 8.27]
    if store.row("SELECT 1 FROM scopes WHERE name = ?", scope):
        # Observed with this text and this status. [serving-api 4, 8.27]
        raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"Scope {scope} already exists!")
    # rule(documented): initial_manage_principal can only be users. [serving-api 4.1]
    if first_manager not in (None, "", "users"):
        raise invalid("initial_manage_principal can only be users.")
    # rule(documented): A scope is backed by Databricks or by Azure Key Vault. [serving-api 4.1]
    if backend not in (DATABRICKS, KEYVAULT):
        raise invalid(f"scope_backend_type must be {DATABRICKS} or {KEYVAULT}.")
    # rule(documented): A scope of Azure Key Vault names its vault, and no other scope does.
    #     [serving-api 4.1]
    if (backend == KEYVAULT) != _is_keyvault(keyvault):
        raise invalid(f"backend_azure_keyvault belongs to {KEYVAULT}, with resource_id, dns_name.")
    _check_room(store, "SELECT count(*) FROM scopes", MAX_SCOPES)
    store.change("INSERT INTO scopes VALUES (?, ?, ?)", scope, backend, json.dumps(keyvault))
    # rule(documented): A new scope has one ACL: MANAGE for its creator, or for the first manager.
    #     [serving-api 10.4]
    scope_acls.put(store, scope, first_manager or request.caller.name, "MANAGE")
    return ApiResponse()


def list_scopes(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns all scopes to everybody: the SDK's text names no permission for this call."""
    rows = workspace.store.rows("SELECT name, backend, keyvault FROM scopes")
    return ApiResponse({"scopes": rearrange(_scope(*row) for row in rows)})


def delete_scope(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Deletes a scope with its secrets and its ACLs."""
    scope = require_permission(workspace, request, require_text(request.json(), "scope"), "MANAGE")
    workspace.store.change("DELETE FROM secrets WHERE scope = ?", scope)
    workspace.store.change("DELETE FROM scope_acls WHERE scope = ?", scope)
    workspace.store.change("DELETE FROM scopes WHERE name = ?", scope)
    return ApiResponse()


def put(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Sets a secret."""
    store, body = workspace.store, request.json()
    scope = require_permission(workspace, request, require_text(body, "scope"), "WRITE")
    key = _name(body, "key")
    value = _value(body)
    # rule(documented): A scope that a key vault backs is read-only here. [serving-api 4.1]
    if store.row("SELECT 1 FROM scopes WHERE name = ? AND backend = ?", scope, KEYVAULT):
        raise ApiError(400, "BAD_REQUEST", f"Scope {scope} is read-only: a key vault backs it.")
    if not store.row("SELECT 1 FROM secrets WHERE scope = ? AND key = ?", scope, key):
        counted = "SELECT count(*) FROM secrets WHERE scope = ?"
        _check_room(store, counted, MAX_SECRETS_OF_SCOPE, scope)
    now_ms = store.now_ms()
    store.change("INSERT OR REPLACE INTO secrets VALUES (?, ?, ?, ?)", scope, key, value, now_ms)
    return ApiResponse()


def list_secrets(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the keys of a scope, without values."""
    scope = require_permission(workspace, request, require_text(request.query, "scope"), "READ")
    rows = workspace.store.rows("SELECT key, updated_ms FROM secrets WHERE scope = ?", scope)
    secrets = [{"key": key, "last_updated_timestamp": updated} for key, updated in rows]
    return ApiResponse({"secrets": rearrange(secrets)})


def get(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the value of a secret."""
    scope = require_permission(workspace, request, require_text(request.query, "scope"), "READ")
    key = require_text(request.query, "key")
    row = workspace.store.row("SELECT value FROM secrets WHERE scope = ? AND key = ?", scope, key)
    if row is None:
        raise _no_secret(scope, key)
    return ApiResponse({"key": key, "value": base64.b64encode(row[0]).decode()})


def delete(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Deletes a secret."""
    body = request.json()
    scope = require_permission(workspace, request, require_text(body, "scope"), "WRITE")
    key = require_text(body, "key")
    if not workspace.store.change("DELETE FROM secrets WHERE scope = ? AND key = ?", scope, key):
        raise _no_secret(scope, key)
    return ApiResponse()


# rule(client): A missing secret answers 404 with this text. [serving-api 4.2]
def _no_secret(scope: str, key: str) -> ApiError:
    """Returns the error for a missing secret."""
    message = f"Secret does not exist with scope: {scope} and key: {key}"
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)


def _name(body: dict[str, Any], field: str) -> str:
    name = require_text(body, field)
    # rule(documented): Names of scopes and keys have at most 128 letters, digits, "-", "_", "." and
    #     "@"; Terraform lets "/" through as well. [serving-api 4.3]
    if not NAME.fullmatch(name):
        raise invalid(f"{field} takes 1 to 128 letters, digits, '-', '_', '.' and '@'.")
    return name


def _value(body: dict[str, Any]) -> bytes:
    """Returns the value in ``string_value``, or in ``bytes_value`` (base64)."""
    given = [key for key in ("string_value", "bytes_value") if body.get(key) is not None]
    # rule(documented): A secret is put as one of string_value and bytes_value, which is base64.
    #     [serving-api 4.1]
    if len(given) != 1 or not isinstance(body[given[0]], str):
        raise invalid("Exactly one of string_value and bytes_value must be given.")
    # rule(documented): bytes_value is base64. [serving-api 4.2]
    try:
        text = body[given[0]]
        is_text = given == ["string_value"]
        value = text.encode() if is_text else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(f"{given[0]} is not valid.") from error
    # rule(documented): A secret has at most 128 KB. [serving-api 4.3]
    if len(value) > MAX_VALUE_BYTES:
        raise invalid("A secret takes at most 128 KB.")
    return value


def _is_keyvault(value: Any) -> bool:
    needed = ("resource_id", "dns_name")
    return isinstance(value, dict) and all(isinstance(value.get(key), str) for key in needed)


def _check_room(store: Store, counted: str, most: int, *values: str) -> None:
    row = store.row(counted, *values)
    # rule(documented): A workspace has at most 1000 scopes, a scope at most 1000 secrets.
    #     [serving-api 4.2, 4.3]
    if row and row[0] >= most:
        raise ApiError(400, "RESOURCE_LIMIT_EXCEEDED", f"There can be at most {most}.")


def _scope(name: str, backend: str, keyvault: str) -> dict[str, Any]:
    metadata = json.loads(keyvault)
    shown = {"name": name, "backend_type": backend}
    return shown | ({"keyvault_metadata": metadata} if metadata else {})


ROUTES = (
    ApiRoute("POST", f"{BASE}/scopes/create", create_scope),
    ApiRoute("GET", f"{BASE}/scopes/list", list_scopes),
    ApiRoute("POST", f"{BASE}/scopes/delete", delete_scope),
    ApiRoute("POST", f"{BASE}/put", put),
    ApiRoute("GET", f"{BASE}/list", list_secrets),
    ApiRoute("GET", f"{BASE}/get", get),
    ApiRoute("POST", f"{BASE}/delete", delete),
    *scope_acls.ROUTES,
)
