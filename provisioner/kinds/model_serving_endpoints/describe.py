"""What a live endpoint serves, in a line for each served entity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.kinds.model_serving_endpoints.parts import ENTITIES, ROUTES, mapping, parts_of
from provisioner.resource import Live
from provisioner.semantics import Document


def describe(live: Live) -> tuple[str, ...]:
    """``champion  90 %  openai gpt-4o``, one line an entity, in the order of the traffic."""
    shares = shares_of(live.document)
    entities = [entity.value for entity in parts_of(live.document, ENTITIES)]
    rows = [(shares.get(str(entity.get("name")), 0), entity) for entity in entities]
    return tuple(
        f"{entity.get('name', '(unnamed)')}  {share} %  {model_of(entity)}"
        for share, entity in sorted(rows, key=lambda row: -row[0])
    )


def shares_of(document: Document) -> dict[str, int]:
    """Entity name to its percentage of the traffic."""
    return {
        str(route.value.get("served_entity_name")): _share(route.value)
        for route in parts_of(document, ROUTES)
    }


def _share(route: Mapping[str, Any]) -> int:
    share = route.get("traffic_percentage")
    return share if isinstance(share, int) else 0


def model_of(entity: Mapping[str, Any]) -> str:
    """What an entity serves: ``openai gpt-4o`` or ``main.fraud.model v3``."""
    external = mapping(entity.get("external_model"))
    if external:
        return f"{external.get('provider', '?')} {external.get('name', '?')}"
    version = entity.get("entity_version")
    return f"{entity.get('entity_name', '?')}" + (f" v{version}" if version else "")
