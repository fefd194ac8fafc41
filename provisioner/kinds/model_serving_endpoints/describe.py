"""What a live endpoint serves, in a line for each served entity."""

from __future__ import annotations

from provisioner.resource import Live
from provisioner.semantics import Document


def describe(live: Live) -> tuple[str, ...]:
    """``champion  90 %  openai gpt-4o``, one line an entity, in the order of the traffic."""
    config = live.document.get("config") or {}
    shares = {
        route.get("served_entity_name"): route.get("traffic_percentage", 0)
        for route in (config.get("traffic_config") or {}).get("routes") or ()
    }
    entities = sorted(
        config.get("served_entities") or (), key=lambda one: -shares.get(one.get("name"), 0)
    )
    return tuple(
        f"{entity.get('name', '(unnamed)')}  {shares.get(entity.get('name'), 0)} %  {_model(entity)}"
        for entity in entities
    )


def _model(entity: Document) -> str:
    external = entity.get("external_model") or {}
    if external:
        return f"{external.get('provider', '?')} {external.get('name', '?')}"
    version = entity.get("entity_version")
    return f"{entity.get('entity_name', '?')}" + (f" v{version}" if version else "")
