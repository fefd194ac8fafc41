"""What an endpoint needs from its workspace: models, feature specs, secrets, principals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from provisioner.kinds.model_serving_endpoints.parts import (
    ENTITIES,
    parts_of,
    references,
    scope_and_key,
)
from provisioner.kinds.model_serving_endpoints.permissions import FIELD
from provisioner.requirement import Need, Requirement
from provisioner.semantics import Document

PRINCIPALS: Final = ("user_name", "group_name", "service_principal_name")


def requires(document: Document) -> Iterator[Requirement]:
    """Everything that ``document`` names and that somebody else provides."""
    yield from _entities(document)
    for place, reference in references(document):
        names = scope_and_key(reference)
        if names:
            yield Requirement(Need.SECRET, names, place)
    for entry in parts_of(document, (FIELD,)):
        for kind in PRINCIPALS:
            who = entry.value.get(kind)
            if isinstance(who, str):
                yield Requirement(Need.PRINCIPAL, (kind, who), entry.inner(kind))


def _entities(document: Document) -> Iterator[Requirement]:
    """Models and feature specs of Unity Catalog, which have names of three parts.

    The older registry of a workspace is not asked: its models have names of one part.
    """
    for entity in parts_of(document, ENTITIES):
        name, version = entity.value.get("entity_name"), entity.value.get("entity_version")
        if not isinstance(name, str) or name.count(".") != 2:
            continue
        if version is None:
            yield Requirement(Need.FUNCTION, (name,), entity.inner("entity_name"))
        else:
            at = entity.inner("entity_version")
            yield Requirement(Need.MODEL_VERSION, (name, str(version)), at)
