"""The groups of a local workspace: those that a client created, and those that have members.

Membership is kept with the principal, so a group that a principal was added with exists without
being created. Groups inside groups do not exist.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from provisioner.emulator.http.routing import SERVICE_PRINCIPAL, ApiError, Caller, invalid
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity import directory

# Every workspace has them, and no call deletes or renames them.
SYSTEM_GROUPS = (directory.ADMINS, directory.EVERYBODY)


@dataclass(frozen=True, slots=True)
class WorkspaceGroup:
    """A group by id and name."""

    id: str
    name: str


def all_principals(store: Store) -> list[Caller]:
    """Returns all principals, with the local user."""
    return [directory.local_user(store), *directory.all_principals(store)]


def all_groups(store: Store) -> list[WorkspaceGroup]:
    """Returns the groups that were created, and those that a principal is in."""
    made = {
        name.lower(): WorkspaceGroup(number, name)
        for number, name in store.rows("SELECT id, name FROM workspace_groups")
    }
    joined = {name for principal in all_principals(store) for name in principal.groups}
    named = {name.lower(): WorkspaceGroup(id_of(name), name) for name in joined}
    return list((named | made).values())


def id_of(name: str) -> str:
    """Returns the id of a group that was never created: always the same for the same name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name.lower()).int % 10**16)


def view_of(store: Store, caller: Caller) -> list[dict[str, str]]:
    """Returns the groups of a principal, as its SCIM resource shows them."""
    made = dict(store.rows("SELECT name, id FROM workspace_groups"))
    return [
        {"display": name, "type": "direct", "value": made.get(name, id_of(name))}
        for name in caller.groups
    ]


# rule(recorded): A grant names a service principal by its application id. Its display name is
#     not a principal; the status is assumed. [databricks/terraform-provider-databricks 1415, 4604]
def refuse_display_name(store: Store, name: str) -> None:
    """Refuses a name that only a service principal is displayed by. Raises ApiError.

    An unknown name is accepted: manifests name the people of a real workspace.
    """
    machines = [
        principal
        for principal in directory.all_principals(store)
        if principal.kind == SERVICE_PRINCIPAL
    ]
    displayed = {machine.display_name.casefold() for machine in machines}
    named = {group.name.casefold() for group in all_groups(store)}
    if name.casefold() in displayed - named and directory.find(store, name) is None:
        message = f"Principal: ServicePrincipalName({name}) does not exist"
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)


def create(store: Store, name: str) -> WorkspaceGroup:
    """Creates an empty group. Raises ApiError where the name is taken."""
    _check_free(store, name)
    group = WorkspaceGroup(str(secrets.randbelow(9 * 10**14) + 10**14), name)
    store.change("INSERT INTO workspace_groups VALUES (?, ?)", group.id, group.name)
    return group


def rename(store: Store, group: WorkspaceGroup, name: str) -> WorkspaceGroup:
    """Renames a group; its members stay in it. Raises ApiError where the name is taken."""
    if name == group.name:
        return group
    _check_own(group)
    if name.lower() != group.name.lower():
        _check_free(store, name)
    renamed = WorkspaceGroup(group.id, name)
    store.change("INSERT OR REPLACE INTO workspace_groups VALUES (?, ?)", group.id, name)
    for principal in members(store, group):
        directory.put_in_groups(store, principal, [*_without(principal, group), name])
    return renamed


def delete(store: Store, group: WorkspaceGroup) -> None:
    """Deletes a group; its grants stay. Raises ApiError for a group that every workspace has."""
    _check_own(group)
    set_members(store, group, ())
    store.change("DELETE FROM workspace_groups WHERE id = ?", group.id)
    store.change("DELETE FROM scim_attributes WHERE id = ?", group.id)


def members(store: Store, group: WorkspaceGroup) -> list[Caller]:
    """Returns the principals in a group."""
    return [principal for principal in all_principals(store) if _is_in(principal, group)]


def set_members(store: Store, group: WorkspaceGroup, numbers: Iterable[str]) -> None:
    """Makes the principals with these ids the only members. Raises ApiError for an unknown id."""
    wanted, known = set(numbers), all_principals(store)
    strangers = wanted - {principal.id for principal in known}
    # rule(local): Members of a group are users and service principals; groups in groups are not
    #     there.
    if strangers:
        message = f"There is no user or service principal with id {min(strangers)}."
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
    # rule(local): The local user stays an administrator.
    if group.name in SYSTEM_GROUPS and directory.LOCAL_USER.id not in wanted:
        raise invalid(f"The local user stays in the group {group.name}.")
    for principal in known:
        if (principal.id in wanted) != _is_in(principal, group):
            joined = (group.name,) if principal.id in wanted else ()
            directory.put_in_groups(store, principal, [*_without(principal, group), *joined])


def _is_in(principal: Caller, group: WorkspaceGroup) -> bool:
    return group.name.lower() in (name.lower() for name in principal.groups)


def _without(principal: Caller, group: WorkspaceGroup) -> list[str]:
    return [name for name in principal.groups if name.lower() != group.name.lower()]


def _check_free(store: Store, name: str) -> None:
    # rule(client): A group's name is taken once, without regard to case. [serving-api 10.19]
    if name.lower() in (group.name.lower() for group in all_groups(store)):
        message = f"Group with name {name} already exists."
        raise ApiError(409, "RESOURCE_ALREADY_EXISTS", message)


def _check_own(group: WorkspaceGroup) -> None:
    # rule(assumed, always): The groups admins and users can neither be deleted nor renamed, because
    #     the local workspace would have no administrator. [serving-api 10.19]
    if group.name in SYSTEM_GROUPS:
        raise invalid(f"Group {group.name} is part of every workspace and cannot be changed.")
