"""How an endpoint spreads its requests over what it serves."""

from __future__ import annotations

from typing import Final

from provisioner.kinds.model_serving_endpoints.describe import model_of, shares_of
from provisioner.kinds.model_serving_endpoints.parts import (
    ENTITIES,
    at,
    parts_of,
    references,
    scope_and_key,
)
from provisioner.semantics import Document
from provisioner.topology import Branch, Topology

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
    found = [
        scope_and_key(reference)
        for where, reference in references(document)
        if where[: len(place)] == place
    ]
    return tuple(dict.fromkeys(names[0] for names in found if names))
