"""Permissions of serving endpoints, by endpoint id. Source: [serving-api 1.11].

A principal need not be known here, so every name counts as somebody. The real service refuses
strangers; but a local workspace has nobody else to begin with, and the manifests that it is there
to try out name the groups and people of a real one.
"""

from __future__ import annotations

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
from provisioner.emulator.identity import directory
from provisioner.emulator.serving import access

PRINCIPALS = ("user_name", "group_name", "service_principal_name")
LEVELS = {
    "CAN_MANAGE": "Can Manage permission on the serving endpoint",
    "CAN_QUERY": "Can Query permission on the serving endpoint",
    "CAN_VIEW": "Can View permission on the serving endpoint",
}
BASE = "/api/2.0/permissions/serving-endpoints/{id}"

Grant = tuple[str, str, str]  # principal key, principal, level


def start(store: Store, endpoint_id: str, creator: Caller) -> None:
    """The grants of a new endpoint: its creator manages it."""
    _set(store, endpoint_id, (creator.kind, creator.name, "CAN_MANAGE"))


def get(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    return ApiResponse(_view(workspace.store, _require_id(workspace.store, request)))


def replace(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """PUT: exactly these direct grants. None given removes them all, the creator's too."""
    store, endpoint_id = workspace.store, _require_id(workspace.store, request)
    grants = _grants(request)
    store.change("DELETE FROM grants WHERE object_id = ?", endpoint_id)
    for grant in grants:
        _set(store, endpoint_id, grant)
    return ApiResponse(_view(store, endpoint_id))


def merge(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """PATCH: the level of each principal given; the others keep theirs."""
    store, endpoint_id = workspace.store, _require_id(workspace.store, request)
    for grant in _grants(request):
        _set(store, endpoint_id, grant)
    return ApiResponse(_view(store, endpoint_id))


def levels(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    _require_id(workspace.store, request, access.CAN_VIEW)
    levels_shown = [
        {"permission_level": name, "description": text} for name, text in LEVELS.items()
    ]
    return ApiResponse({"permission_levels": levels_shown})


def _require_id(store: Store, request: ApiRequest, needed: str = access.CAN_MANAGE) -> str:
    """The grants of a deleted endpoint can still be read and set. [serving-api 1.11]

    That reading them takes CAN_MANAGE as well is a guess, and the strict one.
    """
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


def _set(store: Store, endpoint_id: str, grant: Grant) -> None:
    store.change("INSERT OR IGNORE INTO known_ids VALUES (?)", endpoint_id)
    store.change("INSERT OR REPLACE INTO grants VALUES (?, ?, ?, ?)", endpoint_id, *grant)


def _grants(request: ApiRequest) -> list[Grant]:
    items = request.json().get("access_control_list") or []
    # rule(assumed): access_control_list is a list of objects. [serving-api 1.11]
    if not isinstance(items, list):
        raise invalid("access_control_list must be a list.")
    grants = [_grant(item) for item in items]
    principals = [(kind, name.lower()) for kind, name, _ in grants]
    # rule(assumed): A principal occurs once: which of two grants would act is not known.
    #     [serving-api 1.11]
    # Which of two grants would win is not known, so there is none that may count on it.
    if len(set(principals)) < len(principals):
        raise invalid("A principal occurs more than once in access_control_list.")
    return grants


def _grant(item: Any) -> Grant:
    # rule(assumed): access_control_list is a list of objects. [serving-api 1.11]
    if not isinstance(item, dict):
        raise invalid("An entry of access_control_list must be an object.")
    named = [key for key in PRINCIPALS if item.get(key)]
    # rule(documented): A grant names exactly one principal. [serving-api 1.11]
    if len(named) != 1 or not isinstance(item[named[0]], str):
        raise invalid(f"Exactly one of {', '.join(PRINCIPALS)} must be given.")
    level = item.get("permission_level")
    # rule(documented): The levels are CAN_VIEW, CAN_QUERY and CAN_MANAGE. [serving-api 1.11]
    if level not in LEVELS:
        raise invalid(f"permission_level must be one of {', '.join(LEVELS)}.")
    return named[0], item[named[0]], level


def _view(store: Store, endpoint_id: str) -> dict[str, Any]:
    """Group `admins` inherits CAN_MANAGE from above, whatever else it was given."""
    rows = store.rows("SELECT kind, principal, level FROM grants WHERE object_id = ?", endpoint_id)
    held: dict[tuple[str, str], list[dict[str, Any]]] = {
        ("group_name", "admins"): [
            {
                "permission_level": "CAN_MANAGE",
                "inherited": True,
                "inherited_from_object": ["/serving-endpoints/"],
            }
        ]
    }
    for kind, name, level in rows:
        direct = {"permission_level": level, "inherited": False}
        held.setdefault((kind, name), []).append(direct)
    items = [_item(store, kind, name, granted) for (kind, name), granted in held.items()]
    return {
        "object_id": f"/serving-endpoints/{endpoint_id}",
        "object_type": "serving-endpoint",
        "access_control_list": rearrange(items),
    }


def _item(store: Store, kind: str, name: str, permissions: list[dict[str, Any]]) -> dict[str, Any]:
    known = directory.find(store, name)
    display_name = known.display_name if known and known.kind == kind else name
    display = {} if kind == "group_name" else {"display_name": display_name}
    return {kind: name, **display, "all_permissions": permissions}


ROUTES = (
    ApiRoute("GET", BASE, get),
    ApiRoute("PUT", BASE, replace),
    ApiRoute("PATCH", BASE, merge),
    ApiRoute("GET", f"{BASE}/permissionLevels", levels),
)
