"""Access to secret scopes: which principal may read, write or manage. Sources: [serving-api 4]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.emulator.http.ordering import rearrange
from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    Caller,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity import directory, groups
from provisioner.emulator.secrets.secret_values import scope_and_key

PERMISSIONS = ("READ", "WRITE", "MANAGE")
BASE = "/api/2.0/secrets/acls"


def require_text(values: Mapping[str, Any], field: str) -> str:
    """Returns a required string. Raises ApiError INVALID_PARAMETER_VALUE."""
    value = values.get(field)
    # rule(client): A required field that is missing or empty answers INVALID_PARAMETER_VALUE.
    #     [serving-api 4.2]
    if not isinstance(value, str) or not value:
        raise invalid(f"{field} must be given.")
    return value


def require_scope(store: Store, name: str) -> str:
    """Returns the scope's name as it was created. Raises ApiError RESOURCE_DOES_NOT_EXIST."""
    row = store.row("SELECT name FROM scopes WHERE name = ?", name)
    # rule(client): A missing scope answers 404; the form of the text is inferred. [serving-api 4.2]
    if row is None:
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Scope {name} does not exist!")
    return str(row[0])


def level(store: Store, caller: Caller, scope: str) -> str:
    """Returns the highest permission of the caller, or of one of its groups; "" for none."""
    # rule(assumed): Workspace admins manage every scope. Other callers get the stricter answers,
    #     and a client can be either. [serving-api 8.32]
    if caller.is_admin:
        return PERMISSIONS[-1]
    names = {name.lower() for name in (caller.name, *caller.groups)}
    rows = store.rows("SELECT principal, permission FROM scope_acls WHERE scope = ?", scope)
    held = [permission for principal, permission in rows if principal.lower() in names]
    return max(held, key=PERMISSIONS.index, default="")


def require_permission(
    workspace: EmulatedWorkspace, request: ApiRequest, name: str, needed: str
) -> str:
    """Returns the scope's name as it was created.

    Raises ApiError where the scope is missing, or the caller has less than ``needed``.
    """
    scope = require_scope(workspace.store, name)
    held = level(workspace.store, request.caller, scope)
    # rule(documented): READ lists and gets secrets, WRITE puts and deletes them, MANAGE does all
    #     else; the text is not known. [serving-api 4.1, 4.2]
    if held not in PERMISSIONS[PERMISSIONS.index(needed) :]:
        who = request.caller.name
        message = f"User {who} does not have {needed} permission on scope {scope}."
        raise ApiError(403, "PERMISSION_DENIED", message)
    return scope


# rule(documented): An endpoint's creator needs READ on the scopes of its secrets; when the service
#     checks it, and how it says so, is assumed. [platform documentation on secrets in serving
#     endpoints]
def creators_problem(store: Store, endpoint: Mapping[str, Any], reference: str) -> str:
    """Returns why an endpoint's creator cannot read a secret that exists; "" where it can."""
    creator = directory.find(store, endpoint["creator"])
    scope, _ = scope_and_key(reference)
    if creator is None or level(store, creator, scope):
        return ""
    return f"The creator {creator.name} does not have READ permission on secret scope '{scope}'."


def put(store: Store, scope: str, principal: str, permission: str) -> None:
    """Sets the permission of a principal."""
    store.change("INSERT OR REPLACE INTO scope_acls VALUES (?, ?, ?)", scope, principal, permission)


def put_acl(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Sets an ACL, also over an existing one.

    The SDK's text also mentions RESOURCE_ALREADY_EXISTS, which was never seen.
    """
    body = request.json()
    scope = require_permission(workspace, request, require_text(body, "scope"), "MANAGE")
    principal, permission = require_text(body, "principal"), require_text(body, "permission")
    # rule(documented): The permissions are READ, WRITE and MANAGE. [serving-api 4.1]
    if permission not in PERMISSIONS:
        raise invalid(f"permission must be one of {', '.join(PERMISSIONS)}.")
    groups.refuse_display_name(workspace.store, principal)
    put(workspace.store, scope, principal, permission)
    return ApiResponse()


def list_acls(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the ACLs of a scope.

    The key is `items`, which the SDK reads, not the `acls` of its own example.
    """
    scope = require_permission(workspace, request, require_text(request.query, "scope"), "MANAGE")
    rows = workspace.store.rows(
        "SELECT principal, permission FROM scope_acls WHERE scope = ?", scope
    )
    return ApiResponse({"items": rearrange(_item(*row) for row in rows)})


def get_acl(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the ACL of one principal."""
    scope = require_permission(workspace, request, require_text(request.query, "scope"), "MANAGE")
    principal = require_text(request.query, "principal")
    row = workspace.store.row(
        "SELECT principal, permission FROM scope_acls WHERE scope = ? AND principal = ?",
        scope,
        principal,
    )
    if row is None:
        raise _no_acl(scope, principal)
    return ApiResponse(_item(*row))


def delete_acl(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Deletes the ACL of one principal."""
    body = request.json()
    scope = require_permission(workspace, request, require_text(body, "scope"), "MANAGE")
    principal = require_text(body, "principal")
    statement = "DELETE FROM scope_acls WHERE scope = ? AND principal = ?"
    if not workspace.store.change(statement, scope, principal):
        raise _no_acl(scope, principal)
    return ApiResponse()


# rule(assumed, always): A missing ACL answers 404, because there is nothing to show; only the code
#     is assumed. [serving-api 4.2]
def _no_acl(scope: str, principal: str) -> ApiError:
    message = f"Failed to find the ACL of {principal} on scope {scope}."
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)


def _item(principal: str, permission: str) -> dict[str, str]:
    return {"principal": principal, "permission": permission}


ROUTES = (
    ApiRoute("POST", f"{BASE}/put", put_acl),
    ApiRoute("GET", f"{BASE}/list", list_acls),
    ApiRoute("GET", f"{BASE}/get", get_acl),
    ApiRoute("POST", f"{BASE}/delete", delete_acl),
)
