"""System tables about serving endpoints, as far as they are computed and not written.

Source: docs.databricks.com, Model serving system tables reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from provisioner.emulator.http.store import Store
from provisioner.emulator.identity.authentication import WORKSPACE_ID
from provisioner.emulator.inference.payloads import served_entity_id
from provisioner.emulator.serving import endpoints
from provisioner.emulator.sql.engine import EngineTable
from provisioner.emulator.unity_catalog import catalog

SERVED_ENTITIES: Final = "system.serving.served_entities"
# rule(local): The system tables of served entities have no columns for the configs of models,
#     and no rows of deleted endpoints.
COLUMNS: Final[Mapping[str, str]] = {
    "served_entity_id": "VARCHAR",
    "account_id": "VARCHAR",
    "workspace_id": "VARCHAR",
    "created_by": "VARCHAR",
    "endpoint_name": "VARCHAR",
    "endpoint_id": "VARCHAR",
    "served_entity_name": "VARCHAR",
    "entity_type": "VARCHAR",
    "entity_name": "VARCHAR",
    "entity_version": "VARCHAR",
    "endpoint_config_version": "INTEGER",
    "task": "VARCHAR",
    "change_time": "TIMESTAMP",
    "endpoint_delete_time": "TIMESTAMP",
}
TYPES: Final = {"FOUNDATION_MODEL_API": "FOUNDATION_MODEL"}


def served_entities(store: Store) -> EngineTable:
    """Returns the table of what is served now."""
    rows = [row for record in endpoints.every(store) for row in _rows(record)]
    return EngineTable(COLUMNS, [[row.get(column) for column in COLUMNS] for row in rows])


def _rows(record: endpoints.Record) -> Iterator[dict[str, Any]]:
    config = record["config"] or {"entities": [], "version": 0}
    moment = datetime.fromtimestamp(record["updated_ms"] / 1000, UTC).replace(tzinfo=None)
    for entity in config["entities"]:
        yield {
            "served_entity_id": served_entity_id(record["id"], entity["name"]),
            "workspace_id": WORKSPACE_ID,
            "created_by": record["creator"],
            "endpoint_name": record["name"],
            "endpoint_id": record["id"],
            "served_entity_name": entity["name"],
            "entity_type": _type(entity),
            "entity_name": entity.get("entity_name") or entity["name"],
            "entity_version": entity.get("entity_version"),
            "endpoint_config_version": config["version"],
            "task": endpoints.task_of({**config, "entities": [entity]}),
            "change_time": moment.isoformat(sep=" "),
        }


def _type(entity: dict[str, Any]) -> str:
    if catalog.is_feature_spec(entity):
        return "FEATURE_SPEC"
    kind = endpoints.kind_of({"entities": [entity]})
    return TYPES.get(kind, kind)
