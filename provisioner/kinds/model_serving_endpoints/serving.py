"""How an endpoint spreads its requests over what it serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    ROUTES,
    at,
    mapping,
    parts_of,
    scope_and_key,
    secret_references_in,
)
from provisioner.model.live import Live
from provisioner.model.paths import Document
from provisioner.model.serving import Branch, Served, Topology

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
    return tuple(sorted(named, key=lambda served: -served.share))


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


FALLBACK: Final = ("ai_gateway", "fallback_config", "enabled")


def topology(document: Document) -> Topology:
    """A branch for each served entity, in the order of the manifest.

    Without routes the only entity gets everything. With fallback any other entity takes
    what one of them has failed to answer (reference: AI Gateway, fallbacks).
    """
    entities = [part.value for part in parts_of(document, ENTITIES)]
    shares = shares_of(document)
    alone = len(entities) == 1 and not shares
    fallback = len(entities) > 1 and at(document, FALLBACK) is True
    return tuple(
        Branch(
            str(entity.get("name", "")),
            model_of(entity),
            100 if alone else shares.get(str(entity.get("name")), 0),
            fallback,
            _scopes(document, index),
        )
        for index, entity in enumerate(entities)
    )


def _scopes(document: Document, index: int) -> tuple[str, ...]:
    """The scopes that the entity ``index`` takes secrets from, in the order of the manifest."""
    place = (*ENTITIES, index)
    references = [
        scope_and_key(reference)
        for where, reference in secret_references_in(document)
        if where[: len(place)] == place
    ]
    return tuple(dict.fromkeys(names[0] for names in references if names))
