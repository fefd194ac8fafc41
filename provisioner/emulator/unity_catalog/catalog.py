"""Models and functions of Unity Catalog, and the privileges on them.

Catalogs and schemas are in ``namespaces``. Sources: docs.databricks.com/api, Registered Models,
Model Versions, Grants.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from provisioner.emulator.http.routing import ApiError, Caller, invalid
from provisioner.emulator.http.store import Store
from provisioner.emulator.unity_catalog.metastore import METASTORE_ID

MODEL, FUNCTION = "model", "function"
EXECUTE, USE_CATALOG, USE_SCHEMA = "EXECUTE", "USE_CATALOG", "USE_SCHEMA"
EVERYTHING = "ALL_PRIVILEGES"
# What Databricks itself provides: whatever is asked for is there, and for everybody.
SYSTEM, PROVIDER = "system.", "System user"
COLUMNS = "full_name, kind, owner, comment, created_by, created_ms, updated_by, updated_ms"


@dataclass(frozen=True, slots=True)
class Securable:
    """A model, or a function such as a feature spec."""

    full_name: str
    kind: str
    owner: str
    comment: str
    created_by: str
    created_ms: int
    updated_by: str
    updated_ms: int

    def shown(self) -> dict[str, Any]:
        """Returns the model or function as the API shows it."""
        return names(self.full_name) | {
            "name": self.full_name.split(".")[2],
            "full_name": self.full_name,
            "owner": self.owner,
            **({"comment": self.comment} if self.comment else {}),
            "metastore_id": METASTORE_ID,
            "created_by": self.created_by,
            "created_at": self.created_ms,
            "updated_by": self.updated_by,
            "updated_at": self.updated_ms,
        }


def is_full_name(name: str) -> bool:
    """Returns whether a name has the form ``catalog.schema.name``."""
    parts = name.split(".")
    return len(parts) == 3 and all(parts)


def is_feature_spec(entity: Mapping[str, Any]) -> bool:
    """Returns whether an entity is a feature spec: it has no version. [serving-api 2.2]"""
    return "entity_name" in entity and not entity.get("entity_version")


def names(full_name: str) -> dict[str, str]:
    """Returns the catalog and the schema that every object below a schema shows."""
    catalog, schema, _ = full_name.split(".")
    return {"catalog_name": catalog, "schema_name": schema}


def add(store: Store, full_name: str, kind: str, owner: str, comment: str = "") -> Securable:
    """Adds a model or function; its owner may do everything with it. Raises ApiError."""
    # rule(documented): A model or function has a name of three levels. [docs.databricks.com/api,
    #     Registered Models]
    if not is_full_name(full_name):
        raise invalid(f"'{full_name}' is not a name of the form catalog.schema.name.")
    # rule(recorded): Models and functions share their names; the text is recorded, status 409 is
    #     assumed. [public logs]
    if find(store, full_name):
        name = full_name.split(".")[2]
        message = f"Routine or Model '{name}' already exists"
        raise ApiError(409, "RESOURCE_ALREADY_EXISTS", message)
    now_ms = store.now_ms()
    made = Securable(full_name, kind, owner, comment, owner, now_ms, owner, now_ms)
    row = (full_name, kind, owner, comment, owner, now_ms, owner, now_ms)
    store.change("INSERT INTO models VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *row)
    return made


def find(store: Store, full_name: str) -> Securable | None:
    """Returns a model or function, or None."""
    if full_name.lower().startswith(SYSTEM):
        return Securable(full_name, MODEL, PROVIDER, "", PROVIDER, 0, PROVIDER, 0)
    row = store.row(f"SELECT {COLUMNS} FROM models WHERE full_name = ?", full_name)
    return Securable(*row) if row else None


def list_kind(store: Store, kind: str) -> list[Securable]:
    """Returns all models, or all functions."""
    sql = f"SELECT {COLUMNS} FROM models WHERE kind = ? ORDER BY full_name"
    return [Securable(*row) for row in store.rows(sql, kind)]


def has_catalog(store: Store, full_name: str, kind: str) -> bool:
    """Returns whether anything of this kind is registered in the catalog of ``full_name``."""
    catalog = full_name.split(".")[0].lower()
    return any(
        securable.full_name.lower().startswith(f"{catalog}.")
        for securable in list_kind(store, kind)
    )


def require_visible(store: Store, caller: Caller, full_name: str, kind: str) -> Securable:
    """Returns a model or function that the caller may execute. Raises ApiError."""
    securable = find(store, full_name)
    # rule(recorded): A missing model or function answers 404 with this text. [public logs]
    if securable is None or securable.kind != kind:
        message = f"Routine or Model '{full_name}' does not exist."
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
    lacking = missing_privilege(store, caller, securable)
    # rule(assumed, always): A model that the caller may not execute answers 403, not 404, because a
    #     client would register it again. [docs.databricks.com/api, Registered Models]
    if lacking:
        raise ApiError(403, "PERMISSION_DENIED", lacking)
    return securable


def require_owned(store: Store, caller: Caller, full_name: str, kind: str) -> Securable:
    """Returns a model or function that the caller may change. Raises ApiError."""
    securable = require_visible(store, caller, full_name, kind)
    # rule(documented): Only the owner changes a model. That workspace admins count as owners is
    #     assumed. [docs.databricks.com/api, Registered Models]
    if not is_owner(caller, securable):
        message = f"User is not an owner of Routine or Model '{full_name}'."
        raise ApiError(403, "PERMISSION_DENIED", message)
    return securable


class Owned(Protocol):
    """What belongs to a principal."""

    @property
    def owner(self) -> str: ...


def is_owner(caller: Caller, securable: Owned) -> bool:
    """Returns whether the caller, one of its groups or a workspace admin owns the securable."""
    everyone = {name.lower() for name in (caller.name, *caller.groups)}
    is_ours = securable.owner != PROVIDER
    return is_ours and (caller.is_admin or securable.owner.lower() in everyone)


def missing_privilege(store: Store, caller: Caller, securable: Securable) -> str:
    """Returns why ``caller`` may not execute the securable; ``""`` where it may."""
    catalog, schema, _ = securable.full_name.split(".")
    below_schema = (catalog, f"{catalog}.{schema}")
    if caller.is_admin or securable.full_name.lower().startswith(SYSTEM):
        return ""
    if not holds(store, caller, USE_CATALOG, (catalog,)):
        return f"User does not have USE CATALOG on Catalog '{catalog}'."
    if not holds(store, caller, USE_SCHEMA, below_schema):
        return f"User does not have USE SCHEMA on Schema '{catalog}.{schema}'."
    if is_owner(caller, securable):
        return ""
    if not holds(store, caller, EXECUTE, (*below_schema, securable.full_name)):
        return f"User does not have EXECUTE on Routine or Model '{securable.full_name}'."
    return ""


def holds(store: Store, caller: Caller, privilege: str, securables: tuple[str, ...]) -> bool:
    """Returns whether the caller, or a group of it, has the privilege on a securable, or owns it.

    The owner of a catalog has all privileges on the catalog, the owner of a schema on the schema.
    [serving-api 10.21: documented]
    """
    everyone = {name.lower() for name in (caller.name, *caller.groups)}
    if any(_owner_of_namespace(store, name).lower() in everyone for name in securables):
        return True
    return any(
        principal.lower() in everyone and held in (privilege, EVERYTHING)
        for securable in securables
        for principal, held in grants_on(store, securable)
    )


def _owner_of_namespace(store: Store, full_name: str) -> str:
    row = store.row("SELECT owner FROM namespaces WHERE full_name = ?", full_name)
    return str(row[0]) if row else ""


def grants_on(store: Store, securable: str) -> list[tuple[str, str]]:
    """Returns (principal, privilege) of each direct grant."""
    sql = "SELECT principal, privilege FROM privileges WHERE securable = ? ORDER BY 1, 2"
    return [(principal, privilege) for principal, privilege in store.rows(sql, securable)]


def touch(store: Store, caller: Caller, full_name: str, **columns: str) -> None:
    """Changes columns of a model, and notes by whom and when."""
    changed = {**columns, "updated_by": caller.name, "updated_ms": store.now_ms()}
    assigned = ", ".join(f"{column} = ?" for column in changed)
    store.change(f"UPDATE models SET {assigned} WHERE full_name = ?", *changed.values(), full_name)
