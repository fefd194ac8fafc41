"""Which sort of models an endpoint serves. It is settled when the endpoint is created."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.parts import ENTITIES, parts_of
from provisioner.semantics import Document

UNITS_FIELD: Final = "provisioned_model_units"
THROUGHPUT: Final = ("min_provisioned_throughput", "max_provisioned_throughput")


class Sort(StrEnum):
    """``REGISTERED`` is everything that has a name in a registry: models with a size or a
    throughput, agents, feature specs; also what a live endpoint of Databricks itself serves.
    """

    EXTERNAL = "external models"
    UNITS = "models with model units"
    REGISTERED = "registered models"


def sort_of(entity: Mapping[str, Any]) -> Sort:
    """The sort of one served entity."""
    if "external_model" in entity:
        return Sort.EXTERNAL
    return Sort.UNITS if UNITS_FIELD in entity else Sort.REGISTERED


def sorts_in(document: Document) -> set[Sort]:
    """The sorts of all served entities: one where nothing is wrong, none without a config."""
    return {sort_of(entity.value) for entity in parts_of(document, ENTITIES)}


def has_throughput(entity: Mapping[str, Any]) -> bool:
    """Whether it is a foundation model that is provisioned by tokens per second."""
    return any(name in entity for name in THROUGHPUT)


def is_custom(entity: Mapping[str, Any]) -> bool:
    """Whether it runs in a container of its own size: not external, no foundation model."""
    return sort_of(entity) is Sort.REGISTERED and not has_throughput(entity)
