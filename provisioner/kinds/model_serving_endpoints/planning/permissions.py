"""Grants on an endpoint: what an answer says of them, and the list that is sent. Pure.

Only direct grants can be changed. Those of the creator and of the caller stay as they are,
whatever a manifest says, so that nobody is locked out of what he made or is working on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.document import mapping, parts_of
from provisioner.model.kind import Intent
from provisioner.model.live import Live
from provisioner.model.paths import Document, Key
from provisioner.model.plan import ABSENT, Action, Cause, FieldAction, FieldChange, Operation
from provisioner.model.resource import Resource

FIELD: Final = "permissions"
PERMISSIONS_ROOT: Final = "/api/2.0/permissions/serving-endpoints"
LEVELS: Final = ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE")
"""Weakest first."""
GROUP, USER, SERVICE_PRINCIPAL = "group_name", "user_name", "service_principal_name"
PRINCIPALS: Final = (GROUP, USER, SERVICE_PRINCIPAL)
CALLER: Final = "{caller}"
"""Stands in a payload for who applies it, where that is known only then."""


@dataclass(frozen=True, slots=True)
class Grant:
    """``kind`` is one of ``PRINCIPALS``, ``name`` the principal."""

    kind: str
    name: str
    level: str

    @property
    def who(self) -> tuple[str, str]:
        """What tells principals apart: names do not mind the case."""
        return self.kind, self.name.casefold()

    @property
    def label(self) -> str:
        """The grant's key in the paths of a plan."""
        return self.name if self.kind == GROUP else f"{self.kind}:{self.name}"

    @property
    def document(self) -> Document:
        """As it stands in a manifest."""
        return {"level": self.level, self.kind: self.name}

    @property
    def wire(self) -> Document:
        """As it is sent."""
        return {self.kind: self.name, "permission_level": self.level}


@dataclass(frozen=True, slots=True)
class Access:
    """Who may do what on one endpoint, and whose grants are not to be touched.

    ``own`` are the names of its creator and of the caller, in lower case.
    """

    direct: tuple[Grant, ...] = ()
    inherited: tuple[Grant, ...] = ()
    own: frozenset[str] = frozenset()

    def is_own(self, grant: Grant) -> bool:
        return grant.kind != GROUP and grant.name.casefold() in self.own


def declared(document: Document) -> list[Grant]:
    """The grants of a manifest, as far as they are well formed."""
    grants = (_declared(part.value) for part in parts_of(document, (FIELD,)))
    return [grant for grant in grants if grant]


def _declared(entry: Mapping[str, Any]) -> Grant | None:
    principals = [(kind, entry[kind]) for kind in PRINCIPALS if isinstance(entry.get(kind), str)]
    # The service takes one principal a row; `validate` reports rows with none or with several.
    if len(principals) != 1:
        return None
    return Grant(*principals[0], str(entry.get("level")))


def granted(rows: Iterable[Any], *, inherited: bool) -> tuple[Grant, ...]:
    """The direct or the inherited grants in the service's list, the strongest of each."""
    return tuple(grant for row in rows if (grant := _granted(mapping(row), inherited)))


def _granted(row: Mapping[str, Any], inherited: bool) -> Grant | None:
    principals = [(kind, row[kind]) for kind in PRINCIPALS if isinstance(row.get(kind), str)]
    entries = row.get("all_permissions")
    levels = [
        str(mapping(entry).get("permission_level"))
        for entry in (entries if isinstance(entries, list) else ())
        if bool(mapping(entry).get("inherited")) is inherited
    ]
    if not principals or not levels:
        return None
    return Grant(*principals[0], max(levels, key=_strength))


def _strength(level: str) -> int:
    """A level that we do not know counts as the strongest: it is not to be lost."""
    # The service may add levels. Taking one for the weakest would let an apply lower it.
    return LEVELS.index(level) if level in LEVELS else len(LEVELS)


def with_access(live: Live, resource: Resource, access: Access) -> Live:
    """``live`` with its grants, spelled like the manifest's where only the case differs.

    Own grants that the manifest does not hold are no part of the comparison; of an endpoint
    that is created elsewhere, neither is any other grant that it does not hold.
    """
    wanted = {grant.who: grant for grant in declared(resource.document)}
    direct = [_spelled(grant, wanted) for grant in access.direct]
    own = [grant for grant in direct if access.is_own(grant)]
    # PUT replaces the whole list, so what is not compared must be kept to be sent again.
    aside = [
        grant
        for grant in direct
        if grant.who not in wanted and (resource.existing or access.is_own(grant))
    ]
    compared = [grant for grant in direct if grant not in aside]
    inherited = [_spelled(grant, wanted) for grant in access.inherited]
    enough = [grant for grant in inherited if _suffices(grant, wanted)]
    beside = {
        "own": [grant.label for grant in own],
        "kept": [grant.wire for grant in aside],
        "inherited": [grant.label for grant in enough],
    }
    return replace(
        live,
        document={**live.document, FIELD: [grant.document for grant in compared]},
        fingerprint=_fingerprint(live, compared, aside),
        beside={**live.beside, FIELD: beside},
    )


def _spelled(grant: Grant, wanted: Mapping[tuple[str, str], Grant]) -> Grant:
    return replace(grant, name=wanted[grant.who].name) if grant.who in wanted else grant


def _suffices(grant: Grant, wanted: Mapping[tuple[str, str], Grant]) -> bool:
    required = wanted.get(grant.who)
    return required is not None and _strength(grant.level) >= _strength(required.level)


def _fingerprint(live: Live, compared: Iterable[Grant], aside: Iterable[Grant]) -> str:
    # A plan is stale when a grant changed by hand after it was made, also one that is kept.
    rows = [sorted((grant.label, grant.level) for grant in part) for part in (compared, aside)]
    seen = json.dumps([live.fingerprint, rows])
    return f"sha256:{hashlib.sha256(seen.encode()).hexdigest()}"


def verdict(change: FieldChange, live: Live) -> FieldAction | None:
    """What becomes of one difference between declared and actual grants."""
    label = _label_in(change)
    beside = mapping(live.beside.get(FIELD))
    if label in beside.get("own", ()):
        return FieldAction(Action.KEEP, Cause.OWN_ACCESS)
    if change.before is ABSENT and label in beside.get("inherited", ()):
        return FieldAction(Action.KEEP, Cause.INHERITED)
    return None


def _label_in(change: FieldChange) -> str:
    segment = change.path[1] if len(change.path) > 1 else ""
    return segment.value if isinstance(segment, Key) else ""


def set_permissions(intent: Intent) -> Iterator[Operation]:
    """The call that grants what is declared: the whole list, for it replaces the list."""
    rows = _rows_anew(intent) if _is_new(intent) else _rows(intent)
    # Permissions take the id of an endpoint, which exists only after its creation: the driver
    # fills `{id}` in.
    known = "" if _is_new(intent) or intent.live is None else intent.live.identity
    path = f"{PERMISSIONS_ROOT}/{known or '{id}'}"
    yield Operation("set_permissions", "PUT", path, {"access_control_list": rows})


def after_create(intent: Intent) -> Iterator[Operation]:
    """The call for an endpoint that has just been created; none where nothing is granted."""
    if declared(intent.desired or {}):
        yield from set_permissions(intent)


def _is_new(intent: Intent) -> bool:
    return intent.live is None or intent.action is Action.REPLACE


def _rows_anew(intent: Intent) -> list[Document]:
    """Whoever creates an endpoint manages it, and goes on doing so."""
    caller = Grant(USER, CALLER, LEVELS[-1])
    return [grant.wire for grant in (*declared(intent.desired or {}), caller)]


def _rows(intent: Intent) -> list[Document]:
    live = intent.live or Live(intent.name, "", {}, "")
    actual = {grant.label: grant for grant in declared(live.document)}
    left = {
        _label_in(change)
        for change in intent.changes
        if change.path[0] == FIELD and change.action is Action.KEEP
    }
    wanted = [grant for grant in declared(intent.desired or {}) if grant.label not in left]
    stay = [actual[label] for label in sorted(left) if label in actual]
    kept: list[Document] = mapping(live.beside.get(FIELD)).get("kept", [])
    return [*(grant.wire for grant in (*wanted, *stay)), *kept]


def mentions_caller(payload: Any) -> bool:
    """Whether the caller's name is to be put in."""
    rows = mapping(payload).get("access_control_list", ())
    return any(row.get(USER) == CALLER for row in rows)


def with_caller(payload: Mapping[str, Any], caller: tuple[str, str]) -> Document:
    """``payload`` with the caller's kind and name where it stands for them.

    A row that grants the caller something else is left out: a principal is there once.
    """
    rows, (kind, name) = payload["access_control_list"], caller
    others = [
        row
        for row in rows
        if row.get(USER) != CALLER and str(row.get(kind, "")).casefold() != name.casefold()
    ]
    return {**payload, "access_control_list": [*others, Grant(kind, name, LEVELS[-1]).wire]}


def at_stake(resource: Resource, access: Access, caller: str) -> tuple[str, ...]:
    """In words, the direct grants that a replacement would lose.

    The caller's own is not among them: who creates an endpoint manages it.
    """
    wanted = {grant.who for grant in declared(resource.document)}
    return tuple(
        f"{grant.level} of {_KIND_IN_WORDS[grant.kind]} {grant.name}"
        for grant in access.direct
        if grant.who not in wanted
        and (grant.kind == GROUP or grant.name.casefold() != caller.casefold())
    )


_KIND_IN_WORDS: Final = {GROUP: "group", USER: "user", SERVICE_PRINCIPAL: "service principal"}
