"""Who is in the workspace: lists of users, groups and service principals, found by name.

Source: docs.databricks.com/api, Users, Groups, Service Principals (SCIM 2.0, RFC 7644). Only the
filter that asks for one name is understood; it is what clients look somebody up with.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

from provisioner.emulator.http.ordering import rearrange
from provisioner.emulator.http.routing import (
    SERVICE_PRINCIPAL,
    USER,
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
)
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity import directory

BASE = "/api/2.0/preview/scim/v2"
GROUP = "group_name"
FILTER = re.compile(r'\s*(\w+)\s+eq\s+("(?:[^"\\]|\\.)*")\s*', re.IGNORECASE)
# Of each sort the attribute that names one.
ATTRIBUTES = {USER: "userName", GROUP: "displayName", SERVICE_PRINCIPAL: "applicationId"}


def users(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    return _list(workspace.store, request, USER)


def groups(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    return _list(workspace.store, request, GROUP)


def service_principals(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    return _list(workspace.store, request, SERVICE_PRINCIPAL)


def _list(store: Store, request: ApiRequest, kind: str) -> ApiResponse:
    known, wanted = _ids_by_name(store, kind), _filtered_name(request, kind)
    if wanted is not None:
        known = {who: id for who, id in known.items() if who.lower() == wanted.lower()}
        # To begin with a local workspace has its one user, and manifests name those of a real
        # one: until somebody is added, everybody is there. As in ``permissions``.
        if not known and not directory.all_principals(store):
            known = {wanted: str(uuid.uuid5(uuid.NAMESPACE_URL, wanted.lower()).int % 10**16)}
    principals = rearrange({"id": id, ATTRIBUTES[kind]: who} for who, id in known.items())
    # Clients ask for further pages until one is empty; the first index is 1.
    start = max(_number(request, "startIndex", 1), 1)
    page = principals[start - 1 :][: _number(request, "count", len(principals))]
    return ApiResponse(
        {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": len(principals),
            "startIndex": start,
            "itemsPerPage": len(page),
            "Resources": page,
        }
    )


def _number(request: ApiRequest, name: str, default: int) -> int:
    text = request.query.get(name, "")
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else default


def _ids_by_name(store: Store, kind: str) -> Mapping[str, str]:
    """Name to id. Groups have no list of their own: they are those that somebody is in."""
    everybody = (directory.LOCAL_USER, *directory.all_principals(store))
    if kind != GROUP:
        return {principal.name: principal.id for principal in everybody if principal.kind == kind}
    names = {name for principal in everybody for name in principal.groups}
    return {name: str(uuid.uuid5(uuid.NAMESPACE_URL, name).int % 10**16) for name in names}


def _filtered_name(request: ApiRequest, kind: str) -> str | None:
    """The one name that is asked for; None for all."""
    text = request.query.get("filter", "")
    if not text:
        return None
    match = FILTER.fullmatch(text)
    # rule(local): Only the filter for one name is understood.
    if not match or match[1].lower() != ATTRIBUTES[kind].lower():
        message = f'The local workspace takes filters such as {ATTRIBUTES[kind]} eq "NAME".'
        raise ApiError(501, "NOT_IMPLEMENTED", message)
    # rule(documented): A filter's value is a JSON string. [RFC 7644, 3.4.2.2]
    try:
        name: Any = json.loads(match[2])
    except ValueError as error:
        raise ApiError(400, "INVALID_PARAMETER_VALUE", "The filter is not valid.") from error
    return str(name)


ROUTES = (
    ApiRoute("GET", f"{BASE}/Users", users),
    ApiRoute("GET", f"{BASE}/Groups", groups),
    ApiRoute("GET", f"{BASE}/ServicePrincipals", service_principals),
)
