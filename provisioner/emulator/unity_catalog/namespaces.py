"""Catalogs and schemas: those that a client created, and those that the name of a model mentions.

A model can be registered below a catalog that was never created: a local workspace has none to
begin with, and manifests name those of a real one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from provisioner.emulator.http.routing import ApiError, ApiRequest, Caller, invalid
from provisioner.emulator.http.store import Store
from provisioner.emulator.unity_catalog import catalog
from provisioner.emulator.unity_catalog.metastore import DEFAULT_CATALOG, METASTORE_ID

COLUMNS = "full_name, owner, comment, created_by, created_ms, updated_by, updated_ms"
# "Valid names cannot contain spaces, periods, forward slashes, or control characters."
NAME = re.compile(r"[^\s./\x00-\x1f\x7f]{1,255}")
# Terraform deletes it from each new catalog.
DEFAULT_SCHEMA = "default"
HELD = (("namespaces", "full_name"), ("securables", "full_name"))
TABLES = {"models": "full_name", "model_versions": "model", "model_aliases": "model"}


@dataclass(frozen=True, slots=True)
class Namespace:
    """A catalog, or a schema, whose full name has a dot. Without an owner where never created."""

    full_name: str
    owner: str
    comment: str
    created_by: str
    created_ms: int
    updated_by: str
    updated_ms: int

    @property
    def is_schema(self) -> bool:
        return "." in self.full_name

    def view(self) -> dict[str, Any]:
        catalog_name, _, schema_name = self.full_name.partition(".")
        return {
            "name": schema_name or catalog_name,
            **({"catalog_name": catalog_name} if schema_name else {}),
            "full_name": self.full_name,
            "owner": self.owner,
            **({"comment": self.comment} if self.comment else {}),
            "catalog_type": "MANAGED_CATALOG",
            "metastore_id": METASTORE_ID,
            "created_by": self.created_by,
            "created_at": self.created_ms,
            "updated_by": self.updated_by,
            "updated_at": self.updated_ms,
        }


def list_catalogs(store: Store) -> list[Namespace]:
    return [each for each in _list_all(store) if not each.is_schema]


def list_schemas(store: Store, catalog_name: str) -> list[Namespace]:
    prefix = f"{catalog_name.lower()}."
    return [each for each in _list_all(store) if each.full_name.startswith(prefix)]


def _list_all(store: Store) -> list[Namespace]:
    """Returns all, by full name; those that only a model mentions have no owner."""
    rows = store.rows(f"SELECT {COLUMNS} FROM namespaces")
    namespaces = {row[0]: Namespace(*row) for row in rows}
    for kind in (catalog.MODEL, catalog.FUNCTION):
        for securable in catalog.list_kind(store, kind):
            catalog_name, schema_name, _ = securable.full_name.lower().split(".")
            for name in (catalog_name, f"{catalog_name}.{schema_name}"):
                named = Namespace(name, "", "", "", 0, "", 0)
                namespaces.setdefault(name, named)
    return [namespaces[name] for name in sorted(namespaces)]


def find(store: Store, full_name: str) -> Namespace | None:
    wanted = full_name.lower()
    return next((each for each in _list_all(store) if each.full_name == wanted), None)


def require(store: Store, full_name: str) -> Namespace:
    """Returns the catalog or schema. Raises ApiError, with a code for each kind."""
    namespace = find(store, full_name)
    # rule(client): A missing catalog or schema answers 404 with a code of its kind.
    #     [serving-api 10.21]
    if namespace is None:
        kind = "SCHEMA" if "." in full_name else "CATALOG"
        message = f"{kind.capitalize()} '{full_name}' does not exist."
        raise ApiError(404, f"{kind}_DOES_NOT_EXIST", message)
    return namespace


def require_with_default(store: Store, caller: Caller, catalog_name: str) -> Namespace:
    """The catalog; the default one of the workspace is made when it is first needed."""
    if catalog_name.lower() == DEFAULT_CATALOG and find(store, catalog_name) is None:
        create(store, caller, catalog_name)
    return require(store, catalog_name)


def create(store: Store, caller: Caller, full_name: str, comment: str = "") -> Namespace:
    """Creates a catalog or schema, owned by the caller, in lower case. Raises ApiError."""
    for name in full_name.split("."):
        _check_name(name)
    # rule(client): A name is taken once. [serving-api 10.21]
    if store.row("SELECT 1 FROM namespaces WHERE full_name = ?", full_name):
        kind = "SCHEMA" if "." in full_name else "CATALOG"
        message = f"{kind.capitalize()} '{full_name}' already exists"
        raise ApiError(409, f"{kind}_ALREADY_EXISTS", message)
    who, now_ms = caller.name, store.now_ms()
    created = Namespace(full_name.lower(), who, comment, who, now_ms, who, now_ms)
    row = (created.full_name, who, comment, who, now_ms, who, now_ms)
    store.change(f"INSERT INTO namespaces ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", *row)
    return created


def _check_name(name: str) -> None:
    # rule(client): Names hold no spaces, periods, slashes and control characters.
    #     [serving-api 10.21]
    if not NAME.fullmatch(name):
        raise invalid(
            f'"{name}" is not a valid name. Valid names cannot contain spaces, periods, '
            "forward slashes, or control characters."
        )


def change(store: Store, caller: Caller, namespace: Namespace, **columns: str) -> None:
    """Changes these columns; creates a namespace that only a model mentions."""
    if not namespace.created_by:
        create(store, caller, namespace.full_name)
    changed = {**columns, "updated_by": caller.name, "updated_ms": store.now_ms()}
    assigned = ", ".join(f"{column} = ?" for column in changed)
    sql = f"UPDATE namespaces SET {assigned} WHERE full_name = ?"
    store.change(sql, *changed.values(), namespace.full_name)


def delete(store: Store, namespace: Namespace, *, force: bool) -> None:
    """Deletes it, and with ``force`` everything in it. Raises ApiError where it is not empty."""
    inside = f"{namespace.full_name}."
    held = sum(
        _count(store, table, column, inside) for table, column in (*HELD, ("models", "full_name"))
    )
    # rule(documented): What holds something is deleted with force only. [SDK: text of
    #     catalogs.delete and schemas.delete]
    if held and not force:
        kind = "SCHEMA" if namespace.is_schema else "CATALOG"
        message = f"{kind.capitalize()} '{namespace.full_name}' is not empty."
        raise ApiError(400, f"{kind}_NOT_EMPTY", message)
    for table, column in (
        *TABLES.items(),
        *HELD,
        ("privileges", "securable"),
    ):
        within = f"substr({column}, 1, ?) = ? COLLATE NOCASE OR {column} = ?"
        parameters = (len(inside), inside, namespace.full_name)
        store.change(f"DELETE FROM {table} WHERE {within}", *parameters)


def _count(store: Store, table: str, column: str, prefix: str) -> int:
    sql = f"SELECT count(*) FROM {table} WHERE substr({column}, 1, ?) = ? COLLATE NOCASE"
    row = store.row(sql, len(prefix), prefix)
    return int(row[0]) if row else 0


def require_owner(caller: Caller, namespace: Namespace) -> None:
    """Raises ApiError PERMISSION_DENIED."""
    # rule(documented): Only its owner changes and deletes a catalog or a schema. That workspace
    #     admins count as owners is assumed. [docs.databricks.com/api, Catalogs, Schemas]
    if not catalog.is_owner(caller, namespace):
        message = f"User is not an owner of '{namespace.full_name}'."
        raise ApiError(403, "PERMISSION_DENIED", message)


def is_forced(request: ApiRequest) -> bool:
    return request.query.get("force") == "true"
