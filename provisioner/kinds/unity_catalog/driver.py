"""Reads and writes the objects of one kind of Unity Catalog. It decides nothing.

One GET for a declared object, one of its grants where the manifest declares any, and one list for
each declared schema, in small pages: large ones were seen to be cut off.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote

from provisioner.errors import RefusedError, ServiceError, UnreachableError
from provisioner.kinds.unity_catalog import grants, live_document, marks
from provisioner.kinds.unity_catalog.calls import ALIASES, ETAG, VALUE
from provisioner.kinds.unity_catalog.securable import (
    ABSENT,
    ABSENT_VERSIONS,
    COMMENT,
    GRANTS,
    ROOT,
    SecurableKind,
)
from provisioner.model.connection import Connection
from provisioner.model.field_rules import FieldRule
from provisioner.model.live import History, Listed, Live, Phase, Readiness
from provisioner.model.paths import Document
from provisioner.model.plan import Operation
from provisioner.model.resource import Resource
from provisioner.model.secret import SecretReader, resolve

SECRET_FIELDS: Final = frozenset({"plaintext", VALUE})
ASSIGNMENT: Final = f"{ROOT}/current-metastore-assignment"
COPIED: Final = "copied_mark"
MOST_PAGES: Final = 1000
# Nobody knows how the service refuses an etag, so each of these counts. [assumed]
STALE_STATUSES: Final = (409, 412)
FORBIDDEN: Final = 403


class CatalogDriver:
    """Thread-safe, as far as its connection is."""

    def __init__(
        self, kind: SecurableKind, connection: Connection, secrets: SecretReader, rules: FieldRule
    ) -> None:
        self._kind = kind
        self._connection = connection
        self._secrets = secrets
        self._rules = rules
        self._lock = threading.Lock()
        self._workspace: tuple[str, str] | None = None
        self._schemas: frozenset[str] = frozenset()

    def inventory(self, near: Sequence[Resource] = ()) -> Sequence[Listed] | None:
        """The objects of the schemas that ``near`` is in; None where one may not be listed.

        There is no list across schemas, and no list is not the same as nothing there.
        """
        depth = len(self._kind.identity) if not self._kind.is_service else 3
        names = (resource.name for resource in near if "." in resource.name)
        schemas = {".".join(name.split(".")[: depth - 1]) for name in names}
        with self._lock:
            self._schemas |= schemas
        try:
            return [listed for schema in sorted(schemas) for listed in self._list(schema)]
        except ServiceError:
            return None

    def read(self, resource: Resource) -> Live | None:
        """The live object; None where the service says that it does not exist.

        Raises ServiceError where it may not be read: that is never the same as absent.
        """
        path = self._kind.path(resource.name)
        raw = self._connection.get(path, self._kind.read_query or None, absent=ABSENT)
        if raw is None:
            return None
        if self._kind.name_in(raw) != resource.name:
            raise UnreachableError.of(
                "E431",
                f"GET {path}: the answer does not describe `{resource.name}`",
                hint="a proxy or gateway may have answered instead of the workspace",
            )
        assignments = self._grants(resource) if GRANTS in resource.document else None
        return self._live(raw, resource, assignments)

    def examine(self, resource: Resource, live: Live) -> Live:
        """``live`` with the grants that no call would give again after a replacement."""
        stake = grants.at_stake(self._grants(resource), resource)
        return replace(live, at_stake=stake)

    def perform(self, operation: Operation, identity: str) -> str:
        """Sends one call. Raises RefusedError where the object changed since it was planned."""
        body = resolve(operation.payload, SECRET_FIELDS, self._secrets)
        if isinstance(body, dict) and COMMENT in body:
            body[COMMENT] = marks.written(body[COMMENT], self._kind.name, *self._here(body))
        is_create, is_deletion = operation.call == "create", operation.method == "DELETE"
        has_etag = f"{ETAG}=" in operation.path
        try:
            answer = self._connection.send(
                operation.method,
                operation.path,
                body,
                # With an etag the second try of a write that arrived would be refused.
                repeatable=not (is_create or is_deletion or has_etag),
                once=is_deletion,
            )
        except ServiceError as error:
            if is_deletion and error.error_code in ABSENT:
                return ""
            if has_etag and _is_stale(error):
                raise _changed(unquote(operation.path.partition("?")[0]), error) from error
            raise
        return self._identity(answer) if is_create else ""

    def fence(self, name: str, value: str) -> bool:
        """Returns False: the objects carry no tags. A deletion carries the etag instead."""
        return False

    def poll(self) -> Mapping[str, Readiness]:
        """What exists in the schemas that were listed; what exists is ready."""
        with self._lock:
            schemas = sorted(self._schemas)
        names = (listed.name for schema in schemas for listed in self._list(schema))
        return {name: Readiness(Phase.READY) for name in names}

    def confirm(self, name: str) -> Readiness:
        """READY if the object exists, ABSENT otherwise."""
        raw = self._connection.get(self._kind.path(name), absent=ABSENT)
        return Readiness(Phase.ABSENT if raw is None else Phase.READY)

    def _here(self, body: Document) -> tuple[str, str]:
        """Metastore and workspace, where the comment of ``body`` says who owns the object."""
        return self._assignment() if isinstance(body[COMMENT], Mapping) else ("", "")

    def _assignment(self) -> tuple[str, str]:
        """The ids of the metastore and of the workspace: asked once."""
        with self._lock:
            if self._workspace is None:
                answer = self._connection.get(ASSIGNMENT) or {}
                identity = (answer.get("metastore_id"), answer.get("workspace_id"))
                if not all(identity):
                    raise UnreachableError.of(
                        "E438",
                        f"GET {ASSIGNMENT}: the answer does not contain the metastore and the "
                        "workspace",
                        hint="resources of this kind require a workspace with Unity Catalog",
                    )
                self._workspace = (str(identity[0]), str(identity[1]))
            return self._workspace

    def _grants(self, resource: Resource) -> list[Document]:
        """All pages of the direct grants."""
        path, token = self._kind.grants_path(resource.name), ""
        assignments: list[Document] = []
        for _ in range(MOST_PAGES):
            query = {"max_results": "0", **({"page_token": token} if token else {})}
            answer = self._connection.get(path, query) or {}
            assignments += answer.get("privilege_assignments") or []
            token = str(answer.get("next_page_token") or "")
            if not token:
                break
        return assignments

    def _list(self, schema: str) -> list[Listed]:
        """All objects of one schema. A page may be empty and have a next one."""
        listed: list[Listed] = []
        query = self._kind.list_query(schema)
        for _ in range(MOST_PAGES):
            answer = self._connection.get(self._kind.root, query, absent=ABSENT) or {}
            entries = answer.get(self._kind.list_field) or []
            listed += [self._listed(each) for each in entries if self._kind.name_in(each)]
            token = answer.get("next_page_token")
            if not token:
                break
            query = {**query, "page_token": str(token)}
        return listed

    def _listed(self, raw: Document) -> Listed:
        name = self._kind.name_in(raw)
        marked = self._marked(raw, name)
        identity = self._identity(raw)
        return Listed(name, identity, marked.ownership, copied_owner=marked.copied_owner)

    def _identity(self, raw: Mapping[str, Any]) -> str:
        """What tells an object from a later one of its name: when it was created."""
        created = raw.get("create_time") or raw.get("created_at") or ""
        return f"{self._kind.name_in(raw)}@{created}"

    def _marked(self, raw: Document, name: str) -> marks.MarkedComment:
        comment = raw.get(COMMENT)
        here = self._assignment() if marks.has_mark(comment) else ("", "")
        metastore = str(raw.get("metastore_id") or here[0])
        place = marks.CatalogPlace(self._kind.name, name, metastore, here[1])
        return marks.read(comment, place)

    def _live(self, raw: Document, resource: Resource, assignments: list[Document] | None) -> Live:
        unknown: list[str] = []
        marked = self._marked(raw, resource.name)
        ignored = self._kind.output_only
        document = live_document.known_fields(
            live_document.with_deleted_targets(raw), self._rules, (), ignored, unknown
        )
        document[COMMENT] = marked.text
        if not marked.text:
            del document[COMMENT]
        document = self._named(document, raw, resource)
        if assignments is not None:
            document[GRANTS] = grants.document_of(assignments, resource)
        if resource.existing:
            document = {name: document[name] for name in document if name in resource.document}
        # A target that is deleted meanwhile is no edit of this object.
        facts = [raw.get(ETAG), live_document.without_marks(document), vars_of(marked)]
        absent_versions = self._absent_versions(document, resource)
        facts += [absent_versions] if absent_versions else []
        return Live(
            name=resource.name,
            identity=self._identity(raw),
            document=document,
            fingerprint=live_document.fingerprint(self._identity(raw), facts),
            ownership=marked.ownership,
            unknown=tuple(unknown),
            beside={
                ETAG: raw.get(ETAG),
                COPIED: bool(marked.copied_owner),
                live_document.DELETED: _deleted_in(raw),
                ABSENT_VERSIONS: absent_versions,
            },
            touched=str(raw.get("update_time") or raw.get("updated_at") or ""),
            history=_history(raw),
        )

    def _absent_versions(self, document: Document, resource: Resource) -> list[str]:
        """The versions of the manifest's new or moved aliases that do not exist."""
        set_here, wanted = document.get(ALIASES) or {}, resource.document.get(ALIASES) or {}
        moved = {str(wanted[name]) for name in wanted if wanted[name] != set_here.get(name)}
        # Asked only about aliases that differ: a plan without changes costs no request more.
        path = f"{self._kind.path(resource.name)}/versions"
        return [
            version
            for version in sorted(moved - {""})
            if self._connection.get(f"{path}/{version}", absent=ABSENT) is None
        ]

    def _named(self, document: Document, raw: Document, resource: Resource) -> Document:
        """``document`` with its name, in the words of the manifest where both mean the same."""
        desired = resource.document
        named = {
            field: desired.get(field, value)
            for field, value in self._kind.named(resource.name).items()
        }
        document = {**document, **named}
        aliases = raw.get(ALIASES) or ()
        if aliases or desired.get(ALIASES):
            document[ALIASES] = _aliases(aliases, desired)
        document = live_document.spelled_as(document, desired, self._rules)
        return self._kind.spelled(document, desired) if self._kind.spelled else document


def vars_of(marked: marks.MarkedComment) -> list[Any]:
    """What of a comment the fingerprint covers."""
    ownership = marked.ownership
    return [ownership.owner, ownership.protected, ownership.applied, bool(marked.copied_owner)]


def _aliases(aliases: Iterable[Any], desired: Document) -> Document:
    """Alias to version; of a manifest's own aliases only those, others are not managed."""
    wanted = desired.get(ALIASES)
    # An alias that is to be gone and is gone is no difference.
    version_of_alias = {
        str(name): version for name, version in (wanted or {}).items() if not version
    }
    version_of_alias |= {each.get("alias_name"): str(each.get("version_num")) for each in aliases}
    return {
        str(name): version
        for name, version in sorted(version_of_alias.items(), key=str)
        if wanted is None or name in wanted
    }


def _deleted_in(value: Any) -> list[str]:
    """The names of the destinations whose target was deleted."""
    if isinstance(value, Mapping):
        own = [str(value.get("name", ""))] if value.get(live_document.DELETED) is True else []
        return own + [name for inner in value.values() for name in _deleted_in(inner)]
    return [n for inner in value for n in _deleted_in(inner)] if isinstance(value, list) else []


def _history(raw: Document) -> History:
    times = [raw.get(name) for name in ("create_time", "update_time")]
    texts = [time if isinstance(time, str) else "" for time in times]
    return History(str(raw.get("created_by") or ""), *texts)


def _is_stale(error: ServiceError) -> bool:
    return error.status in STALE_STATUSES or (
        error.status == 400 and "etag" in error.reason.lower()
    )


def _changed(path: str, error: ServiceError) -> RefusedError:
    return RefusedError.of(
        "E601",
        f"{path} changed after the plan was made: {error.reason}",
        hint="make a new plan, which shows the current differences",
    )
