"""The three kinds of SCIM resources: how each is made, read, written and deleted."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.emulator.http.routing import SERVICE_PRINCIPAL, USER, ApiError, Caller, invalid
from provisioner.emulator.http.shape import Reader, anything, flag, list_of, record, text
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity import directory, groups
from provisioner.emulator.identity.groups import WorkspaceGroup

Resource = dict[str, Any]

SCHEMA = "urn:ietf:params:scim:schemas:core:2.0"
VALUES = list_of(record(dict.fromkeys(("value", "display", "type", "$ref"), text)))
# Kept as they were sent, and shown so.
KEPT: Mapping[str, Reader] = {
    "externalId": text,
    "entitlements": VALUES,
    "roles": VALUES,
    "name": record({"givenName": text, "familyName": text}),
    "emails": list_of(anything),
}
OF_PRINCIPAL = dict(KEPT) | {"displayName": text, "active": flag}


@dataclass(frozen=True, slots=True)
class ScimKind:
    """One kind of SCIM resource. ``name`` is the attribute that names one.

    ``read`` gives all of them by id; ``make`` adds one from what was sent and gives its id;
    ``save`` writes all attributes of one that is there. ``make`` and ``save`` raise ApiError.
    """

    path: str
    noun: str
    name: str
    fields: Mapping[str, Reader]
    read: Callable[[Store], dict[str, Resource]]
    make: Callable[[Store, Resource], str]
    save: Callable[[Store, str, Resource], None]
    delete: Callable[[Store, str], None]
    filters: tuple[str, ...] = ()
    is_renamable: bool = False


def _read_users(store: Store) -> dict[str, Resource]:
    return {
        caller.id: {
            "emails": [{"type": "work", "value": caller.name, "primary": True}],
            **_principal(store, caller),
            "schemas": [f"{SCHEMA}:User"],
            "userName": caller.name,
        }
        for caller in groups.all_principals(store)
        if caller.kind == USER
    }


def _read_machines(store: Store) -> dict[str, Resource]:
    return {
        caller.id: {
            **_principal(store, caller),
            "schemas": [f"{SCHEMA}:ServicePrincipal"],
            "applicationId": caller.name,
        }
        for caller in groups.all_principals(store)
        if caller.kind == SERVICE_PRINCIPAL
    }


def _principal(store: Store, caller: Caller) -> Resource:
    return {
        **directory.attributes(store, caller.id),
        "id": caller.id,
        "displayName": caller.display_name,
        # The CLI prints a user without it as disabled. [serving-api 10.10: used by a public client]
        "active": directory.is_active(store, caller),
        "groups": groups.view_of(store, caller),
    }


def _make_user(store: Store, sent: Resource) -> str:
    name = sent.get("userName", "")
    # rule(documented): A user has a user name. [serving-api 10.19]
    if not name:
        raise invalid("userName must be given.")
    return _add(store, USER, name, f"User with username {name} already exists.")


def _make_machine(store: Store, sent: Resource) -> str:
    name = sent.get("applicationId") or str(uuid.uuid4())
    taken = f"Service principal with application ID {name} already exists."
    return _add(store, SERVICE_PRINCIPAL, name, taken)


def _add(store: Store, kind: str, name: str, taken: str) -> str:
    """Adds a principal with a token that is not shown, and returns its id.

    The emulator's own routes can replace it by one with a token. Raises ApiError with the text
    ``taken``, by which Terraform knows that there is one already.
    """
    # rule(client): A user name or an application id is taken once. [serving-api 10.19]
    if directory.find(store, name):
        raise ApiError(409, "RESOURCE_ALREADY_EXISTS", taken)
    number = str(secrets.randbelow(9 * 10**15) + 10**15)
    caller = Caller(name, name, (directory.EVERYBODY,), kind=kind, id=number)
    directory.add(store, caller, secrets.token_hex(16))
    return number


def _save_principal(store: Store, number: str, sent: Resource) -> None:
    caller = _caller(store, number)
    display_name = sent.get("displayName") or caller.name
    kept = _kept(sent) | {"active": sent.get("active", True)}
    if caller.name == directory.LOCAL_USER.name:
        # rule(local): The local user stays active and keeps its name.
        if not kept["active"] or display_name != caller.display_name:
            raise invalid("The local user cannot be changed: every local workspace has it.")
        kept["groups"] = directory.attributes(store, number).get("groups", [])
    directory.rename(store, caller, display_name)
    directory.set_attributes(store, number, kept)


def _delete_principal(store: Store, number: str) -> None:
    caller = _caller(store, number)
    # rule(local): The local user cannot be deleted.
    if caller.name == directory.LOCAL_USER.name:
        raise invalid("The local user cannot be deleted: every local workspace has it.")
    directory.remove(store, caller.name)


def _caller(store: Store, number: str) -> Caller:
    return next(caller for caller in groups.all_principals(store) if caller.id == number)


def _kept(sent: Resource) -> Resource:
    kept = {attribute: sent[attribute] for attribute in KEPT if attribute in sent}
    for attribute in ("entitlements", "roles"):
        # Terraform sends one empty value where there is none.
        values = [entry for entry in kept.pop(attribute, ()) if entry.get("value")]
        kept |= {attribute: values} if values else {}
    return kept


def _read_groups(store: Store) -> dict[str, Resource]:
    return {group.id: _group(store, group) for group in groups.all_groups(store)}


def _group(store: Store, group: WorkspaceGroup) -> Resource:
    members = [
        {"value": caller.id, "display": caller.display_name}
        for caller in groups.members(store, group)
    ]
    return {
        **directory.attributes(store, group.id),
        "schemas": [f"{SCHEMA}:Group"],
        "id": group.id,
        "displayName": group.name,
        **({"members": members} if members else {}),
        # Made in a workspace, not in the account. [docs.databricks.com/api, Groups]
        "meta": {"resourceType": "WorkspaceGroup"},
    }


def _make_group(store: Store, sent: Resource) -> str:
    # rule(documented): A group has a display name. [serving-api 10.19]
    if not sent.get("displayName"):
        raise invalid("displayName must be given.")
    return groups.create(store, sent["displayName"]).id


def _save_group(store: Store, number: str, sent: Resource) -> None:
    group = _require_group(store, number)
    group = groups.rename(store, group, sent.get("displayName") or group.name)
    groups.set_members(store, group, (entry.get("value", "") for entry in sent.get("members", ())))
    directory.set_attributes(store, number, _kept(sent))


def _delete_group(store: Store, number: str) -> None:
    groups.delete(store, _require_group(store, number))


def _require_group(store: Store, number: str) -> WorkspaceGroup:
    return next(group for group in groups.all_groups(store) if group.id == number)


USERS = ScimKind(
    path="Users",
    noun="user",
    name="userName",
    fields=OF_PRINCIPAL | {"userName": text},
    read=_read_users,
    make=_make_user,
    save=_save_principal,
    delete=_delete_principal,
    filters=("displayName",),
)
MACHINES = ScimKind(
    path="ServicePrincipals",
    noun="service principal",
    name="applicationId",
    fields=OF_PRINCIPAL | {"applicationId": text},
    read=_read_machines,
    make=_make_machine,
    save=_save_principal,
    delete=_delete_principal,
    filters=("displayName",),
)
GROUPS = ScimKind(
    path="Groups",
    noun="group",
    name="displayName",
    fields=dict(KEPT) | {"displayName": text, "members": VALUES},
    read=_read_groups,
    make=_make_group,
    save=_save_group,
    delete=_delete_group,
    is_renamable=True,
)
KINDS = (USERS, GROUPS, MACHINES)
