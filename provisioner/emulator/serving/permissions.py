"""Permissions of serving endpoints, by endpoint id. Source: [serving-api 1.11]."""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    Caller,
    EmulatedWorkspace,
)
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity import acls
from provisioner.emulator.serving import access

LEVELS = {
    "CAN_MANAGE": "Can Manage permission on the serving endpoint",
    "CAN_QUERY": "Can Query permission on the serving endpoint",
    "CAN_VIEW": "Can View permission on the serving endpoint",
}
BASE = "/api/2.0/permissions/serving-endpoints/{id}"


def start(store: Store, endpoint_id: str, creator: Caller) -> None:
    """Grants the creator of a new endpoint CAN_MANAGE."""
    acls.add_grants(store, endpoint_id, [(creator.kind, creator.name, acls.CAN_MANAGE)])


def get(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the grants on an endpoint."""
    return ApiResponse(_view(workspace.store, _require_id(workspace.store, request)))


def replace(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Sets exactly these direct grants. No grants remove them all, the creator's too."""
    store, endpoint_id = workspace.store, _require_id(workspace.store, request)
    acls.put_grants(store, endpoint_id, acls.read_grants(store, request, LEVELS))
    return ApiResponse(_view(store, endpoint_id))


def merge(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Sets the level of each principal given; the others keep theirs."""
    store, endpoint_id = workspace.store, _require_id(workspace.store, request)
    acls.add_grants(store, endpoint_id, acls.read_grants(store, request, LEVELS))
    return ApiResponse(_view(store, endpoint_id))


def levels(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the levels with their descriptions."""
    _require_id(workspace.store, request, access.CAN_VIEW)
    return ApiResponse(acls.view_levels(LEVELS))


# rule(assumed): Reading the grants takes CAN_MANAGE as well, the strict reading. [serving-api 1.11]
def _require_id(store: Store, request: ApiRequest, needed: str = access.CAN_MANAGE) -> str:
    """Returns the id, if the caller has ``needed`` on it. Raises ApiError."""
    endpoint_id = request.parameters["id"]
    known = "SELECT id FROM known_ids UNION ALL SELECT id FROM endpoints"
    # rule(client): Permissions are kept by endpoint id, also after the endpoint was deleted; an
    #     unknown id answers 404. [serving-api 1.11]
    if not store.row(f"SELECT 1 FROM ({known}) WHERE id = ?", endpoint_id):
        raise ApiError(
            404, "RESOURCE_DOES_NOT_EXIST", f"serving-endpoint {endpoint_id} does not exist."
        )
    held = access.level_on(store, request.caller, endpoint_id)
    access.refuse_below(needed, held, request.caller, f"serving-endpoint {endpoint_id}")
    return endpoint_id


def _view(store: Store, endpoint_id: str) -> dict[str, Any]:
    """Returns the grants. Group `admins` inherits CAN_MANAGE, whatever else it was given."""
    held = {("group_name", "admins"): [acls.inherited(acls.CAN_MANAGE, "/serving-endpoints/")]}
    for kind, name, level in acls.direct_grants(store, endpoint_id):
        held.setdefault((kind, name), []).append(acls.direct(level))
    return acls.view_acl(store, f"/serving-endpoints/{endpoint_id}", "serving-endpoint", held)


ROUTES = (
    ApiRoute("GET", BASE, get),
    ApiRoute("PUT", BASE, replace),
    ApiRoute("PATCH", BASE, merge),
    ApiRoute("GET", f"{BASE}/permissionLevels", levels),
)
