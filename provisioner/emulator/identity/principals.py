"""The emulator's own routes for users and service principals; no real workspace has them."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

from provisioner.emulator.http.ordering import rearrange
from provisioner.emulator.http.routing import (
    CONTROL_PREFIX,
    SERVICE_PRINCIPAL,
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    Caller,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.shape import choice, flag, list_of, record, text
from provisioner.emulator.identity import directory

# rules(local): Adding principals with credentials of choice is a route of the local workspace.

BASE = f"/{CONTROL_PREFIX}/principals"
PRINCIPAL = record(
    {
        "kind": choice(*directory.KINDS),
        "name": text,
        "display_name": text,
        "groups": list_of(text),
        "workspace_admin": flag,
        "token": text,
        "client_secret": text,
    }
)


def add(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Adds or replaces a user by ``name``, or a service principal by its application id.

    ``kind`` is ``user`` (default) or ``service_principal``; ``groups``, ``workspace_admin``,
    ``display_name``, ``token`` and ``client_secret`` are optional. No other answer shows the
    credentials.
    """
    sent = PRINCIPAL(request.json(), "")
    kind = directory.KINDS[sent.get("kind", "user")]
    is_machine = kind == SERVICE_PRINCIPAL
    name = sent.get("name") or (str(uuid.uuid4()) if is_machine else "")
    if not name or name.lower() == directory.LOCAL_USER.name:
        raise invalid("name must be given, and not be that of the local user.")
    caller = Caller(
        name,
        sent.get("display_name") or name,
        _groups(sent),
        kind=kind,
        id=str(secrets.randbelow(9 * 10**15) + 10**15),
    )
    token = sent.get("token") or f"dapi{secrets.token_hex(16)}"
    secret = (sent.get("client_secret") or f"dose{secrets.token_hex(16)}") if is_machine else ""
    owner = directory.by_token(workspace.store, token)
    if token == workspace.settings.token or (owner and owner.name.lower() != name.lower()):
        raise invalid("This token belongs to another user.")
    directory.add(workspace.store, caller, token, secret)
    credentials = {"token": token}
    credentials |= {"client_id": name, "client_secret": secret} if is_machine else {}
    return ApiResponse(directory.view(caller) | credentials)


def list_all(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns all principals that were added."""
    principals = [directory.view(caller) for caller in directory.all_principals(workspace.store)]
    return ApiResponse({"principals": rearrange(principals)})


def delete(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Removes the principal from the workspace; its grants and its endpoints stay."""
    name = request.parameters["name"]
    if not directory.remove(workspace.store, name):
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"There is no principal {name}.")
    return ApiResponse()


def _groups(sent: dict[str, Any]) -> tuple[str, ...]:
    groups = dict.fromkeys(sent.get("groups", ()))
    if sent.get("workspace_admin"):
        groups[directory.ADMINS] = None
    return (*groups, directory.EVERYBODY)


ROUTES = (
    ApiRoute("POST", BASE, add),
    ApiRoute("GET", BASE, list_all),
    ApiRoute("DELETE", f"{BASE}/{{name}}", delete),
)
