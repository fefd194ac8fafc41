"""From the service's answer to a live document in manifest vocabulary. Pure.

The answer is read as raw JSON and taken as it is: partial, newer than we are, or in breach
of our own rules. Nothing here raises, whatever the object holds.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.document import ENTITIES, mapping, parts_of
from provisioner.kinds.model_serving_endpoints.live.readiness import is_updating, readiness
from provisioner.kinds.model_serving_endpoints.serving import DBUS, SINCE
from provisioner.kinds.model_serving_endpoints.vocabulary import OUTPUT_ONLY
from provisioner.model.field_rules import FieldRule
from provisioner.model.live import History, Listed, Live, Ownership
from provisioner.model.paths import Document, Key, Path, path_text

OURS: Final = "provisioner_"
PROJECT, ENVIRONMENT = f"{OURS}project", f"{OURS}environment"
PROTECTED, APPLIED = f"{OURS}protected", f"{OURS}applied"
# One joined tag of an earlier form. Nothing was released with it.
EARLIER_OWNER: Final = f"{OURS}owner"
_APPLIED: Final = re.compile(r"([a-z_]+)-([0-9a-f]{8})(?:-|$)")

FENCE: Final = f"{OURS}fence"
ROLLOUT: Final = f"{OURS}rollout"

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

NEVER_SERVED: Final = "never_served"
"""In ``Live.beside``: a document with the config that failed before any other served."""

FIELDS: Final = (
    "name",
    "config",
    "ai_gateway",
    "tags",
    "description",
    "email_notifications",
    "route_optimized",
    "budget_policy_id",
    "telemetry_config",
)
"""What a create takes, and apart from what cannot be read back, what a GET shows."""


def live(raw: Mapping[str, Any], rules: FieldRule) -> Live:
    """``raw``, the answer to a GET, as the planner wants it.

    ``rules`` is the rule tree of the kind. While an update is in progress the config is
    the one that is coming, otherwise the active one.
    """
    # The active config is about to be replaced: compared with it, a plan would send the update that
    # is in progress once more.
    coming = mapping(raw.get("pending_config")) if is_updating(raw) else {}
    config = coming or mapping(raw.get("config"))
    tags, ownership = split_tags(raw.get("tags"))
    whole = {**raw, "config": _plain_routes(config), "tags": tags}
    unknown: Document = {}
    document = _fields(whole, _api_rules(rules), (), unknown)
    beside = {} if config else _never_served(raw, rules)
    return Live(
        name=_text(raw.get("name")),
        identity=_text(raw.get("id")),
        document=document,
        fingerprint=_fingerprint(
            raw.get("id"), config.get("config_version"), document | beside, ownership
        ),
        ownership=ownership,
        readiness=readiness(raw),
        unknown=tuple(sorted(unknown)),
        beside=beside | _since(config) | _dbus(config) | ({"unknown": unknown} if unknown else {}),
        touched=str(raw.get("last_updated_timestamp", "")),
        history=_history(raw),
        # The workspace may choose another policy than the one asked for [serving-api 8.21].
        usage_policy=_text(raw.get("usage_policy_id")) or _text(raw.get(EFFECTIVE_POLICY)),
        manageable=_manageable(raw.get("permission_level")),
        fence=fence_of(raw.get("tags")),
    )


EFFECTIVE_POLICY: Final = "effective_budget_policy_id"


def _manageable(level: Any) -> bool | None:
    # The level of the caller [serving-api 2.10]. None where the answer has none: not known is not
    # forbidden.
    return level == "CAN_MANAGE" if isinstance(level, str) else None


def _history(raw: Mapping[str, Any]) -> History:
    return History(
        _text(raw.get("creator")),
        _moment(raw.get("creation_timestamp")),
        _moment(raw.get("last_updated_timestamp")),
    )


def _since(config: Mapping[str, Any]) -> Document:
    """Since when each served entity is there, where the service tells."""
    entities = [part.value for part in parts_of({"config": dict(config)}, ENTITIES)]
    times = {
        _text(entity.get("name")): _moment(entity.get("creation_timestamp")) for entity in entities
    }
    since = {name: moment for name, moment in times.items() if moment}
    return {SINCE: since} if since else {}


def _dbus(config: Mapping[str, Any]) -> Document:
    """DBUs an hour of each served entity, where the service tells [serving-api 2.2]."""
    entities = [part.value for part in parts_of({"config": dict(config)}, ENTITIES)]
    ranges = {
        _text(entity.get("name")): [entity["min_dbus"], entity["max_dbus"]]
        for entity in entities
        if all(type(entity.get(name)) in (int, float) for name in ("min_dbus", "max_dbus"))
    }
    return {DBUS: ranges} if ranges else {}


def _moment(milliseconds: Any) -> str:
    """Milliseconds since 1970 in UTC, to the second; ``""`` for anything else."""
    try:
        moment = EPOCH + timedelta(milliseconds=int(milliseconds))
    except (TypeError, ValueError, OverflowError):
        return ""
    # A fifth of the time of `strftime`.
    return f"{moment.isoformat()[:19]}Z"


def _never_served(raw: Mapping[str, Any], rules: FieldRule) -> Document:
    """What settled the sort of an endpoint without an active config: its first one, failed."""
    pending = mapping(raw.get("pending_config"))
    if pending:
        whole = {"config": _plain_routes(pending)}
        return {NEVER_SERVED: _fields(whole, _api_rules(rules), (), {})}
    # Seen in answers, in no schema; an update that was cancelled may leave no other trace.
    if raw.get("endpoint_type") == "EXTERNAL_MODEL":
        model = {"task": raw["task"]} if _text(raw.get("task")) else {}
        return {NEVER_SERVED: {"config": {"served_entities": [{"external_model": model}]}}}
    return {}


def listed(raw: Mapping[str, Any]) -> Listed:
    """One entry of the service's list."""
    _, ownership = split_tags(raw.get("tags"))
    policy = _text(raw.get("usage_policy_id"))
    return Listed(_text(raw.get("name")), _text(raw.get("id")), ownership, readiness(raw), policy)


def fence_of(tags: Any) -> str:
    """Returns the value of the fencing tag, ``""`` without one."""
    entries = map(mapping, tags if isinstance(tags, list) else ())
    return next((_text(tag.get("value")) for tag in entries if tag.get("key") == FENCE), "")


def split_tags(tags: Any) -> tuple[list[Document], Ownership]:
    """The tags that belong to users, and ours. A tag without a value has the value ``""``."""
    entries = map(mapping, tags if isinstance(tags, list) else ())
    values = {tag["key"]: _text(tag.get("value")) for tag in entries if _text(tag.get("key"))}
    # Half an owner is no owner: an endpoint that carries one of the two tags is neither adopted nor
    # deleted, and the plan says why.
    unclear = _unclear(values)
    owner = "" if unclear else "/".join(filter(None, map(values.get, (PROJECT, ENVIRONMENT))))
    ownership = Ownership(
        owner=owner,
        # Anything but `false` protects: a value that a user typed by hand must not allow a
        # deletion.
        protected=values.get(PROTECTED, "false") != "false",
        applied=" ".join(map(":".join, _APPLIED.findall(values.get(APPLIED, "")))),
        unclear=unclear,
        rollout=values.get(ROLLOUT, ""),
    )
    theirs = {key: value for key, value in values.items() if not key.startswith(OURS)}
    return [{"key": key, "value": value} for key, value in theirs.items()], ownership


def ownership_tags(ownership: Ownership) -> dict[str, str]:
    """Returns ``ownership`` as tags, without those that say nothing.

    Project and environment are two tags: joined, `a-b` + `c` would equal `a` + `b-c`. Values hold
    letters, digits, `-` and `_` only: whether the service takes `/` and `:` is not known.
    [serving-api 1.8]
    """
    project, _, environment = ownership.owner.partition("/")
    values = {
        PROJECT: project,
        ENVIRONMENT: environment,
        PROTECTED: "true" if ownership.protected else "",
        # `config:3fa81c22 raw:77f0a1b3` as `config-3fa81c22-raw-77f0a1b3`.
        APPLIED: ownership.applied.replace(":", "-").replace(" ", "-"),
        ROLLOUT: ownership.rollout,
    }
    return {key: value for key, value in values.items() if value}


def _unclear(values: Mapping[str, str]) -> str:
    """Why the ownership tags in ``values`` name no owner; ``""`` where both or none are there."""
    if EARLIER_OWNER in values:
        return f"has the tag `{EARLIER_OWNER}`, which is no longer used"
    present = [key for key in (PROJECT, ENVIRONMENT) if values.get(key)]
    if len(present) == 1:
        return f"has the ownership tag `{present[0]}` but not the other one"
    return ""


def _api_rules(rules: FieldRule) -> FieldRule:
    """The rules of what the API knows: ``lifecycle`` is a word of manifests alone."""
    # Made once a run, not once an endpoint: a project may have a thousand of them.
    known = _API_RULES.get(id(rules))
    if known is None:
        made = FieldRule(fields={n: rules.fields[n] for n in FIELDS if n in rules.fields})
        # The rules are kept too, so that their id stays their own.
        known = _API_RULES[id(rules)] = (rules, made)
    return known[1]


_API_RULES: dict[int, tuple[FieldRule, FieldRule]] = {}


BEDROCK: Final = "bedrock_provider"


def _known(value: Any, rule: FieldRule, path: Path, unknown: Document) -> Any:
    """``value`` without what our vocabulary does not know; that is added to ``unknown``.

    What is no object or list where one belongs is left out, like a null.
    """
    if not rule.fields:
        return _scalar(value, rule, path)
    if not rule.list_key:
        return _fields(value, rule, path, unknown) if isinstance(value, Mapping) else None
    return [
        _fields(entry, rule, (*path, _label(entry, index)), unknown)
        for index, entry in enumerate(value if isinstance(value, list) else ())
        if isinstance(entry, Mapping)
    ]


def _fields(value: Mapping[str, Any], rule: FieldRule, path: Path, unknown: Document) -> Document:
    fields = {}
    # Runs for every object of every answer: what is known comes first and makes no call.
    for name, inner in value.items():
        known = rule.fields.get(name)
        if known is None:
            # `false` too says nothing here: switches that we do not know are echoed when off.
            if not _is_empty(inner) and inner not in ("", False) and not _is_expected(path, name):
                unknown[path_text((*path, name))] = inner
        elif type(inner) is str and known.type == "string" and name != BEDROCK:
            if not known.write_only:
                fields[name] = inner
        # An answer with a write-only field would be new, and nothing could be compared with it.
        elif not known.write_only:
            made = _known(inner, known, (*path, name), unknown)
            if not _is_empty(made):
                fields[name] = made
    return fields


def _is_expected(path: Path, name: str) -> bool:
    """Whether the service adds ``name`` to what is at ``path`` in its answers."""
    place = tuple(segment for segment in path if isinstance(segment, str))
    return name in OUTPUT_ONLY.get(place, {})


def _is_empty(value: Any) -> bool:
    return value is None or (not value and isinstance(value, Mapping | list))


def _label(entry: Mapping[str, Any], index: int) -> Key:
    for name in ("name", "served_entity_name", "key"):
        if isinstance(entry.get(name), str):
            return Key(entry[name])
    return Key(str(index))


def _scalar(value: Any, rule: FieldRule, path: Path) -> Any:
    # JSON of the service's protocol may write 64-bit numbers as text.
    if rule.type == "integer" and isinstance(value, str) and _is_number(value):
        return int(value)
    if path[-1:] == (BEDROCK,) and isinstance(value, str):
        return value.lower()  # The service does not mind the case, the manifest's is lower.
    return value


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and len(digits) <= 18


def _plain_routes(config: Mapping[str, Any]) -> Document:
    """``config`` with one name in each route: the service repeats it under its old name."""
    traffic = mapping(config.get("traffic_config"))
    routes = traffic.get("routes")
    if not isinstance(routes, list):
        return dict(config)
    plain = [_plain_route(route) for route in routes if isinstance(route, Mapping)]
    return {**config, "traffic_config": {**traffic, "routes": plain}}


def _plain_route(route: Mapping[str, Any]) -> Document:
    name = route.get("served_entity_name") or route.get("served_model_name")
    kept = {key: value for key, value in route.items() if key != "served_model_name"}
    return kept | ({"served_entity_name": name} if name else {})


def _fingerprint(
    identity: Any, version: Any, document: Mapping[str, Any], ownership: Ownership
) -> str:
    """Changes with whatever a plan was made from; the order of the service's lists does not
    count, for it is not stable.
    """
    seen = {
        "id": identity,
        "version": version,
        "document": document,
        "marks": ownership_tags(ownership),
    }
    return f"sha256:{hashlib.sha256(canonical(seen).encode()).hexdigest()}"


# `json.dumps` would make an encoder for each call.
_CANONICAL: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def canonical(value: Any) -> str:
    """JSON text that is the same for values that differ in the order of lists only."""
    return _CANONICAL.encode(_ordered(value))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        # Most values are texts: not calling for them halves the time of a fingerprint.
        return {k: inner if type(inner) is str else _ordered(inner) for k, inner in value.items()}
    if isinstance(value, list):
        entries = [_ordered(entry) for entry in value]
        return sorted(entries, key=canonical) if len(entries) > 1 else entries
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
