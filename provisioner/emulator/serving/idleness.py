"""Scale to zero of custom models without queries. Source: [serving-api 3.1]."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioner.emulator.http.store import Store
from provisioner.emulator.serving import entities
from provisioner.emulator.serving.endpoints import Record

# rule(assumed): A custom model scales to zero after 30 minutes without a query. It stays ready, so
#     no client may take the message for a state. [serving-api 3.1, 8.33]
IDLE_MS = 30 * 60 * 1000
SCALED_TO_ZERO = {
    "deployment": "DEPLOYMENT_READY",
    "deployment_state_message": "Scaled to zero",
}


def record_query(store: Store, endpoint_id: str, served: Iterable[dict[str, Any]]) -> None:
    """Remembers the time of a query, if an entity scales to zero."""
    if any(entity.get("scale_to_zero_enabled") for entity in served):
        store.set_fact(_fact(endpoint_id), store.now_ms())


def mark_idle(store: Store, record: Record) -> Record:
    """Returns a copy whose idle entities are scaled to zero. All entities wake up with one."""
    config = record["config"]
    if not config or not any(map(_may_sleep, config["entities"])):
        return record
    awake_ms = max(store.fact(_fact(record["id"])), config.get("start_time", 0))
    if store.now_ms() - awake_ms < IDLE_MS:
        return record
    served = [
        entity | {"state": SCALED_TO_ZERO} if _may_sleep(entity) else entity
        for entity in config["entities"]
    ]
    return record | {"config": config | {"entities": served}}


def _may_sleep(entity: dict[str, Any]) -> bool:
    return entities.is_custom_model(entity) and bool(entity.get("scale_to_zero_enabled"))


def _fact(endpoint_id: str) -> str:
    return f"queried/{endpoint_id}"
