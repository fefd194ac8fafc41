"""Changes that somebody makes to a live endpoint by hand: one field, through the API."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from strategies import ENDPOINTS, REFERENCES, VARIABLE, endpoints

from provisioner.model import schemas
from provisioner.model.documents import entries_by_label, indexes_by_label
from provisioner.model.field_rules import FieldRule
from provisioner.model.paths import Key, Path, path_text

Document = dict[str, Any]
ROOT = "/api/2.0/serving-endpoints"

# What tells entries or endpoints apart, what no call changes, and what changes only together
# with something else.
LEFT_ALONE = frozenset(
    (
        *("name", "key", "principal", "served_entity_name", "renewal_period"),
        *("group_name", "user_name", "service_principal_name"),
        *("provider", "task", "openai_api_type", "traffic_percentage"),
        *("description", "route_optimized", "telemetry_profile_id", "lifecycle"),
    )
)
NAMES_OF_ENTITY = frozenset(("name", "entity_name", "entity_version"))
NAMES_OF_TABLE = frozenset(("catalog_name", "schema_name", "table_name_prefix"))
CHOICES: dict[str, tuple[Any, ...]] = {
    "bedrock_provider": ("anthropic", "cohere"),
    "workload_size": ("Small", "Large"),
    "workload_type": ("GPU_MEDIUM", "CPU_MEDIUM"),
    "behavior": ("BLOCK", "MASK"),
    "level": ("CAN_VIEW", "CAN_MANAGE"),
    "sampling_fraction": (0.5, 0.75),
    "on_update_success": (["y@example.com"], ["z@example.com"]),
    "on_update_failure": (["y@example.com"], ["z@example.com"]),
    "invalid_keywords": (["other"], ["another"]),
    "valid_topics": (["other"], ["another"]),
    "enabled_telemetry_features": (["TELEMETRY_FEATURE_METRICS"], ["TELEMETRY_FEATURE_TRACES"]),
}


@dataclass(frozen=True)
class Edit:
    """One request, and the only path that differs after it. ``{id}`` is the endpoint's."""

    path: str
    method: str
    url: str
    body: Any


@dataclass(frozen=True)
class Leaf:
    """A field of a document: its path in a plan and the way to it in the document."""

    path: Path
    way: tuple[str | int, ...]
    value: Any


@st.composite
def edited(draw: st.DrawFn) -> tuple[Document, Edit]:
    """An endpoint named ``chat``, and one thing that is done to it behind our back."""
    document = {"name": "chat", **draw(endpoints())}
    return document, draw(st.sampled_from(edits(document)))


def edits(document: Document) -> list[Edit]:
    """Everything that can be done to the fields of ``document``, one at a time."""
    added = {"add_tags": [{"key": "by hand", "value": "x"}]}
    found = [Edit('tags["by hand"]', "PATCH", f"{ROOT}/chat/tags", added)]
    # The service has no checks that anybody could change.
    live = {name: value for name, value in document.items() if name != "checks"}
    for leaf in _leaves(live, schemas.rules(ENDPOINTS), (), ()):
        other = _other(leaf)
        if other is not None and _possible(leaf, document):
            changed = _with(document, leaf.way, other)
            found.append(Edit(path_text(leaf.path), *_request(changed, leaf)))
    return found


def _leaves(value: Any, rule: FieldRule, path: Path, way: tuple[str | int, ...]) -> Iterator[Leaf]:
    if rule.write_only:
        return
    if isinstance(value, list) and rule.list_key:
        indexes = indexes_by_label(value, rule)
        for label, entry in entries_by_label(value, rule).items():
            index = indexes[label]
            yield from _fields(entry, rule, (*path, Key(_shown(label, entry))), (*way, index))
    elif isinstance(value, dict) and rule.mapping:
        for name, inner in value.items():
            yield Leaf((*path, Key(name)), (*way, name), inner)
    elif isinstance(value, dict):
        yield from _fields(value, rule, path, way)
    else:
        yield Leaf(path, way, value)


def _fields(value: Any, rule: FieldRule, path: Path, way: tuple[str | int, ...]) -> Iterator[Leaf]:
    for name, inner in value.items():
        if name in rule.fields:
            yield from _leaves(inner, rule.fields[name], (*path, name), (*way, name))


def _shown(label: str, entry: Document) -> str:
    """The label in a plan; the service names a served entity that has no name."""
    if label:
        return label
    if "external_model" in entry:
        return str(entry["external_model"]["name"]).replace(".", "-").replace(":", "-")
    last = entry["entity_name"].rpartition(".")[2]
    return f"{last}-{entry['entity_version']}" if "entity_version" in entry else last


def _possible(leaf: Leaf, document: Document) -> bool:
    """Whether the service lets it be changed alone."""
    *holder, name = leaf.way
    names_entity = name in NAMES_OF_ENTITY and "served_entities" in leaf.way
    if names_entity:
        entity = document["config"]["served_entities"][leaf.way[2]]
        return "name" in entity and not (len(leaf.way) == 4 and name == "name")
    if "auto_capture_config" in leaf.way:
        return name == "enabled" and leaf.value is True
    if "inference_table_config" in leaf.way and name in NAMES_OF_TABLE:
        return _at(document, holder).get("enabled") is not True
    if leaf.way[-1:] == ("enabled",) and "inference_table_config" in leaf.way:
        return NAMES_OF_TABLE - {"table_name_prefix"} <= set(_at(document, holder))
    return name not in LEFT_ALONE


def _other(leaf: Leaf) -> Any:
    """Another value for the field; None where there is none."""
    name, value = leaf.way[-1], leaf.value
    if isinstance(name, str) and name in CHOICES:
        return next(one for one in CHOICES[name] if one != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        if name == "provisioned_model_units":
            return value + 50
        # The smaller of a pair stays the smaller one.
        return value + 1 if not str(name).startswith("min_") else (value - 1 if value else None)
    if isinstance(value, str) and value in REFERENCES:
        return next(one for one in REFERENCES if one != value)
    return f"{value}1" if isinstance(value, str) else None


def _with(document: Document, way: tuple[str | int, ...], value: Any) -> Document:
    changed = copy.deepcopy(document)
    *holder, name = way
    _at(changed, holder)[name] = value
    return changed


def _at(document: Any, way: Any) -> Any:
    for name in way:
        document = document[name]
    return document


def _request(changed: Document, leaf: Leaf) -> tuple[str, str, Any]:
    """The request that brings the live endpoint to ``changed``."""
    field, url = leaf.way[0], f"{ROOT}/chat"
    if field == "config":
        body = on_the_wire(changed["config"])
        if "provisioned_model_units" in changed["config"]["served_entities"][0]:
            return "PUT", f"{ROOT}/pt/chat/config", {"config": body}
        return "PUT", f"{url}/config", body
    if field == "ai_gateway":
        return "PUT", f"{url}/ai-gateway", on_the_wire(changed["ai_gateway"])
    if field == "tags":
        return "PATCH", f"{url}/tags", {"add_tags": [changed["tags"][leaf.way[1]]]}
    if field == "email_notifications":
        body = {"email_notifications": changed["email_notifications"]}
        return "PATCH", f"{url}/notifications", body
    if field == "telemetry_config":
        body = {"telemetry_config": changed["telemetry_config"]}
        return "PATCH", f"{url}/telemetry-config", body
    grant = dict(changed["permissions"][leaf.way[1]])
    row = {"permission_level": grant.pop("level"), **grant}
    body = {"access_control_list": [row]}
    return "PATCH", "/api/2.0/permissions/serving-endpoints/{id}", body


def on_the_wire(value: Any) -> Any:
    """``value`` as it is sent: what is under ``raw`` beside its siblings, plaintexts as text."""
    if isinstance(value, list):
        return [on_the_wire(entry) for entry in value]
    if isinstance(value, dict):
        plain = {name: on_the_wire(inner) for name, inner in value.items() if name != "raw"}
        return plain | value.get("raw", {})
    return "not-a-key" if value == f"${{env.{VARIABLE}}}" else json.loads(json.dumps(value))
