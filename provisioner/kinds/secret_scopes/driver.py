"""Reads and writes secret scopes of one workspace. Values go there and never come back.

One list of scopes, and one list of keys for each declared scope that exists.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

from provisioner.errors import ServiceError, UnreachableError
from provisioner.kinds.secret_scopes.compare import declared_keys
from provisioner.kinds.secret_scopes.operations import ROOT
from provisioner.plan import Operation
from provisioner.resource import Connection, Listed, Live, Phase, Readiness, Resource
from provisioner.secret import SecretReader, resolve
from provisioner.semantics import Document

SECRET_FIELDS: Final = frozenset({"string_value"})
EXISTS: Final = "RESOURCE_ALREADY_EXISTS"


class ScopeDriver:
    """Thread-safe, as far as its connection is. Scope names do not mind the case."""

    def __init__(self, connection: Connection, secrets: SecretReader) -> None:
        self._connection = connection
        self._secrets = secrets
        self._lock = threading.Lock()
        self._scopes: tuple[Document, ...] | None = None

    def inventory(self) -> Sequence[Listed]:
        """All scopes of the workspace, from one request until something is written."""
        return [Listed(scope["name"], scope["name"]) for scope in self._known()]

    def read(self, resource: Resource) -> Live | None:
        """The scope with its keys and their dates; None when there is no such scope."""
        scope = next((s for s in self._known() if _is(s, resource.name)), None)
        if scope is None:
            return None
        keys = self._keys(scope["name"])
        return None if keys is None else _live(resource, scope, keys)

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

    def poll(self) -> Mapping[str, Readiness]:
        """A scope that exists is ready."""
        return {scope["name"]: Readiness(Phase.READY) for scope in self._list()}

    def confirm(self, name: str) -> Readiness:
        """READY if the scope exists, ABSENT otherwise."""
        found = any(_is(scope, name) for scope in self._list())
        return Readiness(Phase.READY if found else Phase.ABSENT)

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
        answer = self._connection.get(path, {"scope": scope})
        return None if answer is None else _entries(answer, "secrets", "key", path)


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
            hint="something between here and the workspace may have answered instead",
        )
    return entries


def _is_named(entry: Any, name: str) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get(name), str)


def _is(scope: Document, name: str) -> bool:
    return bool(scope["name"].casefold() == name.casefold())


def _live(resource: Resource, scope: Document, keys: Sequence[Document]) -> Live:
    stored = {
        entry["key"]: {"last_updated_timestamp": entry.get("last_updated_timestamp")}
        for entry in keys
    }
    document = {"name": resource.name, "secrets": stored}
    if "backend_type" in scope:
        document["backend_type"] = scope["backend_type"]
    # Keys of others may come and go between plan and apply.
    ours = {key: stored.get(key) for key in declared_keys(resource.document)}
    seen = json.dumps([scope["name"], scope.get("backend_type"), ours], sort_keys=True)
    return Live(
        name=resource.name,
        identity=scope["name"],
        document=document,
        fingerprint=f"sha256:{hashlib.sha256(seen.encode()).hexdigest()}",
    )
