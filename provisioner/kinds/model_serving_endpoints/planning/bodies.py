"""The config as a call sends it that replaces all of it. Pure.

Only what the manifest holds is sent, but for what the service would otherwise keep from the
config before, or might: that is not established [serving-api 3.3], so nothing depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    RAW,
    ROUTES,
    Sort,
    at,
    mapping,
    parts_of,
    sorts_in,
)
from provisioner.kinds.model_serving_endpoints.live.read import FIELDS
from provisioner.kinds.model_serving_endpoints.planning.config_actions import CAPTURE
from provisioner.kinds.model_serving_endpoints.vocabulary import default_entity_name
from provisioner.model.documents import entries_by_label, entry_rule, parts_of_entry
from provisioner.model.field_rules import PLAIN, FieldRule, rule_at
from provisioner.model.kind import Intent
from provisioner.model.paths import Document, Key, Path
from provisioner.model.plan import ABSENT, Cause, FieldChange

# service/serving.py create_provisioned_throughput_endpoint: fewer fields than the other call.
NOT_WITH_UNITS: Final = frozenset(("description", "route_optimized", "telemetry_config"))


def has_units(document: Document) -> bool:
    """Whether the endpoint is one of those that are created and updated through ``/pt``."""
    return Sort.UNITS in sorts_in(document)


def create_body(desired: Document) -> Document:
    """Everything that is sent when an endpoint is created, but for our marks."""
    left_out = NOT_WITH_UNITS if has_units(desired) else frozenset()
    body = {name: desired[name] for name in FIELDS if name in desired and name not in left_out}
    if "config" in body:
        body["config"] = config_body(body["config"])
    if "ai_gateway" in body:
        body["ai_gateway"] = merged(body["ai_gateway"])
    # No name can be there twice: `validate` refuses known fields below `raw`.
    return body | dict(mapping(desired.get(RAW)))


def config_body(config: Any) -> Document:
    """A config as it is sent."""
    body = merged(config)
    entities = body.get("served_entities")
    if isinstance(entities, list):
        body["served_entities"] = [_entity_body(entity) for entity in entities]
    return body


def _entity_body(entity: Any) -> Document:
    body = merged(entity)
    model = body.get("external_model")
    return body | {"external_model": merged(model)} if isinstance(model, Mapping) else body


def merged(block: Any) -> Document:
    """``block`` with the fields of its ``raw`` beside the others."""
    fields = dict(mapping(block))
    return fields | dict(mapping(fields.pop(RAW, {})))


def with_live_values(intent: Intent, field: str) -> Any:
    """The desired value of ``field``, with the live one wherever the plan ignores a change.

    Other changes that the plan keeps are left out: what the service chose for itself is
    never sent. None where there is nothing to send.
    """
    wanted = (intent.desired or {}).get(field, ABSENT)
    live = intent.live.document if intent.live else {}
    for change in intent.changes:
        if change.path[0] == field and change.cause is Cause.IGNORED:
            path, value = _whole_list(change, live, intent.rules)
            wanted = _put(wanted, path[1:], value, intent.rules.fields.get(field, PLAIN))
    return None if wanted is ABSENT else wanted


def _whole_list(change: FieldChange, live: Document, rules: FieldRule) -> tuple[Path, Any]:
    """Path and live value of ``change``; of a list without keys always the whole list."""
    for index, segment in enumerate(change.path):
        rule = rule_at(rules, change.path[:index])
        if isinstance(segment, Key) and not (rule.list_key or rule.mapping):
            # Entries of a list without keys have no names that a call could address: `[a, b]`
            # against the live `[a, c]` is one change of the list, so the live list goes back as a
            # whole.
            place = tuple(str(name) for name in change.path[:index])
            whole = at(live, place)
            return change.path[:index], ABSENT if whole is None else whole
    return change.path, change.before


def _put(value: Any, path: Path, new: Any, rule: FieldRule) -> Any:
    """``value`` with ``new`` at ``path``; ABSENT where nothing is left of it."""
    if not path:
        return new
    segment, rest = path[0], path[1:]
    if isinstance(segment, Key) and rule.mapping:
        segment = segment.value
    if isinstance(segment, Key):
        held = value if isinstance(value, list) else []
        # Only a part of an entry may be meant: then each part becomes an entry.
        entries = [part for entry in held for part in parts_of_entry(entry, rule)]
        place = _index(entries, segment, rule)
        old = entries[place] if place < len(entries) else ABSENT
        changed = _put(old, rest, new, entry_rule(rule))
        # An ignored entry that is gone live is gone in the body too: sending it would undo the
        # removal that the manifest says to ignore.
        entry = [] if changed is ABSENT else [changed]
        return [*entries[:place], *entry, *entries[place + 1 :]]
    fields = dict(mapping(value))
    inner = _put(fields.get(segment, ABSENT), rest, new, rule.fields.get(segment, PLAIN))
    others = {name: value for name, value in fields.items() if name != segment}
    return (others or ABSENT) if inner is ABSENT else {**fields, segment: inner}


def _index(entries: list[Any], key: Key, rule: FieldRule) -> int:
    """Where the entry of ``key`` is; a single unnamed one is meant by any key."""
    labels = list(entries_by_label(entries, rule))
    if key.value in labels:
        return labels.index(key.value)
    return 0 if labels == [""] else len(labels)


def whole_config(intent: Intent) -> Document:
    """The body for ``intent``, without the envelope that model units need."""
    live = intent.live.document if intent.live else {}
    body = config_body(with_live_values(intent, "config"))
    if "traffic_config" not in body and any(parts_of(live, ROUTES)):
        ignoring = any(each.cause is Cause.IGNORED for each in intent.changes)
        body = _with_all_traffic(body, live, ignoring=ignoring)
    return body | _table(body, live)


def _with_all_traffic(body: Document, live: Document, *, ignoring: bool) -> Document:
    """``body`` with the route that a single entity gets anyway, where it replaces others.

    Were the live routes kept instead, they would name an entity that is gone. The route needs
    a name: one that is not written stays as it is live, or is made as the service makes it.
    Several without a split are there only because they are ignored: theirs stays, too.
    """
    entities = body.get("served_entities")
    if not isinstance(entities, list) or not entities:
        return body
    if len(entities) > 1:
        return {**body, "traffic_config": live["config"]["traffic_config"]} if ignoring else body
    # A manifest with one entity needs no split, but the live config may have one:
    #   live      entities a, b; routes a: 90, b: 10
    #   manifest  entity c; no traffic_config
    #   sent      entity c; route c: 100
    # A config update replaces entities and routes together, and a route that is not sent may be
    # kept [serving-api 3.3]: `a: 90` would then name an entity that is gone.
    entity = mapping(entities[0])
    name = entity.get("name") or _live_name(live) or default_entity_name(entity)
    route = {"served_entity_name": name, "traffic_percentage": 100}
    named = [{"name": name, **entity}]
    return {**body, "served_entities": named, "traffic_config": {"routes": [route]}}


def _live_name(live: Document) -> str:
    """The name of the single live entity, which is the one that the plan compares with."""
    names = [entity.value.get("name") for entity in parts_of(live, ENTITIES)]
    return names[0] if len(names) == 1 and isinstance(names[0], str) else ""


def _table(body: Document, live: Document) -> Document:
    """The legacy table of ``live`` where ``body`` does not say what becomes of it.

    What the service does with a table that is left out is not documented; one that is there
    and off is off for certain, and is seen when a manifest turns it on again. One that is off
    cannot be on again, which is what leaving `enabled` out may ask for.
    """
    # Left out, the table may be dropped or kept; sent with `enabled: false` it is off for certain.
    # Off is final: it cannot be enabled again [serving-api 2.5].
    actual = mapping(at(live, CAPTURE))
    wanted = body.get(CAPTURE[-1])
    if actual and wanted is None:
        return {CAPTURE[-1]: {**actual, "enabled": False}}
    if actual.get("enabled") is False and "enabled" not in mapping(wanted):
        return {CAPTURE[-1]: {**mapping(wanted), "enabled": False}}
    return {}
