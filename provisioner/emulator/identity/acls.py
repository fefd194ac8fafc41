"""Access control lists of the permissions API: of endpoints, folders and files.

A principal need not be known here, so every name counts as a principal. The real service refuses
strangers; but a local workspace has nobody else to begin with, and the manifests that it is there
to try out name the groups and people of a real one. Only the display name of a service principal
that is there is refused, because it is surely no application id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.emulator.http.ordering import rearrange
from provisioner.emulator.http.routing import (
    SERVICE_PRINCIPAL,
    ApiRequest,
    Caller,
    invalid,
    refuse_if_strict,
)
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity import directory, groups

PRINCIPALS = ("user_name", "group_name", "service_principal_name")
CAN_MANAGE = "CAN_MANAGE"

Grant = tuple[str, str, str]
"""What names the principal, its name, and the level."""
Levels = Mapping[tuple[str, str], list[dict[str, Any]]]
"""What each principal holds, by what names it and its name."""


def read_grants(store: Store, request: ApiRequest, levels: Iterable[str]) -> list[Grant]:
    """The grants of a PUT or PATCH. Raises ApiError."""
    items = request.json().get("access_control_list") or []
    # rule(assumed, always): access_control_list is a list of objects, because grants cannot be read
    #     otherwise. [serving-api 1.11]
    if not isinstance(items, list):
        raise invalid("access_control_list must be a list.")
    grants = [_read_grant(item, tuple(levels)) for item in items]
    principals = [(kind, name.lower()) for kind, name, _ in grants]
    # rule(assumed, strict): A principal occurs once; of two grants the last one acts. [serving-api
    #     1.11]
    if len(set(principals)) < len(principals):
        refuse_if_strict("A principal occurs more than once in access_control_list.")
    for kind, name, _ in grants:
        if kind == SERVICE_PRINCIPAL:
            groups.refuse_display_name(store, name)
    return grants


def _read_grant(item: Any, levels: tuple[str, ...]) -> Grant:
    # rule(assumed, always): access_control_list is a list of objects, because grants cannot be read
    #     otherwise. [serving-api 1.11]
    if not isinstance(item, dict):
        raise invalid("An entry of access_control_list must be an object.")
    named = [key for key in PRINCIPALS if item.get(key)]
    # rule(documented): A grant names exactly one principal. [serving-api 1.11]
    if len(named) != 1 or not isinstance(item[named[0]], str):
        raise invalid(f"Exactly one of {', '.join(PRINCIPALS)} must be given.")
    level = item.get("permission_level")
    # rule(documented): Endpoints have CAN_VIEW, CAN_QUERY and CAN_MANAGE; folders and files
    #     CAN_READ, CAN_RUN, CAN_EDIT and CAN_MANAGE. [serving-api 1.11, 10.2]
    if level not in levels:
        raise invalid(f"permission_level must be one of {', '.join(levels)}.")
    return named[0], item[named[0]], level


def put_grants(store: Store, object_id: str, grants: Iterable[Grant]) -> None:
    """Exactly these direct grants."""
    store.change("DELETE FROM grants WHERE object_id = ?", object_id)
    add_grants(store, object_id, grants)


def add_grants(store: Store, object_id: str, grants: Iterable[Grant]) -> None:
    """The level of each principal given; the others keep theirs."""
    store.change("INSERT OR IGNORE INTO known_ids VALUES (?)", object_id)
    for grant in grants:
        store.change("INSERT OR REPLACE INTO grants VALUES (?, ?, ?, ?)", object_id, *grant)


def direct_grants(store: Store, object_id: str) -> list[Grant]:
    sql = "SELECT kind, principal, level FROM grants WHERE object_id = ?"
    return [(kind, name, level) for kind, name, level in store.rows(sql, object_id)]


def is_named(caller: Caller, kind: str, name: str) -> bool:
    """Whether a grant to this principal reaches the caller, directly or through a group."""
    if kind == "group_name":
        return name.lower() in (group.lower() for group in caller.groups)
    return kind == caller.kind and name.lower() == caller.name.lower()


def direct(level: str) -> dict[str, Any]:
    return {"permission_level": level, "inherited": False}


def inherited(level: str, origin: str) -> dict[str, Any]:
    return {"permission_level": level, "inherited": True, "inherited_from_object": [origin]}


def view_acl(store: Store, object_id: str, object_type: str, held: Levels) -> dict[str, Any]:
    """The answer to every call that reads or sets permissions."""
    entries = [_view_entry(store, kind, name, levels) for (kind, name), levels in held.items()]
    return {
        "object_id": object_id,
        "object_type": object_type,
        "access_control_list": rearrange(entries),
    }


def _view_entry(
    store: Store, kind: str, name: str, permissions: list[dict[str, Any]]
) -> dict[str, Any]:
    known = directory.find(store, name)
    display_name = known.display_name if known and known.kind == kind else name
    display = {} if kind == "group_name" else {"display_name": display_name}
    return {kind: name, **display, "all_permissions": permissions}


def view_levels(levels: Mapping[str, str]) -> dict[str, Any]:
    """The levels with their descriptions, as the call for them answers."""
    return {
        "permission_levels": [
            {"permission_level": name, "description": text} for name, text in levels.items()
        ]
    }
