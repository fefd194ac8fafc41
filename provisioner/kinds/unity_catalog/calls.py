"""Which calls bring an object to its document, decided before any call. Pure.

An update is one PATCH whose mask names the fields that differ and no other: what the mask does
not name stays, also what this version does not know. It carries the etag of the plan.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from provisioner.kinds.unity_catalog import grants, marks
from provisioner.kinds.unity_catalog.securable import COMMENT, GRANTS, PARENT, SecurableKind
from provisioner.model.kind import Intent, OwnCall
from provisioner.model.live import Live, Ownership
from provisioner.model.paths import Document, Key
from provisioner.model.plan import Action, Cause, FieldChange, Operation
from provisioner.model.secret import MARK

ALIASES: Final = "aliases"
ALIAS_PATH: Final = f"/{ALIASES}/[^/?]+"
ETAG: Final = "etag"
VALUE: Final = "value"
SOURCES: Final = ("from_env", "from_file")
OWN_FIELDS: Final = (*SOURCES, "rotated_at")
"""What manifests say about the value of a secret."""

PROVIDER: Final = "config.provider"
PROVIDER_FIELDS: Final = (
    *("openai", "azure_openai", "anthropic", "amazon_bedrock", "bedrock_mantle"),
    *("gemini_enterprise", "microsoft_foundry", "custom"),
)
PLAINTEXT: Final = "plaintext"
CREDENTIALS: Final = frozenset({PLAINTEXT, "secret_reference"})


@dataclass(frozen=True, slots=True)
class CatalogCall(OwnCall):
    """A call about an object of ``kind``; ``query`` are the parameters that it may have.

    ``path`` follows the object's own, or the path of all objects for a create.
    """

    kind: SecurableKind | None = None
    query: frozenset[str] = frozenset()

    def is_about(self, name: str, operation: Operation) -> bool:
        """Returns whether ``operation`` is this call, about the object ``name``."""
        if self.kind is None or operation.method != self.method:
            return False
        path, _, query = operation.path.partition("?")
        parameters = {field: value.lower() for field, value in parse_qsl(query)}
        if self.method == "POST":
            payload = {**(operation.payload or {}), **parameters}
            named = self.kind.named(name)
            given = {field: str(payload.get(field, "")).lower() for field in named}
            return path == self.kind.root and given == named
        place = self.kind.grants_path(name) if self.name_field else self.kind.path(name)
        own = re.escape(place) + self.path
        return re.fullmatch(own, path) is not None and parameters.keys() <= self.query


def own_calls(kind: SecurableKind) -> Mapping[str, OwnCall]:
    """Each call that a plan of ``kind`` may hold."""
    return {
        "create": CatalogCall("POST", "", kind=kind),
        "update": CatalogCall("PATCH", "", kind=kind, query=frozenset({"update_mask", ETAG})),
        "delete": CatalogCall("DELETE", "", kind=kind, query=frozenset({ETAG})),
        "update_grants": CatalogCall("PATCH", "", name_field=GRANTS, kind=kind),
        "set_alias": CatalogCall("PUT", ALIAS_PATH, kind=kind),
        "delete_alias": CatalogCall("DELETE", ALIAS_PATH, kind=kind),
    }


def operations(kind: SecurableKind, intent: Intent) -> tuple[Operation, ...]:
    """The calls for ``intent``, in order."""
    match intent.action:
        case Action.CREATE:
            return tuple(_created(kind, intent))
        case Action.REPLACE:
            return (_delete(kind, intent), *_created(kind, intent))
        case Action.DELETE:
            return (_delete(kind, intent),)
        case Action.UPDATE | Action.ADOPT:
            return tuple(_updated(kind, intent))
        case Action.KEEP | Action.ORPHAN | Action.BLOCKED:
            return ()


def _created(kind: SecurableKind, intent: Intent) -> Iterator[Operation]:
    desired = intent.desired or {}
    body = _sent(kind, desired)
    comment = marks.owned_comment(intent.name, desired.get(COMMENT) or "", intent.ownership)
    if comment:
        body[COMMENT] = comment
    path = kind.root
    if kind.is_service:
        parent, name = (quote(str(desired[field]), safe="") for field in kind.identity)
        path = f"{path}?{PARENT}={parent}&{kind.identity[1]}={name}"
    yield Operation("create", "POST", path, body)
    # Aliases come later: a new object has no versions.
    yield from grants.operations(kind, intent)
    later = {field: desired[field] for field in kind.updated_later if desired.get(field)}
    if later:
        yield Operation("update", "PATCH", kind.path(intent.name), later)


def _sent(kind: SecurableKind, desired: Document) -> Document:
    """What a create takes of a document."""
    identity = () if kind.is_service else kind.identity
    body = {
        field: copy.deepcopy(desired[field])
        for field in (*identity, *kind.created_fields)
        if desired.get(field) is not None
    }
    return body | _value_of(desired)


def _value_of(desired: Document) -> Document:
    """The value of a secret as a reference, where the document says where it comes from."""
    source = {field: desired[field] for field in SOURCES if desired.get(field)}
    return {VALUE: {MARK: source}} if source else {}


def _delete(kind: SecurableKind, intent: Intent) -> Operation:
    return Operation("delete", "DELETE", f"{kind.path(intent.name)}{_etag(kind, intent.live, '?')}")


def _etag(kind: SecurableKind, live: Live | None, before: str) -> str:
    etag = live.beside.get(ETAG) if live else None
    return f"{before}{ETAG}={quote(etag, safe='')}" if kind.is_service and etag else ""


def _updated(kind: SecurableKind, intent: Intent) -> Iterator[Operation]:
    changes = [change for change in intent.changes if change.action is not Action.KEEP]
    own = [change for change in changes if change.path[0] not in (GRANTS, ALIASES)]
    masks = sorted(dict.fromkeys(_masks(kind, intent, own)))
    if masks:
        body = _masked(kind, intent, masks, own)
        path = kind.path(intent.name)
        if kind.has_mask:
            mask = quote(",".join(masks), safe=",.")
            path = f"{path}?update_mask={mask}{_etag(kind, intent.live, '&')}"
        yield Operation("update", "PATCH", path, body)
    yield from _aliases(kind, intent, [*_moved_aliases(intent, changes)])
    yield from grants.operations(kind, intent)


def _moved_aliases(intent: Intent, changes: list[FieldChange]) -> Iterator[str]:
    for change in changes:
        if change.path[0] != ALIASES:
            continue
        entry = change.path[1] if len(change.path) > 1 else None
        yield from [entry.value] if isinstance(entry, Key) else (intent.desired or {})[ALIASES]


def _masks(kind: SecurableKind, intent: Intent, changes: list[FieldChange]) -> Iterator[str]:
    before = intent.live.ownership if intent.live else Ownership()
    if before != intent.ownership:
        yield COMMENT
    for change in changes:
        names = tuple(segment for segment in change.path if isinstance(segment, str))
        if change.cause is Cause.OWNERSHIP:
            continue
        if names[0] in OWN_FIELDS:
            yield VALUE
        elif names[0] in intent.rules.fields and names[0] not in ("lifecycle", *kind.identity):
            yield kind.mask_of(names)


def _masked(
    kind: SecurableKind, intent: Intent, masks: list[str], changes: list[FieldChange]
) -> Document:
    """The body of a PATCH: the fields that the masks name; one that is left out is cleared."""
    desired = intent.desired
    body: Document = {}
    if desired is None:
        # The manifest is gone and the object stays: its comment stays, too.
        desired = intent.live.document if intent.live else {}
    for mask in masks:
        if mask == COMMENT:
            text = desired.get(COMMENT) or ""
            if intent.desired is not None and COMMENT in _kept(intent):
                text = (intent.live.document if intent.live else {}).get(COMMENT) or ""
            body[COMMENT] = marks.owned_comment(intent.name, text, intent.ownership)
        elif mask == VALUE:
            body |= _value_of(desired)
        elif mask == PROVIDER:
            body.setdefault("config", {}).update(_provider(desired, changes))
        else:
            _put(body, desired, mask.split("."))
    return body


def _kept(intent: Intent) -> set[str]:
    """Fields that differ and stay as they are."""
    kept = (change for change in intent.changes if change.action is Action.KEEP)
    return {str(change.path[0]) for change in kept}


def _provider(desired: Document, changes: list[FieldChange]) -> Document:
    """The provider's block; a login with plaintext that does not change is left out, and so stays.

    Then another field can change where the key itself is not at hand.
    [databricks-sdk, update_model_provider_service]
    """
    config = desired.get("config") or {}
    name = next((field for field in PROVIDER_FIELDS if field in config), "")
    if not name:
        return {}
    block = copy.deepcopy(config[name])
    direct = block.get("direct") or {}
    for login in [field for field in direct if _holds_plaintext(direct[field])]:
        place = ("config", name, "direct", login)
        if not any(_overlap(place, change.path) for change in changes):
            del direct[login]
    return {name: block}


def _holds_plaintext(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return PLAINTEXT in value or any(map(_holds_plaintext, value.values()))


def _overlap(place: tuple[str, ...], other: Any) -> bool:
    shorter = min(len(place), len(other))
    return bool(place[:shorter] == tuple(other)[:shorter])


def _put(body: Document, desired: Document, names: list[str]) -> None:
    """Copies what is at ``names``; a field that the manifest does not hold stays out."""
    value: Any = desired
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    place = body
    for name in names[:-1]:
        place = place.setdefault(name, {})
    if value is not None:
        place[names[-1]] = copy.deepcopy(value)
    elif len(names) == 1:
        place[names[0]] = ""


def _aliases(kind: SecurableKind, intent: Intent, names: list[str]) -> Iterator[Operation]:
    wanted = (intent.desired or {}).get(ALIASES) or {}
    for name in sorted(names):
        path = f"{kind.path(intent.name)}/{ALIASES}/{quote(name, safe='')}"
        if wanted.get(name):
            yield Operation("set_alias", "PUT", path, {"version_num": int(wanted[name])})
        elif name in wanted:
            yield Operation("delete_alias", "DELETE", path)
