"""Grants on catalogs, schemas and what is in a schema.

Source: docs.databricks.com/api, Grants. Models are functions to this API: their type is
``function``, and ``model`` is taken too, for clients that say so.
"""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.ordering import page, rearrange
from provisioner.emulator.http.routing import (
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.shape import list_of, record, text
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity import groups
from provisioner.emulator.unity_catalog import catalog, namespaces, securables

BASE = "/api/2.1/unity-catalog"
# rule(documented): A page of grants has at most 150 entries. [docs.databricks.com/api, Grants]
PAGE = 150
ASSIGNMENTS = "privilege_assignments"
# Securable type -> the parts of its full name.
SERVICES = (
    *(securables.MODEL_SERVICE, securables.PROVIDER_SERVICE, securables.SECRET),
    securables.MCP_SERVICE,
)
BELOW_SCHEMA = ("function", "model", securables.CONNECTION, *SERVICES)
DEPTHS = {"catalog": 1, "schema": 2, **dict.fromkeys(BELOW_SCHEMA, 3)}
TYPES = ("CATALOG", "SCHEMA", "FUNCTION")
# Of the documented privileges those that models, services and secrets have to do with.
PRIVILEGES = (
    *("USE_CATALOG", "USE_SCHEMA", "EXECUTE", "MANAGE", "BROWSE", "APPLY_TAG"),
    *("CREATE_MODEL", "CREATE_MODEL_VERSION", "CREATE_FUNCTION", "CREATE_SCHEMA"),
    *("CREATE_SERVICE", "CREATE_SECRET", "CREATE_CONNECTION", "CREATE_TABLE"),
    *("READ_METADATA", "READ_SECRET", "WRITE_SECRET", "REFERENCE_SECRET"),
    "USE_CONNECTION",
    catalog.EVERYTHING,
)
CHANGES = list_of(
    record(
        {"principal": text, "add": list_of(text), "remove": list_of(text)}, needed=("principal",)
    )
)


def get(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the direct grants."""
    return ApiResponse(page(request, ASSIGNMENTS, _direct(workspace.store, request), PAGE))


def _direct(store: Store, request: ApiRequest) -> list[dict[str, Any]]:
    held = _by_principal(catalog.grants_on(store, _securable(store, request)), request)
    return rearrange({"principal": who, "privileges": which} for who, which in held.items())


def effective(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the grants with what is inherited from the schema and the catalog."""
    return ApiResponse(page(request, ASSIGNMENTS, _effective(workspace.store, request), PAGE))


def _effective(store: Store, request: ApiRequest) -> list[dict[str, Any]]:
    name = _securable(store, request)
    held: dict[str, list[dict[str, str]]] = {}
    for securable in _lineage(name):
        inherited = {} if securable == name else _origin(securable)
        direct = _by_principal(catalog.grants_on(store, securable), request)
        for who, which in direct.items():
            shown = [{"privilege": privilege, **inherited} for privilege in which]
            held.setdefault(who, []).extend(shown)
    return rearrange({"principal": who, "privileges": which} for who, which in held.items())


def list_direct(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the direct grants, by the newer route."""
    return _page(request, ASSIGNMENTS, _direct(workspace.store, request))


def list_effective(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns the grants with what is inherited, by the newer route."""
    return _page(request, f"effective_{ASSIGNMENTS}", _effective(workspace.store, request))


def _page(request: ApiRequest, key: str, assignments: list[dict[str, Any]]) -> ApiResponse:
    size = request.query.get("page_size", "0")
    # rule(documented): A page is long enough for the grants of one principal. [databricks-sdk,
    #     GrantsAPI.list]
    if size.isdecimal() and 0 < int(size[:9]) < PAGE:
        raise invalid(f"page_size must be 0 or at least {PAGE}.")
    return ApiResponse(page(request, key, assignments, PAGE, "page_size"))


def update(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Adds and removes privileges. Principals need not be known, as in ``permissions``."""
    store, name = workspace.store, _securable(workspace.store, request)
    _require_owner(store, request, name)
    changes = CHANGES(request.json().get("changes") or [], "changes")
    for change in changes:
        if change.get("add"):
            groups.refuse_display_name(store, change["principal"])
        for privilege in (*change.get("add", ()), *change.get("remove", ())):
            # rule(documented): A grant names a privilege of models, schemas and catalogs.
            #     [docs.databricks.com/api, Grants]
            if privilege not in PRIVILEGES:
                raise invalid(f"Privilege {privilege} is not applicable to this entity.")
        _change(store, name, change)
    return get(workspace, request)


def _change(store: Store, name: str, change: dict[str, Any]) -> None:
    """Takes privileges away and then adds: beside ``add``, removing all leaves exactly that."""
    added, removed = change.get("add", ()), change.get("remove", ())
    # rule(client): A privilege is not added and removed in one change. [databricks/cli, acceptance
    #     tests of grants]
    if both := set(added) & set(removed):
        raise invalid(f"Privilege {min(both)} is both added and removed.")
    where, principal = "securable = ? AND principal = ?", change["principal"]
    if catalog.EVERYTHING in removed:
        store.change(f"DELETE FROM privileges WHERE {where}", name, principal)
    for privilege in removed:
        sql = f"DELETE FROM privileges WHERE {where} AND privilege = ?"
        store.change(sql, name, principal, privilege)
    for privilege in added:
        row = (name, principal, privilege)
        store.change("INSERT OR IGNORE INTO privileges VALUES (?, ?, ?)", *row)


def _securable(store: Store, request: ApiRequest) -> str:
    """Returns the full name in the path. Raises ApiError where nothing has it."""
    kind, name = request.parameters["type"].lower(), request.parameters["name"]
    # rule(local): Grants are kept for what the local workspace has, and for connections.
    if kind not in DEPTHS:
        message = f"The local workspace has no grants on securables of type {kind}."
        raise ApiError(501, "NOT_IMPLEMENTED", message)
    # rule(documented): A securable has as many levels in its name as its type asks for.
    #     [docs.databricks.com/api, Grants]
    if len([part for part in name.split(".") if part]) != DEPTHS[kind]:
        raise invalid(f"'{name}' is not the full name of a {kind}.")
    if DEPTHS[kind] < 3:
        return name
    if kind == securables.CONNECTION:
        # One that was never created counts as existing.
        return securables.grant_key(kind, name)
    if kind in SERVICES:
        return securables.require(store, kind, name).key
    securable = catalog.find(store, name)
    # rule(recorded): A missing model or function answers 404 with this text. [public logs]
    if securable is None:
        message = f"Routine or Model '{name}' does not exist."
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
    return securable.full_name


def _require_owner(store: Store, request: ApiRequest, name: str) -> None:
    """A catalog or schema that only a model names has no owner: administrators grant on it."""
    kind, _, full_name = name.rpartition(":")
    securable: catalog.Owned | None = (
        securables.find(store, kind, full_name)
        if kind
        else catalog.find(store, name) or namespaces.find(store, name)
    )
    if request.caller.is_admin or (securable and catalog.is_owner(request.caller, securable)):
        return
    # rule(documented): Only the owner grants. Catalogs and schemas have no owner here, so admins
    #     grant on them. [docs.databricks.com/api, Grants]
    raise ApiError(403, "PERMISSION_DENIED", f"User is not an owner of '{name}'.")


def _by_principal(grants: list[tuple[str, str]], request: ApiRequest) -> dict[str, list[str]]:
    """Returns the privileges by principal: of all, or of the one that was asked for."""
    wanted = request.query.get("principal", "").lower()
    held: dict[str, list[str]] = {}
    for who, privilege in grants:
        if not wanted or who.lower() == wanted:
            held.setdefault(who, []).append(privilege)
    return held


def _lineage(name: str) -> list[str]:
    """Returns the name itself, and those of the schema and the catalog above it."""
    parts = name.rpartition(":")[2].split(".")
    return [name, *(".".join(parts[:length]) for length in range(len(parts) - 1, 0, -1))]


def _origin(securable: str) -> dict[str, Any]:
    kind = TYPES[securable.count(".")]
    return {"inherited_from_type": kind, "inherited_from_name": securable}


PERMISSIONS = f"{BASE}/permissions/{{type}}/{{name}}"
ROUTES = (
    ApiRoute("GET", PERMISSIONS, get),
    ApiRoute("PATCH", PERMISSIONS, update),
    ApiRoute("GET", f"{BASE}/effective-permissions/{{type}}/{{name}}", effective),
    ApiRoute("GET", f"{BASE}/privilege-assignments/{{type}}/{{name}}", list_direct),
    ApiRoute("GET", f"{BASE}/effective-privilege-assignments/{{type}}/{{name}}", list_effective),
)
