"""Reads and writes secret scopes of one workspace. Values go there and never come back.

One list of scopes; for each declared scope that exists one list of keys, and one of ACLs
where the manifest declares any.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from provisioner.errors import ServiceError, UnreachableError
from provisioner.kinds.secret_scopes import access, backend
from provisioner.kinds.secret_scopes.compare import CLOCK_SKEW, declared_keys, secret_of
from provisioner.model.connection import MISSING, Connection
from provisioner.model.kind import Intent, OwnCall
from provisioner.model.live import Listed, Live, Phase, Readiness
from provisioner.model.paths import Document, Key
from provisioner.model.plan import Action, Operation
from provisioner.model.resource import Resource
from provisioner.model.secret import SecretReader, resolve

# Which calls bring a scope to its document.
# A scope is never deleted, nor any key of it, nor anybody's access.

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


SECRET_FIELDS: Final = frozenset({"string_value"})
EXISTS: Final = "RESOURCE_ALREADY_EXISTS"


class ScopeDriver:
    """Thread-safe, as far as its connection is. Scope names do not mind the case."""

    def __init__(self, connection: Connection, secrets: SecretReader) -> None:
        self._connection = connection
        self._secrets = secrets
        self._lock = threading.Lock()
        self._scopes: tuple[Document, ...] | None = None

    def inventory(self, near: Sequence[Resource] = ()) -> Sequence[Listed]:
        """All scopes of the workspace, from one request until something is written."""
        return [Listed(scope["name"], scope["name"]) for scope in self._known()]

    def read(self, resource: Resource) -> Live | None:
        """The scope with its keys and their dates; None when there is no such scope."""
        scopes = self._known()
        scope = next((scope for scope in scopes if _is(scope, resource.name)), None)
        if scope is None:
            # An empty answer is what the service says of no scopes, and what a gateway says of
            # anything [serving-api 4.1]: the keys tell which of the two it is.
            if not scopes and self._keys(resource.name) is not None:
                raise _contradiction(resource.name, "list of its keys", "list of scopes")
            return None
        keys = self._keys(scope["name"])
        if keys is None:
            raise _contradiction(resource.name, "list of scopes", "list of its keys")
        acls = self._acls(scope["name"]) if access.FIELD in resource.document else []
        live = _live(resource, scope, Contents(keys, acls))
        return replace(live, beside={CLOCK_SKEW: self._connection.clock_skew_s})

    def examine(self, resource: Resource, live: Live) -> Live:
        """A scope is never replaced, so nothing of it is at stake."""
        return live

    def perform(self, operation: Operation, identity: str) -> str:
        """Carry out one call. Both calls do no harm when they are sent twice."""
        body = resolve(operation.payload, SECRET_FIELDS, self._secrets)
        try:
            self._connection.send(operation.method, operation.path, body, repeatable=True)
        except ServiceError as error:
            # There already, from a run that was cut off or from this call's first try.
            if operation.call != "create_scope" or error.error_code != EXISTS:
                raise
        finally:
            with self._lock:
                self._scopes = None
        scope = body.get("scope")
        return scope if isinstance(scope, str) else ""

    def fence(self, name: str, value: str) -> bool:
        """Returns False: a scope carries no tags."""
        return False

    def poll(self) -> Mapping[str, Readiness]:
        """A scope that exists is ready."""
        return {scope["name"]: Readiness(Phase.READY) for scope in self._list()}

    def confirm(self, name: str) -> Readiness:
        """READY if the scope exists, ABSENT otherwise."""
        exists = any(_is(scope, name) for scope in self._list())
        return Readiness(Phase.READY if exists else Phase.ABSENT)

    def _known(self) -> tuple[Document, ...]:
        with self._lock:
            if self._scopes is None:
                self._scopes = tuple(self._list())
            return self._scopes

    def _list(self) -> list[Document]:
        path = f"{ROOT}/scopes/list"
        return _entries(self._connection.get(path), "scopes", "name", path)

    def _keys(self, scope: str) -> list[Document] | None:
        path = f"{ROOT}/list"
        answer = self._connection.get(path, {"scope": scope}, absent=MISSING)
        return None if answer is None else _entries(answer, "secrets", "key", path)

    def _acls(self, scope: str) -> list[Document]:
        path = f"{ROOT}/acls/list"
        # `items`, though an example of the service says `acls`.
        answer = self._connection.get(path, {"scope": scope})
        return _entries(answer, "items", "principal", path)


@dataclass(frozen=True, slots=True)
class Contents:
    """What the service lists of a scope."""

    keys: Sequence[Document]
    acls: Sequence[Document]


def _entries(answer: Document | None, field: str, name: str, path: str) -> list[Document]:
    """The list in ``answer``; the service leaves an empty one out.

    Raises UnreachableError for an answer that is no such list.
    """
    answer = answer or {}
    entries = answer.get(field, [] if not answer else None)
    if not isinstance(entries, list) or not all(_is_named(entry, name) for entry in entries):
        raise UnreachableError.of(
            "E434",
            f"GET {path}: the answer is not a list of {field}",
            hint="a proxy or gateway may have answered instead of the workspace",
        )
    return entries


def _contradiction(name: str, has: str, has_not: str) -> UnreachableError:
    """Returns the error for two answers of which only one can be right."""
    return UnreachableError.of(
        "E437",
        f"the {has} shows the scope `{name}`, but the {has_not} does not",
        hint="if it was just created or deleted, run the same command again; otherwise a gateway "
        "may have answered instead of the workspace",
    )


def _is_named(entry: Any, name: str) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get(name), str)


def _is(scope: Document, name: str) -> bool:
    return bool(scope["name"].casefold() == name.casefold())


def _live(resource: Resource, scope: Document, contents: Contents) -> Live:
    stored = {
        entry["key"]: {"last_updated_timestamp": entry.get("last_updated_timestamp")}
        for entry in contents.keys
    }
    kept_in = backend.of_live(scope)
    document = {"name": resource.name, "secrets": stored, **kept_in}
    if contents.acls:
        document[access.FIELD] = list(contents.acls)
    # Keys and grants of others may come and go between plan and apply.
    ours = {key: stored.get(key) for key in declared_keys(resource.document)}
    granted = sorted(access.of_declared(resource.document, document).items())
    seen = json.dumps([scope["name"], kept_in, ours, granted], sort_keys=True)
    return Live(
        name=resource.name,
        identity=scope["name"],
        document=document,
        fingerprint=f"sha256:{hashlib.sha256(seen.encode()).hexdigest()}",
    )
