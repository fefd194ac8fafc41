"""Endpoints and their permissions in a Terraform state. Pure; no value of a secret gets out.

Source: terraform-provider-databricks docs/resources/model_serving.md, permissions.md. In a
state a block is a list of one, and what is not set is ``""``, 0, ``false`` or an empty list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.document import at, mapping, scope_and_key
from provisioner.kinds.model_serving_endpoints.importing import NAME, with_secrets
from provisioner.kinds.model_serving_endpoints.live.read import FIELDS, split_tags
from provisioner.kinds.model_serving_endpoints.validation.existing_endpoints import (
    DATABRICKS,
    EXISTING,
    MANAGED,
    NOT_OF_DATABRICKS,
)
from provisioner.kinds.model_serving_endpoints.validation.legacy import migrate_legacy
from provisioner.model import schemas
from provisioner.model.documents import in_order, without_defaults
from provisioner.model.field_rules import FieldRule
from provisioner.model.importing import Claimed, GeneratedManifest, StateEntry
from provisioner.model.paths import Document

ENDPOINTS: Final = (
    "databricks_model_serving",
    "databricks_model_serving_provisioned_throughput",
)
PERMISSIONS: Final = "databricks_permissions"
IDENTITY: Final = "serving_endpoint_id"
PRINCIPALS: Final = ("group_name", "user_name", "service_principal_name")
ZERO_COUNTS: Final = ("traffic_percentage",)
"""Numbers that may be 0 because a user wrote it."""


def from_terraform(entries: Sequence[StateEntry]) -> Sequence[Claimed]:
    """The endpoints among ``entries``, each with the entries of its permissions."""
    grants: dict[str, list[StateEntry]] = {}
    for entry in entries:
        if entry.type == PERMISSIONS and entry.attributes.get(IDENTITY):
            grants.setdefault(str(entry.attributes[IDENTITY]), []).append(entry)
    return [
        _claimed(entry, grants.get(str(entry.attributes.get(IDENTITY)), []))
        for entry in entries
        if entry.type in ENDPOINTS
    ]


def _claimed(entry: StateEntry, grants: list[StateEntry]) -> Claimed:
    rules = schemas.rules(NAME)
    name = str(entry.attributes.get("name"))
    known = {field: entry.attributes.get(field) for field in (*FIELDS, "rate_limits")}
    with_old = FieldRule(fields={**rules.fields, "rate_limits": _inside(rules, "ai_gateway")})
    plain = _plain(_old_names(known), with_old)
    document, _ = migrate_legacy(plain)
    _tidy(document)
    rows = [row for grant in grants for row in _grants(grant)]
    if rows:
        document["permissions"] = rows
    if name.startswith(DATABRICKS):
        return _provided(name, document, (entry, *grants))
    document, comments = with_secrets(document, name)
    tags, _ = split_tags(document.get("tags"))
    if tags:
        document["tags"] = tags
    made = in_order(without_defaults(document, rules), rules)
    creator = entry.attributes.get("creator")
    left = [f"its creator, `{creator}`, who can still manage it"] if creator else []
    return Claimed(name, GeneratedManifest(made, comments, tuple(left)), (entry, *grants))


def _provided(name: str, document: Document, entries: tuple[StateEntry, ...]) -> Claimed:
    """An endpoint that Databricks provides: only what may be managed of it."""
    managed = [field for field in MANAGED if field in document and field not in NOT_OF_DATABRICKS]
    made: Document = {"name": name, EXISTING: True}
    made |= {field: document[field] for field in managed}
    rules = schemas.rules(NAME)
    left = [
        f"`{field}`, which Databricks sets"
        for field in document
        if field not in ("name", *managed) and document[field]
    ]
    ordered = in_order(without_defaults(made, rules), rules)
    return Claimed(name, GeneratedManifest(ordered, {}, tuple(left)), entries)


def _inside(rules: FieldRule, name: str) -> FieldRule:
    return rules.fields[name].fields["rate_limits"]


def _old_names(attributes: Mapping[str, Any]) -> Document:
    """The names of before 2024 that a state may still use, where the new ones are not set."""
    config = mapping(_only(attributes.get("config")))
    if config.get("served_models") and not config.get("served_entities"):
        renamed = {"model_name": "entity_name", "model_version": "entity_version"}
        entities = [
            {renamed.get(name, name): value for name, value in mapping(model).items()}
            for model in config["served_models"]
        ]
        config = {**config, "served_entities": entities}
    traffic = mapping(_only(config.get("traffic_config")))
    if traffic.get("routes"):
        routes = [_route(mapping(route)) for route in traffic["routes"]]
        config = {**config, "traffic_config": {**traffic, "routes": routes}}
    return {**attributes, "config": config}


def _route(route: Mapping[str, Any]) -> Document:
    name = route.get("served_entity_name") or route.get("served_model_name")
    return {**route, "served_entity_name": name}


def _plain(value: Any, rule: FieldRule) -> Any:
    """``value`` without the lists around blocks, and without what is not set."""
    if rule.list_key:
        rule = FieldRule(fields=rule.fields)
        entries = [_plain(entry, rule) for entry in value or () if isinstance(entry, Mapping)]
        return [entry for entry in entries if entry]
    if not rule.fields:
        return value
    made = {
        name: _plain(inner, rule.fields[name])
        for name, inner in mapping(_only(value)).items()
        if name in rule.fields and not _is_secret(inner, rule.fields[name])
    }
    # A block that is there and empty holds what is not told, such as a key.
    return {name: value for name, value in made.items() if _is_set(name, value)}


def _only(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, list) else value


def _is_secret(value: Any, rule: FieldRule) -> bool:
    """Whether it is a value that only the state knows, and that stays there."""
    return rule.secret or (rule.secret_reference and scope_and_key(value) is None)


def _is_set(name: str, value: Any) -> bool:
    if isinstance(value, int) and not isinstance(value, bool) and value == 0:
        return name in ZERO_COUNTS
    return value not in (None, "", [], {})


def _tidy(document: Document) -> None:
    for entity in at(document, ("config", "served_entities")) or ():
        if not entity.get("burst_scaling_enabled"):
            entity.pop("burst_scaling_enabled", None)
        if "external_model" in entity:
            entity.pop("scale_to_zero_enabled", None)
        if "min_provisioned_concurrency" in entity or "max_provisioned_concurrency" in entity:
            entity.pop("workload_size", None)
    for limit in at(document, ("ai_gateway", "rate_limits")) or ():
        if "calls" not in limit and "tokens" not in limit:
            limit["calls"] = 0


def _grants(entry: StateEntry) -> Iterator[Document]:
    for row in entry.attributes.get("access_control") or ():
        for kind in PRINCIPALS:
            if mapping(row).get(kind):
                yield {"level": row.get("permission_level"), kind: row[kind]}
