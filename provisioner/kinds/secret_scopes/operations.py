"""Which calls bring a scope to its document. A scope is never deleted, nor any key of it."""

from __future__ import annotations

from typing import Final

from provisioner.kinds.secret_scopes.compare import declared_keys, secret_of
from provisioner.plan import Action, Operation
from provisioner.resource import Intent
from provisioner.semantics import Key

ROOT: Final = "/api/2.0/secrets"


def operations(intent: Intent) -> tuple[Operation, ...]:
    """The calls for ``intent``, in order: the scope if it is missing, then its keys."""
    match intent.action:
        case Action.CREATE:
            create = Operation(
                "create_scope", "POST", f"{ROOT}/scopes/create", {"scope": intent.name}
            )
            keys = sorted(declared_keys(intent.desired or {}))
            return (create, *(_put(intent, key) for key in keys))
        case Action.UPDATE:
            return tuple(_put(intent, key) for key in _changed(intent))
        case _:
            return ()


def _changed(intent: Intent) -> list[str]:
    return [
        change.path[1].value
        for change in intent.changes
        if change.action is not Action.KEEP and isinstance(change.path[1], Key)
    ]


def _put(intent: Intent, key: str) -> Operation:
    source = declared_keys(intent.desired or {})[key]
    payload = {"scope": intent.name, "key": key, "string_value": secret_of(source)}
    return Operation("put_secret", "POST", f"{ROOT}/put", payload)
