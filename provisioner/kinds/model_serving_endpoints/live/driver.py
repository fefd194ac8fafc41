"""Reads and writes serving endpoints of one workspace. It decides nothing.

One list serves orphans, the guard and all waiters; a declared endpoint costs one GET.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from provisioner.errors import LostAnswerError, ServiceError, UnreachableError, WorkspaceError
from provisioner.kinds.model_serving_endpoints.live import read as translate
from provisioner.kinds.model_serving_endpoints.live.readiness import failed_entities, readiness
from provisioner.kinds.model_serving_endpoints.planning import permissions
from provisioner.kinds.model_serving_endpoints.planning.calls import (
    CREATES,
    ROOT,
    endpoint_path,
    in_path,
)
from provisioner.kinds.model_serving_endpoints.planning.permissions import (
    PERMISSIONS_ROOT,
    SERVICE_PRINCIPAL,
    USER,
    Access,
    granted,
)
from provisioner.kinds.model_serving_endpoints.validation import existing_endpoints
from provisioner.kinds.model_serving_endpoints.vocabulary import SECRET_FIELDS
from provisioner.model.clock import Now, utc_now
from provisioner.model.connection import MISSING, Connection
from provisioner.model.field_rules import FieldRule
from provisioner.model.live import Listed, Live, Phase, Readiness
from provisioner.model.paths import Document
from provisioner.model.plan import Operation
from provisioner.model.resource import Resource
from provisioner.model.secret import SecretReader, resolve
from provisioner.model.serving import LogSource

ME: Final = "/api/2.0/preview/scim/v2/Me"
# A service principal's login is its application id.
_APPLICATION_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Directory:
    """Thread-safe, as far as its connection is. Who we are is asked once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._caller: tuple[str, str] | None = None

    def caller(self) -> tuple[str, str]:
        """Kind of principal and name of whoever makes these calls."""
        with self._lock:
            if self._caller is None:
                self._caller = self._ask()
            return self._caller

    def access(self, identity: str, creator: Any) -> Access:
        """The grants on the endpoint with the id ``identity``.

        Raises ServiceError where they may not be read, UnreachableError for an answer that
        cannot be about this endpoint: neither is the same as having none.
        """
        path = f"{PERMISSIONS_ROOT}/{identity}"
        answer = self._connection.get(path) or {}
        rows = answer.get("access_control_list")
        about = str(answer.get("object_id", "")).rpartition("/")[2]
        if not isinstance(rows, list) or about != identity:
            raise UnreachableError.of(
                "E435",
                f"GET {path}: the answer does not contain the permissions of this endpoint",
                hint="permissions may not be enabled in this workspace",
            )
        own = {self.caller()[1], creator if isinstance(creator, str) else ""}
        return Access(
            granted(rows, inherited=False),
            granted(rows, inherited=True),
            frozenset(name.casefold() for name in own if name),
        )

    def _ask(self) -> tuple[str, str]:
        name = (self._connection.get(ME) or {}).get("userName")
        if not isinstance(name, str) or not name:
            raise UnreachableError.of(
                "E436",
                f"GET {ME}: the answer does not contain the user",
                hint="a proxy or gateway may have answered instead of the workspace",
            )
        return (SERVICE_PRINCIPAL if _APPLICATION_ID.fullmatch(name) else USER), name


LOG_LINES: Final = 20
LOG_CHARACTERS: Final = 4000
NOT_FOUND: Final = 404
# Of the measured skew, and of a timestamp that is taken when the write is committed.
CLOCK_PRECISION_S: Final = 2.0
# What answers to writes hold beside fields that were sent [serving-api 1.10, 1.11, 8.17].
CONFIRMING: Final = frozenset({"id", "name", "object_id", "tags"})
# A create finds nothing: what it names is missing, a version of a model for instance.
LACKING: Final = "`provisioner plan --preflight` lists what is missing in the workspace"


@dataclass(frozen=True, slots=True)
class _Write:
    """The last write to an endpoint, by the workspace's clock.

    ``before_ms`` and ``answered_ms`` are when the endpoint was last updated, as the read before
    it and its own answer show; calls of a part, such as its tags, do not answer that.
    """

    sent_s: float
    before_ms: int | None
    answered_ms: int | None = None


class EndpointDriver:
    """Thread-safe, as far as its connection is."""

    def __init__(
        self,
        connection: Connection,
        secrets: SecretReader,
        rules: FieldRule,
        now: Now = utc_now,
    ) -> None:
        self._connection = connection
        self._now = now
        self._touched_ms: dict[str, int] = {}
        self._written: dict[str, _Write] = {}
        self._doubtful: set[str] = set()
        self._secrets = secrets
        self._rules = rules
        self._directory = Directory(connection)
        self._lock = threading.Lock()
        self._inventory: tuple[Listed, ...] | None = None

    def inventory(self, near: Sequence[Resource] = ()) -> Sequence[Listed]:
        """All endpoints of the workspace, from one request for the life of this driver."""
        with self._lock:
            if self._inventory is None:
                self._inventory = tuple(translate.listed(entry) for entry in self._list())
            return self._inventory

    def read(self, resource: Resource) -> Live | None:
        """Returns the live endpoint; None where the service says that it does not exist.

        Raises ServiceError where it may not be read, UnreachableError for an answer that
        cannot be about this endpoint.
        """
        raw = self._get(resource.name)
        if raw is None:
            return None
        live = translate.live(raw, self._rules)
        live = replace(live, shows_last_write=self._shows_last_write(live, raw))
        if resource.existing:
            live = existing_endpoints.limited(live, resource)
        if permissions.FIELD not in resource.document:
            return live
        access = self._directory.access(live.identity, raw.get("creator"))
        return permissions.with_access(live, resource, access)

    def examine(self, resource: Resource, live: Live) -> Live:
        """``live`` with the direct grants that no call would give again after a replacement."""
        access = self._directory.access(live.identity, "")
        _, caller = self._directory.caller()
        return replace(live, at_stake=permissions.at_stake(resource, access, caller))

    def perform(self, operation: Operation, identity: str) -> str:
        """Sends one call. Returns the identity that a create's answer brings, else ``""``.

        Raises LostAnswerError when the answer to a create is about another endpoint: whether
        the endpoint exists is then unknown.
        """
        body = resolve(operation.payload, SECRET_FIELDS, self._secrets)
        if permissions.mentions_caller(body):
            body = permissions.with_caller(body, self._directory.caller())
        path = operation.path.replace("{id}", identity)
        creating = operation.call in CREATES
        try:
            answer = self._send(operation.method, path, body, creating)
        except ServiceError as error:
            if operation.call == "delete" and error.error_code in MISSING:
                return ""  # Gone is what was asked for; a repeated delete finds nothing.
            if creating and error.status == NOT_FOUND:
                raise error.with_hint(LACKING) from error
            raise
        if not creating:
            # Only a create makes an identity. An `id` in another answer may be anybody's, and
            # after a delete it would make the endpoint that is still there look like a new one.
            return ""
        _expect_created(answer, body, f"{operation.method} {path}")
        created = answer.get("id")
        return created if isinstance(created, str) else ""

    def fence(self, name: str, value: str) -> bool:
        """Writes the fencing tag of the endpoint ``name``; ``""`` removes it."""
        added = {"add_tags": [{"key": translate.FENCE, "value": value}]}
        body = added if value else {"delete_tags": [translate.FENCE]}
        path = f"{endpoint_path(name)}/tags"
        self._connection.send("PATCH", path, body, repeatable=True)
        return True

    def _send(self, method: str, path: str, body: Any, creating: bool) -> Document:
        """Sends a write, and remembers when it was sent, in the workspace's time."""
        sent_s = self._now().timestamp() + self._connection.clock_skew_s
        name = _part_below(ROOT, path)
        write = _Write(sent_s, self._touched_ms.get(name))
        if name:
            self._written[name] = write
        deleting = method == "DELETE"
        answer = self._connection.send(
            method, path, body, repeatable=not creating and not deleting, once=deleting
        )
        if not deleting and not _confirms(answer, body):
            self._doubtful.add(name or _part_below(PERMISSIONS_ROOT, path))
        touched_ms = answer.get("last_updated_timestamp")
        if name and isinstance(touched_ms, int):
            self._written[name] = replace(write, answered_ms=touched_ms)
        return answer

    def _shows_last_write(self, live: Live, raw: Mapping[str, Any]) -> bool | None:
        """Whether ``raw`` is as new as the last write of this driver to the endpoint.

        That every write below an endpoint moves ``last_updated_timestamp`` is assumed. None after
        a write that no answer confirmed: then an old state is no proof that reads lag.
        """
        name = in_path(live.name)
        touched_ms = raw.get("last_updated_timestamp")
        if not isinstance(touched_ms, int):
            return None
        self._touched_ms[name] = touched_ms
        if name not in self._written or not self._doubtful.isdisjoint({name, live.identity}):
            return None
        write = self._written[name]
        if write.answered_ms is not None:
            # The answer is the endpoint after the write, also where the write moved nothing.
            return touched_ms >= write.answered_ms
        # Two signs, because either may miss: an earlier write of this step may show already,
        # and clocks are compared to two seconds only.
        is_later = touched_ms / 1000 >= write.sent_s - CLOCK_PRECISION_S
        return is_later and touched_ms != write.before_ms

    def poll(self) -> Mapping[str, Readiness]:
        """Name to readiness, from a fresh list. The list says nothing about deployments."""
        return {
            endpoint.name: endpoint.readiness for endpoint in map(translate.listed, self._list())
        }

    def confirm(self, name: str) -> Readiness:
        """The readiness of one endpoint; after a failure with the tail of its build log."""
        raw = self._get(name)
        if raw is None:
            return Readiness(Phase.ABSENT, "the workspace has no such endpoint")
        confirmed = readiness(raw)
        if confirmed.phase is not Phase.FAILED:
            return confirmed
        return Readiness(
            confirmed.phase, confirmed.message, self._build_log(name, failed_entities(raw))
        )

    def _list(self) -> list[Document]:
        try:
            answer = self._connection.get(ROOT) or {}
        except ServiceError as error:
            if error.status != NOT_FOUND:
                raise
            raise UnreachableError.of(
                "E433",
                f"GET {ROOT}: the workspace does not support serving endpoints: {error.reason}",
                hint="model serving may not be enabled in this workspace",
            ) from error
        # A workspace without endpoints may leave the field out, and then has no other.
        entries = answer.get("endpoints", [] if not answer else None)
        if not isinstance(entries, list) or not all(map(_is_named, entries)):
            raise UnreachableError.of(
                "E430",
                f"GET {ROOT}: the answer is not a list of serving endpoints",
                hint="a proxy or gateway may have answered instead of the workspace",
            )
        return entries

    def _get(self, name: str) -> Document | None:
        path = endpoint_path(name)
        raw = self._connection.get(path, absent=MISSING)
        if raw is None:
            return None
        if raw.get("name") != name or not isinstance(raw.get("id"), str):
            raise UnreachableError.of(
                "E431",
                f"GET {path}: the answer does not describe the endpoint `{name}`",
                hint="a proxy or gateway may have answered instead of the workspace",
            )
        return raw

    def _build_log(self, name: str, entities: Sequence[str]) -> str:
        """The end of the first failed entity's build log, or ``""``: best effort."""
        for entity in entities:
            path = f"{endpoint_path(name)}/served-models/{in_path(entity)}/build-logs"
            try:
                logs = (self._connection.get(path) or {}).get("logs")
            except WorkspaceError:
                continue
            if isinstance(logs, str) and logs.strip():
                return _tail(logs)
        return ""


def _part_below(root: str, path: str) -> str:
    """The part of ``path`` that follows ``root``, which is a name or an id; ``""`` elsewhere."""
    return path.removeprefix(f"{root}/").partition("/")[0] if path.startswith(f"{root}/") else ""


def _confirms(answer: Mapping[str, Any], body: Any) -> bool:
    """Whether an answer to a write says anything about what was written.

    A gateway answers ``{}`` as well, and then nothing may have been written.
    """
    sent = body.keys() if isinstance(body, Mapping) else set()
    return not sent or not (CONFIRMING | sent).isdisjoint(answer)


def _is_named(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("name"), str)


def _expect_created(answer: Mapping[str, Any], body: Mapping[str, Any], call: str) -> None:
    if answer.get("name") != body.get("name"):
        raise LostAnswerError.of(
            "E432",
            f"{call}: the answer does not describe the created endpoint",
            hint="run the same command again: it checks whether the endpoint exists",
        )


def _tail(log: str) -> str:
    """The last lines of ``log``, without control characters."""
    clean = "".join(c if c.isprintable() or c == "\n" else " " for c in log.replace("\r\n", "\n"))
    lines = clean[-LOG_CHARACTERS:].strip().splitlines()
    return "\n".join(lines[-LOG_LINES:])


ROUTES: Final = {LogSource.BUILD: "build-logs", LogSource.SERVER: "logs"}


def read_log(connection: Connection, name: str, entity: str, source: LogSource) -> str:
    """Returns one log of the served entity ``entity`` of the endpoint ``name``.

    [serving-api 1.12] Raises WorkspaceError, also where the endpoint has no such entity.
    """
    path = f"{endpoint_path(name)}/served-models/{in_path(entity)}/{ROUTES[source]}"
    text = (connection.get(path) or {}).get("logs")
    return text if isinstance(text, str) else ""
