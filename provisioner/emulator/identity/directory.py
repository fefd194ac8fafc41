"""Stores users and service principals, with digests of their tokens and client secrets.

A principal that is not in here may still get grants: groups have no list of their own, and a
manifest names users that this workspace never met.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from provisioner.emulator.http.routing import SERVICE_PRINCIPAL, USER, Caller
from provisioner.emulator.http.store import Store

# The user that a local workspace always has, its administrator. ``local_user`` knows of the further
# groups that it was added to.
LOCAL_USER = Caller("local-user@example.com", "Local User", ("admins", "users"))
# Every principal is a member. [serving-api 1.11] A grant to it reaches everybody, so
# that nobody takes it for a small one.
EVERYBODY = "users"
ADMINS = "admins"
# rule(client): An OAuth token is valid for an hour. [serving-api 5.5]
LOGIN_S = 3600

COLUMNS = "name, kind, id, display_name, groups"


def add(store: Store, caller: Caller, token: str, client_secret: str = "") -> None:
    """Adds the principal, or replaces it with its credentials and OAuth tokens."""
    store.change("DELETE FROM logins WHERE principal = ?", caller.name)
    store.change(
        "INSERT OR REPLACE INTO principals VALUES (?, ?, ?, ?, ?, ?, ?)",
        caller.name,
        caller.kind,
        caller.id,
        caller.display_name,
        json.dumps(caller.groups),
        _digest(token),
        _digest(client_secret) if client_secret else None,
    )


def remove(store: Store, name: str) -> bool:
    """Removes the principal and its OAuth tokens. What it made and was granted stays."""
    store.change("DELETE FROM logins WHERE principal = ?", name)
    sql = "DELETE FROM scim_attributes WHERE id IN (SELECT id FROM principals WHERE name = ?)"
    store.change(sql, name)
    return bool(store.change("DELETE FROM principals WHERE name = ?", name))


def all_principals(store: Store) -> list[Caller]:
    """Returns all principals that were added; the local user is not among them."""
    return [_caller(*row) for row in store.rows(f"SELECT {COLUMNS} FROM principals")]


def local_user(store: Store) -> Caller:
    """Returns the local user with all of its groups."""
    joined = attributes(store, LOCAL_USER.id).get("groups", ())
    return replace(LOCAL_USER, groups=(*LOCAL_USER.groups, *joined)) if joined else LOCAL_USER


def put_in_groups(store: Store, caller: Caller, groups: Sequence[str]) -> None:
    """Sets the names of all groups that ``caller`` is in."""
    if caller.name == LOCAL_USER.name:
        joined = [group for group in groups if group not in LOCAL_USER.groups]
        set_attributes(store, caller.id, attributes(store, caller.id) | {"groups": joined})
        return
    kept = json.dumps(groups)
    store.change("UPDATE principals SET groups = ? WHERE name = ?", kept, caller.name)


def rename(store: Store, caller: Caller, display_name: str) -> None:
    """Sets the display name of a principal."""
    sql = "UPDATE principals SET display_name = ? WHERE name = ?"
    store.change(sql, display_name, caller.name)


def attributes(store: Store, number: str) -> dict[str, Any]:
    """Returns what clients sent about the principal or group with this id, as they sent it."""
    row = store.row("SELECT attributes FROM scim_attributes WHERE id = ?", number)
    return dict(json.loads(row[0])) if row else {}


def set_attributes(store: Store, number: str, changed: Mapping[str, Any]) -> None:
    """Sets what clients sent about the principal or group with this id."""
    text = json.dumps(changed)
    store.change("INSERT OR REPLACE INTO scim_attributes VALUES (?, ?)", number, text)


def is_active(store: Store, caller: Caller) -> bool:
    """Returns whether the principal may log in. [serving-api 10.10: users are shown as active]"""
    return bool(attributes(store, caller.id).get("active", True))


def find(store: Store, name: str) -> Caller | None:
    """Returns the principal with this user name or application id, or None."""
    if name.lower() == LOCAL_USER.name:
        return local_user(store)
    row = store.row(f"SELECT {COLUMNS} FROM principals WHERE name = ?", name)
    return _caller(*row) if row else None


def by_token(store: Store, token: str) -> Caller | None:
    """Returns the principal with this personal access token, or None."""
    row = store.row(f"SELECT {COLUMNS} FROM principals WHERE token = ?", _digest(token))
    return _active(store, _caller(*row)) if row else None


def by_client(store: Store, client_id: str, client_secret: str) -> Caller | None:
    """Returns the service principal with this application id and secret, or None."""
    row = store.row(
        f"SELECT {COLUMNS} FROM principals WHERE name = ? AND client_secret = ?",
        client_id,
        _digest(client_secret),
    )
    return _active(store, _caller(*row)) if row else None


def log_in(store: Store, caller: Caller) -> str:
    """Returns a new OAuth token, and deletes those that have expired."""
    now_ms, token = store.now_ms(), f"oauth-{secrets.token_hex(24)}"
    with store.transaction():
        store.change("DELETE FROM logins WHERE expires_ms <= ?", now_ms)
        expires_ms = now_ms + LOGIN_S * 1000
        store.change("INSERT INTO logins VALUES (?, ?, ?)", _digest(token), caller.name, expires_ms)
    return token


def by_login(store: Store, token: str) -> Caller | None:
    """Returns the principal with this OAuth token while the token is valid, or None."""
    row = store.row(
        "SELECT principal FROM logins WHERE token = ? AND expires_ms > ?",
        _digest(token),
        store.now_ms(),
    )
    caller = find(store, row[0]) if row else None
    return _active(store, caller) if caller else None


def _active(store: Store, caller: Caller) -> Caller | None:
    """None where the principal may not log in."""
    return caller if is_active(store, caller) else None


def _caller(name: str, kind: str, number: str, display_name: str, groups: str) -> Caller:
    return Caller(name, display_name, tuple(json.loads(groups)), kind=kind, id=number)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def view(caller: Caller) -> dict[str, Any]:
    """Returns a principal as the emulator's own routes show it."""
    return {
        "kind": "service_principal" if caller.kind == SERVICE_PRINCIPAL else "user",
        "name": caller.name,
        "id": caller.id,
        "display_name": caller.display_name,
        "groups": [group for group in caller.groups if group not in (EVERYBODY, ADMINS)],
        "workspace_admin": caller.is_admin,
    }


KINDS = {"user": USER, "service_principal": SERVICE_PRINCIPAL}
