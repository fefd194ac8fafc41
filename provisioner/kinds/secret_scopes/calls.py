"""Which calls bring a scope to its document.

A scope is never deleted, nor any key of it, nor anybody's access.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from provisioner.kinds.secret_scopes import access, backend
from provisioner.kinds.secret_scopes.compare import declared_keys, secret_of
from provisioner.model.kind import Intent, OwnCall
from provisioner.model.paths import Key
from provisioner.model.plan import Action, Operation

ROOT: Final = "/api/2.0/secrets"

OWN_CALLS: Final = {
    "create_scope": OwnCall("POST", f"{ROOT}/scopes/create", "scope"),
    "put_secret": OwnCall("POST", f"{ROOT}/put", "scope"),
    "put_acl": OwnCall("POST", f"{ROOT}/acls/put", "scope"),
}
"""Every call that a plan of a scope may hold."""


def operations(intent: Intent) -> tuple[Operation, ...]:
    """The calls for ``intent``, in order: the scope if it is missing, its keys, its ACLs."""
    match intent.action:
        case Action.CREATE:
            keys = sorted(declared_keys(intent.desired or {}))
            puts = (_put(intent, key) for key in keys)
            return (_create(intent), *puts, *_acls(intent))
        case Action.UPDATE:
            return (*(_put(intent, key) for key in _changed(intent)), *_acls(intent))
        case _:
            return ()


def _create(intent: Intent) -> Operation:
    payload = {"scope": intent.name, **backend.of_create(intent.desired or {})}
    return Operation("create_scope", "POST", f"{ROOT}/scopes/create", payload)


def _changed(intent: Intent) -> list[str]:
    return [
        change.path[1].value
        for change in intent.changes
        if change.action is not Action.KEEP
        and change.path[0] == "secrets"
        and isinstance(change.path[1], Key)
    ]


def _acls(intent: Intent) -> Iterator[Operation]:
    for entry in access.to_grant(intent):
        yield Operation("put_acl", "POST", f"{ROOT}/acls/put", {"scope": intent.name, **entry})


def _put(intent: Intent, key: str) -> Operation:
    source = declared_keys(intent.desired or {})[key]
    payload = {"scope": intent.name, "key": key, "string_value": secret_of(source)}
    return Operation("put_secret", "POST", f"{ROOT}/put", payload)
