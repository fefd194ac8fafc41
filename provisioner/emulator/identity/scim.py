"""Who is in the workspace: users, groups and service principals over SCIM.

Source: docs.databricks.com/api, Users, Groups, Service Principals (SCIM 2.0, RFC 7644). Only the
filter that asks for one name is understood; it is what clients look somebody up with. Clients make
and change principals, too. [serving-api 10.18: used by a public client]
"""

from __future__ import annotations

import json
import re
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
from provisioner.emulator.http.shape import record
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity import directory, groups, scim_patch
from provisioner.emulator.identity.scim_kinds import KINDS, Resource, ScimKind

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
        # one: until somebody is added, everybody is there. As in ``permissions``.
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
        message = f'The local workspace takes filters such as {kind.name} eq "NAME".'
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
    changed = scim_patch.apply_operations(before, request.json(), kind.fields)
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
    (route.method, route.pattern): record(kind.fields)
    if route.method != "PATCH"
    else scim_patch.PATCH
    for kind in KINDS
    for route in _routes(kind)
    if route.method in ("POST", "PUT", "PATCH")
}
