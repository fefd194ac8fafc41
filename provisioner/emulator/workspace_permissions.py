"""Permissions of folders and files, by object id. Source: [serving-api 10.2, 10.20].

They are kept and shown, and decide who changes them. Who may read or write a file is not looked at.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from provisioner.emulator import workspace_tree
from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
)
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity import acls, directory
from provisioner.emulator.workspace_tree import DIRECTORY, FILE, PERMISSION_TYPES, TreeEntry

LEVELS = {
    "CAN_READ": "Can view and list",
    "CAN_RUN": "Can view, list and run",
    "CAN_EDIT": "Can view, list, run and edit",
    "CAN_MANAGE": "Can view, list, run, edit and change permissions",
}
OBJECT_TYPES = {DIRECTORY: "directory", FILE: "file"}
BASE = "/api/2.0/permissions"
# What the group of this name has on everything.
ADMINS = ("group_name", directory.ADMINS)
# Of the folders that are always there, until a call sets theirs.
FIRST_GRANTS: dict[str, list[acls.Grant]] = {
    "/Shared": [("group_name", directory.EVERYBODY, acls.CAN_MANAGE)]
}


def get(kind: str, workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the direct grants, and those inherited from the folders above."""
    return ApiResponse(_view(workspace.store, _require_entry(kind, workspace.store, request)))


def replace(kind: str, workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Replaces the direct grants (PUT); inherited grants stay."""
    store, entry = workspace.store, _require_managed(kind, workspace.store, request)
    acls.put_grants(store, entry.object_id, acls.read_grants(store, request, LEVELS))
    return ApiResponse(_view(store, entry))


def merge(kind: str, workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Sets the level of each principal given (PATCH); the others keep theirs."""
    store, entry = workspace.store, _require_managed(kind, workspace.store, request)
    before = _direct_grants(store, entry)
    acls.put_grants(store, entry.object_id, [*before, *acls.read_grants(store, request, LEVELS)])
    return ApiResponse(_view(store, entry))


def levels(kind: str, workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    _require_entry(kind, workspace.store, request)
    return ApiResponse(acls.view_levels(LEVELS))


def _require_entry(kind: str, store: Store, request: ApiRequest) -> TreeEntry:
    given = request.parameters["id"]
    is_number = given.isdecimal() and given.isascii() and len(given) < 19
    entry = workspace_tree.with_id(store, int(given)) if is_number else None
    # rule(client): Permissions are of a folder or a file that is there. [serving-api 10.2]
    if entry is None or entry.kind != kind:
        message = f"{PERMISSION_TYPES[kind]} {given} does not exist."
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
    return entry


def _require_managed(kind: str, store: Store, request: ApiRequest) -> TreeEntry:
    entry, caller = _require_entry(kind, store, request), request.caller
    managers = [
        name
        for name, levels in _held(store, entry).items()
        if any(level["permission_level"] == acls.CAN_MANAGE for level in levels)
    ]
    # rule(documented): Who changes the permissions of a folder or a file has CAN_MANAGE on it.
    #     [serving-api 10.20]
    if not caller.is_admin and not any(acls.is_named(caller, *name) for name in managers):
        message = f"User {caller.name} does not have CAN_MANAGE permission on {entry.path}."
        raise ApiError(403, "PERMISSION_DENIED", message)
    return entry


def _direct_grants(store: Store, entry: TreeEntry) -> list[acls.Grant]:
    if entry.path in FIRST_GRANTS and not store.row(
        "SELECT 1 FROM known_ids WHERE id = ?", entry.object_id
    ):
        return FIRST_GRANTS[entry.path]
    return acls.direct_grants(store, entry.object_id)


def _held(store: Store, entry: TreeEntry) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Returns what each principal holds: administrators manage everything, directly at the root."""
    is_root = entry.path == "/"
    of_admins = acls.direct if is_root else partial(acls.inherited, origin="/directories/")
    held = {ADMINS: [of_admins(acls.CAN_MANAGE)]}
    for folder in workspace_tree.lineage(workspace_tree.parent_of(entry.path)):
        above = workspace_tree.require(store, folder)
        for kind, name, level in () if is_root else _direct_grants(store, above):
            if (kind, name) != ADMINS:
                level_held = acls.inherited(level, above.object_id)
                held.setdefault((kind, name), []).append(level_held)
    for kind, name, level in _direct_grants(store, entry):
        if not is_root or (kind, name) != ADMINS:
            held.setdefault((kind, name), []).append(acls.direct(level))
    return held


def _view(store: Store, entry: TreeEntry) -> dict[str, Any]:
    object_type = OBJECT_TYPES[entry.kind]
    return acls.view_acl(store, entry.object_id, object_type, _held(store, entry))


def _routes(kind: str) -> tuple[ApiRoute, ...]:
    path = f"{BASE}/{PERMISSION_TYPES[kind]}/{{id}}"
    return (
        ApiRoute("GET", path, partial(get, kind)),
        ApiRoute("PUT", path, partial(replace, kind)),
        ApiRoute("PATCH", path, partial(merge, kind)),
        ApiRoute("GET", f"{path}/permissionLevels", partial(levels, kind)),
    )


ROUTES = (*_routes(DIRECTORY), *_routes(FILE))
