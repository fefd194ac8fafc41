"""What a live endpoint serves: each served entity with its traffic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.parts import ENTITIES, ROUTES, mapping, parts_of
from provisioner.resource import Live
from provisioner.semantics import Document
from provisioner.served import Served

SINCE: Final = "since"
"""In ``Live.beside``: by name of a served entity, since when it is there."""


def describe(live: Live) -> tuple[Served, ...]:
    """The served entities, those with the most traffic first.

    Without routes the only entity gets everything.
    """
    shares = shares_of(live.document)
    since = mapping(live.beside.get(SINCE))
    entities = [entity.value for entity in parts_of(live.document, ENTITIES)]
    alone = 100 if len(entities) == 1 and not shares else 0
    rows = [_served(entity, shares.get(str(entity.get("name")), alone)) for entity in entities]
    named = [
        Served(name or "(unnamed)", model, version, share, since.get(name, ""))
        for name, model, version, share in rows
    ]
    return tuple(sorted(named, key=lambda one: -one.share))


def _served(entity: Mapping[str, Any], share: int) -> tuple[str, str, str, int]:
    model, version = model_and_version(entity)
    return str(entity.get("name") or ""), model, version, share


def shares_of(document: Document) -> dict[str, int]:
    """Entity name to its percentage of the traffic."""
    return {
        str(route.value.get("served_entity_name")): _share(route.value)
        for route in parts_of(document, ROUTES)
    }


def _share(route: Mapping[str, Any]) -> int:
    share = route.get("traffic_percentage")
    return share if type(share) is int else 0


def model_of(entity: Mapping[str, Any]) -> str:
    """What an entity serves: ``openai gpt-4o`` or ``main.fraud.model v3``."""
    model, version = model_and_version(entity)
    return f"{model} v{version}" if version else model


def model_and_version(entity: Mapping[str, Any]) -> tuple[str, str]:
    """``openai gpt-4o`` and ``""``, or ``main.fraud.model`` and ``3``."""
    external = mapping(entity.get("external_model"))
    if external:
        return f"{external.get('provider', '?')} {external.get('name', '?')}", ""
    return str(entity.get("entity_name", "?")), str(entity.get("entity_version") or "")
