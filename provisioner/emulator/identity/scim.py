"""Who is in the workspace: users, groups and service principals over SCIM.

Source: docs.databricks.com/api, Users, Groups, Service Principals (SCIM 2.0, RFC 7644). Only the
filter that asks for one name is understood; it is what clients look somebody up with. Clients make
and change principals, too. [serving-api 10.18: used by a public client]
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
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
from provisioner.emulator.http.shape import anything, list_of, record, text
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity import directory, groups
from provisioner.emulator.identity.scim_kinds import KINDS, Resource, ScimKind

# Changes to a SCIM resource, as PATCH sends them. Source: RFC 7644, 3.5.2. Pure.
# A resource is a JSON object; its multi-valued attributes are lists of objects with a ``value``.

# ``members``, or ``members[value eq "7"]`` for one value of it.
PATH = re.compile(r'(\w+)(?:\[value eq "([^"]*)"\])?', re.IGNORECASE)
OPERATION = record({"op": text, "path": text, "value": anything}, needed=("op",))
PATCH = record({"Operations": list_of(OPERATION)}, needed=("Operations",))


def apply_operations(resource: Resource, body: Any, known: Mapping[str, Any]) -> Resource:
    """The resource after all operations of ``body``. Raises ApiError.

    ``known`` are the attributes that may be changed; what they may hold is not checked here.
    """
    operations = PATCH(body, "")["Operations"]
    # rule(documented): A PATCH has at least one operation. [RFC 7644, 3.5.2]
    if not operations:
        raise invalid("Operations must hold at least one operation.")
    changed = dict(resource)
    for operation in operations:
        changed = _apply(changed, operation, known)
    return changed


def _apply(resource: Resource, operation: Mapping[str, Any], known: Mapping[str, Any]) -> Resource:
    verb, path, value = operation["op"].lower(), operation.get("path"), operation.get("value")
    # rule(documented): An operation adds, replaces or removes. [RFC 7644, 3.5.2]
    if verb not in ("add", "replace", "remove"):
        raise invalid(f"Operation {operation['op']} is not add, replace or remove.")
    if not path and verb != "remove" and isinstance(value, dict):
        # Without a path the value is a part of the resource.
        named = {attribute: value[attribute] for attribute in known if attribute in value}
    else:
        match = PATH.fullmatch(path or "")
        # rule(local): A path is an attribute, or one value of it; a removal has a path.
        if not match or match[1] not in known:
            raise invalid(f"Path {path} is not supported.")
        if verb == "remove":
            return _remove(resource, match[1], match[2], value)
        named = {match[1]: value}
    for attribute, given in named.items():
        resource = _set(resource, attribute, given, extends=verb == "add")
    return resource


def _set(resource: Resource, attribute: str, value: Any, *, extends: bool) -> Resource:
    before = resource.get(attribute)
    if extends and isinstance(before, list) and isinstance(value, list):
        value = [*before, *(entry for entry in value if _value(entry) not in map(_value, before))]
    return resource | {attribute: value}


def _remove(resource: Resource, attribute: str, wanted: str | None, value: Any) -> Resource:
    """The attribute, the one value of it that the path names, or those that are sent."""
    gone = [wanted] if wanted is not None else []
    gone += [_value(entry) for entry in value] if isinstance(value, list) else []
    before = resource.get(attribute)
    if not gone or not isinstance(before, list):
        return {key: kept for key, kept in resource.items() if key != attribute}
    return resource | {attribute: [entry for entry in before if _value(entry) not in gone]}


def _value(entry: Any) -> Any:
    return entry.get("value") if isinstance(entry, dict) else entry


BASE = "/api/2.0/preview/scim/v2"
FILTER = re.compile(r'\s*(\w+)\s+eq\s+("(?:[^"\\]|\\.)*")\s*', re.IGNORECASE)


def _list(kind: ScimKind, workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    store = workspace.store
    resources = list(kind.read(store).values())
    wanted = _filtered(request, kind)
    if wanted:
        attribute, name = wanted
        resources = [each for each in resources if each.get(attribute, "").lower() == name.lower()]
        # To begin with a local workspace has its one user, and manifests name those of a real
        # one: until a member is added, all users are members. As in ``permissions``.
        if not resources and attribute == kind.name and not _has_principals(store):
            resources = [{"id": groups.id_of(name), kind.name: name, "active": True}]
    resources = rearrange(resources)
    # Clients ask for further pages until one is empty; the first index is 1.
    start = max(_number(request, "startIndex", 1), 1)
    page = resources[start - 1 :][: _number(request, "count", len(resources))]
    return ApiResponse(
        {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": len(resources),
            "startIndex": start,
            "itemsPerPage": len(page),
            "Resources": page,
        }
    )


def _has_principals(store: Store) -> bool:
    return bool(directory.all_principals(store) or store.row("SELECT 1 FROM workspace_groups"))


def _number(request: ApiRequest, name: str, default: int) -> int:
    given = request.query.get(name, "")
    return int(given) if given.isdecimal() and given.isascii() and len(given) < 10 else default


def _filtered(request: ApiRequest, kind: ScimKind) -> tuple[str, str] | None:
    """Returns the attribute and the value that the filter asks for; None without a filter."""
    given = request.query.get("filter", "")
    if not given:
        return None
    known = {attribute.lower(): attribute for attribute in (kind.name, *kind.filters)}
    match = FILTER.fullmatch(given)
    # rule(local): Only the filter for one name is understood.
    if not match or match[1].lower() not in known:
        message = f'The local workspace only supports filters such as {kind.name} eq "NAME".'
        raise ApiError(501, "NOT_IMPLEMENTED", message)
    # rule(documented): A filter's value is a JSON string. [RFC 7644, 3.4.2.2]
    try:
        name: Any = json.loads(match[2])
    except ValueError as error:
        raise ApiError(400, "INVALID_PARAMETER_VALUE", "The filter is not valid.") from error
    return known[match[1].lower()], str(name)


def _get(kind: ScimKind, workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    return ApiResponse(_require(kind, workspace.store, request))


def _create(kind: ScimKind, workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    _require_admin(request)
    store, sent = workspace.store, record(kind.fields)(request.json(), "")
    number = kind.make(store, sent)
    kind.save(store, number, sent)
    return ApiResponse(kind.read(store)[number], status=201)


def _replace(kind: ScimKind, workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """PUT: an attribute that is not sent is gone, but for the name."""
    return _save(kind, workspace, request, request.json())


def _patch(kind: ScimKind, workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """PATCH: the operations of RFC 7644, 3.5.2. That the answer holds the resource is assumed."""
    before = _require(kind, workspace.store, request)
    changed = apply_operations(before, request.json(), kind.fields)
    return _save(kind, workspace, request, changed)


def _save(
    kind: ScimKind, workspace: EmulatedWorkspace, request: ApiRequest, resource: Resource
) -> ApiResponse:
    _require_admin(request)
    store, before = workspace.store, _require(kind, workspace.store, request)
    sent = record(kind.fields)(resource, "")
    # rule(assumed, always): The name of a user, and the application id of a service principal,
    #     cannot be changed, because grants and owners name them. [serving-api 10.19]
    if not kind.is_renamable and sent.get(kind.name, before[kind.name]) != before[kind.name]:
        raise invalid(f"{kind.name} cannot be changed.")
    kind.save(store, before["id"], {kind.name: before[kind.name]} | sent)
    return ApiResponse(kind.read(store)[before["id"]])


def _delete(kind: ScimKind, workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    _require_admin(request)
    kind.delete(workspace.store, _require(kind, workspace.store, request)["id"])
    return ApiResponse(status=204)


def _require(kind: ScimKind, store: Store, request: ApiRequest) -> Resource:
    """Returns the resource in the path. Raises ApiError RESOURCE_DOES_NOT_EXIST."""
    number = request.parameters["id"]
    resource = kind.read(store).get(number)
    # rule(client): A principal that is not there answers RESOURCE_DOES_NOT_EXIST.
    #     [serving-api 10.19]
    if resource is None:
        message = f"There is no {kind.noun} with id {number}."
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
    return resource


def _require_admin(request: ApiRequest) -> None:
    # rule(documented): Only workspace administrators change users, groups and service principals.
    #     [serving-api 10.19]
    if not request.caller.is_admin:
        message = "Only workspace administrators can change users, groups and service principals."
        raise ApiError(403, "PERMISSION_DENIED", message)


def _routes(kind: ScimKind) -> tuple[ApiRoute, ...]:
    every, single = f"{BASE}/{kind.path}", f"{BASE}/{kind.path}/{{id}}"
    return (
        ApiRoute("GET", every, partial(_list, kind)),
        ApiRoute("POST", every, partial(_create, kind)),
        ApiRoute("GET", single, partial(_get, kind)),
        ApiRoute("PUT", single, partial(_replace, kind)),
        ApiRoute("PATCH", single, partial(_patch, kind)),
        ApiRoute("DELETE", single, partial(_delete, kind)),
    )


ROUTES = tuple(route for kind in KINDS for route in _routes(kind))
# What each route takes as a body, for the OpenAPI document.
BODIES = {
    (route.method, route.pattern): record(kind.fields) if route.method != "PATCH" else PATCH
    for kind in KINDS
    for route in _routes(kind)
    if route.method in ("POST", "PUT", "PATCH")
}
