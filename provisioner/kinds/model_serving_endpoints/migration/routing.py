"""Where the requests of an endpoint go in a model service: destinations, shares and fallbacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    ROUTES,
    UNITS_FIELD,
    at,
    has_throughput,
    mapping,
    parts_of,
)
from provisioner.kinds.model_serving_endpoints.migration.accounts import (
    Accounts,
    Findings,
    LostError,
    identifier,
)
from provisioner.model.importing import Loss, LossReason, MigrationSource
from provisioner.model.paths import Document

MOST_DESTINATIONS, MOST_FALLBACKS = 10, 5


def routed(
    source: MigrationSource, accounts: Accounts, findings: Findings
) -> tuple[list[Document], list[Document]]:
    """Destinations with their shares, and fallbacks in the order of the entities."""
    shares = _shares(source)
    has_fallback = bool(at(source.generated.document, ("ai_gateway", "fallback_config", "enabled")))
    destinations, fallbacks = [], []
    for entity in _entities(source):
        name = str(entity.get("name"))
        share = shares.get(name, 100 if not shares else 0)
        if not share and not has_fallback:
            findings.notes.append(f"`{name}` is skipped: it has no traffic and is not a fallback")
            continue
        try:
            destination = _destination(source, entity, accounts, findings)
        except LostError:
            continue
        if not destination:
            findings.notes.append(f"`{name}` is skipped")
        elif share:
            destinations.append({**destination, "traffic_percentage": share})
        else:
            fallbacks.append(destination)
    _check_counts(destinations, fallbacks, findings)
    if has_fallback and destinations:
        findings.notes.append(
            "a service tries its fallbacks in a fixed order; the endpoint tries its other entities"
        )
    return _whole(destinations, findings), fallbacks


def _check_counts(
    destinations: list[Document], fallbacks: list[Document], findings: Findings
) -> None:
    counts = f"{len(destinations)} destinations and {len(fallbacks)} fallbacks"
    if len(destinations) > MOST_DESTINATIONS or len(fallbacks) > MOST_FALLBACKS:
        hint = f"a service can have {MOST_DESTINATIONS} and {MOST_FALLBACKS}"
        findings.losses.append(Loss(LossReason.ROUTING, f"it would need {counts}", hint, True))
    if not destinations and not any(loss.is_final for loss in findings.losses):
        lost = {loss.cause for loss in findings.losses} & {LossReason.PROVIDER, LossReason.LOGIN}
        # Where an agreement is missing, that is the message.
        if lost <= findings.accepted:
            message, hint = "none of its served entities can move", "keep the endpoint"
            findings.losses.append(Loss(LossReason.MODEL, message, hint, is_final=True))


def _whole(destinations: list[Document], findings: Findings) -> list[Document]:
    """Shares that sum up to 100 again after something was left out; none for a single one."""
    total = sum(each["traffic_percentage"] for each in destinations)
    if len(destinations) == 1:
        return [
            {name: each[name] for name in each if name != "traffic_percentage"}
            for each in destinations
        ]
    if destinations and total != 100:
        findings.notes.append("the first destination gets the traffic of the skipped entities")
        first = destinations[0]["traffic_percentage"] + 100 - total
        return [{**destinations[0], "traffic_percentage": first}, *destinations[1:]]
    return destinations


def _shares(source: MigrationSource) -> dict[str, int]:
    routes = [part.value for part in parts_of(source.generated.document, ROUTES)]
    return {
        str(route.get("served_entity_name")): int(route.get("traffic_percentage") or 0)
        for route in routes
    }


def _entities(source: MigrationSource) -> list[Mapping[str, Any]]:
    """What is served, in order. The manifest of Databricks' own endpoints holds none of it."""
    entities = [part.value for part in parts_of(source.generated.document, ENTITIES)]
    return entities or [part.value for part in parts_of(dict(source.raw), ENTITIES)]


def _destination(
    source: MigrationSource, entity: Mapping[str, Any], accounts: Accounts, findings: Findings
) -> Document:
    """One destination without its share; empty for one that is left out. Raises LostError."""
    name = identifier(source.name) if not entity.get("name") else str(entity["name"])
    kind = "DESTINATION_TYPE_{}_FOUNDATION_MODEL"
    if "external_model" in entity:
        external = accounts.destination(entity, findings)
        named = {"name": name, "destination_type": kind.format("EXTERNAL")}
        return {**named, "external_model_config": external} if external else {}
    model = str(mapping(entity.get("foundation_model")).get("name") or "")
    if model.startswith("system.ai."):
        named = {"name": name, "destination_type": kind.format("PAY_PER_TOKEN")}
        return {**named, "pay_per_token_config": {"model": f"models/{model}"}}
    if has_throughput(entity) or UNITS_FIELD in entity:
        findings.notes.append(
            f"keep the endpoint: the service sends its requests for `{name}` to it"
        )
        named = {"name": name, "destination_type": kind.format("PROVISIONED_THROUGHPUT")}
        endpoint = {"model_serving_endpoint": f"serving-endpoints/{source.name}"}
        return {**named, "provisioned_throughput_config": endpoint}
    message = f"`{entity.get('entity_name', name)}` is a custom model, an agent or a feature spec"
    hint = "services support only external models and foundation models: keep the endpoint"
    findings.lose(Loss(LossReason.MODEL, message, hint, is_final=True))
    return {}
