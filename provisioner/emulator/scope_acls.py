"""Access to secret scopes: which principal may read, write or manage. Sources: serving-api 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.emulator.ordering import rearranged
from provisioner.emulator.routing import Answer, ApiError, Request, Route, Workspace, invalid
from provisioner.emulator.store import Store

PERMISSIONS = ("READ", "WRITE", "MANAGE")
BASE = "/api/2.0/secrets/acls"


def required(values: Mapping[str, Any], field: str) -> str:
    """A text that has to be there and not empty. Raises ApiError INVALID_PARAMETER_VALUE."""
    value = values.get(field)
    if not isinstance(value, str) or not value:
        raise invalid(f"{field} must be given.")
    return value


def require_scope(store: Store, name: str) -> str:
    """The scope's name as it was created. Raises ApiError RESOURCE_DOES_NOT_EXIST."""
    row = store.row("SELECT name FROM scopes WHERE name = ?", name)
    if row is None:
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Scope {name} does not exist!")
    return str(row[0])


def put(store: Store, scope: str, principal: str, permission: str) -> None:
    store.change("INSERT OR REPLACE INTO scope_acls VALUES (?, ?, ?)", scope, principal, permission)


def put_acl(workspace: Workspace, request: Request) -> Answer:
    """Overwrites: the SDK's text also mentions RESOURCE_ALREADY_EXISTS, which nobody has seen."""
    body = request.json()
    scope = require_scope(workspace.store, required(body, "scope"))
    principal, permission = required(body, "principal"), required(body, "permission")
    if permission not in PERMISSIONS:
        raise invalid(f"permission must be one of {', '.join(PERMISSIONS)}.")
    put(workspace.store, scope, principal, permission)
    return Answer()


def list_acls(workspace: Workspace, request: Request) -> Answer:
    """The key is `items`, which the SDK reads, not the `acls` of its own example."""
    scope = require_scope(workspace.store, required(request.query, "scope"))
    rows = workspace.store.rows(
        "SELECT principal, permission FROM scope_acls WHERE scope = ?", scope
    )
    return Answer({"items": rearranged(_item(*row) for row in rows)})


def get_acl(workspace: Workspace, request: Request) -> Answer:
    scope = require_scope(workspace.store, required(request.query, "scope"))
    principal = required(request.query, "principal")
    row = workspace.store.row(
        "SELECT principal, permission FROM scope_acls WHERE scope = ? AND principal = ?",
        scope,
        principal,
    )
    if row is None:
        raise _no_acl(scope, principal)
    return Answer(_item(*row))


def delete_acl(workspace: Workspace, request: Request) -> Answer:
    body = request.json()
    scope = require_scope(workspace.store, required(body, "scope"))
    principal = required(body, "principal")
    statement = "DELETE FROM scope_acls WHERE scope = ? AND principal = ?"
    if not workspace.store.change(statement, scope, principal):
        raise _no_acl(scope, principal)
    return Answer()


def _no_acl(scope: str, principal: str) -> ApiError:
    message = f"Failed to find the ACL of {principal} on scope {scope}."
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)


def _item(principal: str, permission: str) -> dict[str, str]:
    return {"principal": principal, "permission": permission}


ROUTES = (
    Route("POST", f"{BASE}/put", put_acl),
    Route("GET", f"{BASE}/list", list_acls),
    Route("GET", f"{BASE}/get", get_acl),
    Route("POST", f"{BASE}/delete", delete_acl),
)
