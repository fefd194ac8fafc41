"""What is sent to the service for a document: ``raw`` among its siblings, and for each call
only what it takes. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.parts import RAW, mapping
from provisioner.kinds.model_serving_endpoints.sorts import Sort, sorts_in
from provisioner.kinds.model_serving_endpoints.translate import FIELDS
from provisioner.semantics import Document

# service/serving.py create_provisioned_throughput_endpoint: fewer fields than the other call.
NOT_WITH_UNITS: Final = frozenset(("description", "route_optimized", "telemetry_config"))


def has_units(document: Document) -> bool:
    """Whether the endpoint is one of those that are created and updated through ``/pt``."""
    return Sort.UNITS in sorts_in(document)


def create_body(desired: Document) -> Document:
    """Everything that is sent when an endpoint is created, but for our marks."""
    left_out = NOT_WITH_UNITS if has_units(desired) else frozenset()
    body = {name: desired[name] for name in FIELDS if name in desired and name not in left_out}
    if "config" in body:
        body["config"] = config_body(body["config"])
    if "ai_gateway" in body:
        body["ai_gateway"] = merged(body["ai_gateway"])
    return body | dict(mapping(desired.get(RAW)))


def config_body(config: Any) -> Document:
    """A config as it is sent."""
    body = merged(config)
    entities = body.get("served_entities")
    if isinstance(entities, list):
        body["served_entities"] = [_entity_body(entity) for entity in entities]
    return body


def _entity_body(entity: Any) -> Document:
    body = merged(entity)
    model = body.get("external_model")
    return body | {"external_model": merged(model)} if isinstance(model, Mapping) else body


def merged(block: Any) -> Document:
    """``block`` with the fields of its ``raw`` beside the others."""
    fields = dict(mapping(block))
    return fields | dict(mapping(fields.pop(RAW, {})))
