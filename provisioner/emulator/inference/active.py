"""Endpoints as the data plane knows them: the configuration that answers queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from provisioner.emulator.http.routing import EmulatedWorkspace
from provisioner.emulator.serving import deployment, endpoints


@dataclass(frozen=True, slots=True)
class ActiveEndpoint:
    """An endpoint as queries meet it.

    ``entities`` are as sent (with secret references and plaintext values) and in the order sent,
    which is the order of fallbacks; ``routes`` are entity name and percentage. Without an active
    config both are empty. ``rate_limits`` are those of the gateway and the older ones of the
    endpoint; ``gateway`` is the whole gateway, ``{}`` for none; ``auto_capture`` is the legacy
    inference table, ``{}`` for none. ``fallbacks`` are those of a model service, in their order;
    None for an endpoint, whose other entities are its fallbacks.
    """

    name: str
    id: str
    system: bool
    task: str
    ready: bool
    stopped: bool
    route_optimized: bool
    config_version: int
    entities: tuple[dict[str, Any], ...]
    routes: tuple[tuple[str, int], ...]
    gateway: dict[str, Any]
    rate_limits: tuple[dict[str, Any], ...]
    auto_capture: dict[str, Any]
    fallbacks: tuple[dict[str, Any], ...] | None = None


def active(workspace: EmulatedWorkspace, name: str) -> ActiveEndpoint:
    """Returns the endpoint ``name``. Raises ApiError RESOURCE_DOES_NOT_EXIST.

    An update whose time has come is finished first; a query never counts as a poll.
    """
    with workspace.store.transaction():
        record = endpoints.require(workspace.store, name)
        deployment.settle(workspace.store, record, is_poll=False)
    return of_record(record)


def of_record(record: endpoints.Record) -> ActiveEndpoint:
    """Returns what a record says of its active config."""
    config = record["config"] or {"entities": [], "routes": [], "version": 0}
    gateway = record["ai_gateway"]
    return ActiveEndpoint(
        name=record["name"],
        id=record["id"],
        system=record["system"],
        task=endpoints.task_of(config),
        ready=bool(record["config"]) and not record["suspended"] and not record.get("starting"),
        stopped=record["suspended"],
        route_optimized=record["route_optimized"],
        config_version=config["version"],
        entities=tuple(config["entities"]),
        routes=tuple((route["entity"], route["percent"]) for route in config["routes"]),
        gateway=gateway,
        rate_limits=(*gateway.get("rate_limits", ()), *record["rate_limits"]),
        auto_capture=config.get("auto_capture") or {},
    )
