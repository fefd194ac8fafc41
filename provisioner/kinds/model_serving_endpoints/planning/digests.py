"""What was applied and cannot be read back, as digests short enough for a tag. Pure.

For each field of the endpoint that holds such a thing there is ``field:digest``. They tell a
plaintext from a reference, which an answer of the service does not, but hold the names of
secrets only: another value behind the same field does not change them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from provisioner.errors import Location
from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    RAW,
    Part,
    at,
    mapping,
    parts_of,
    secret_holders,
)
from provisioner.kinds.model_serving_endpoints.vocabulary import SECRET_FIELDS
from provisioner.model.paths import Document

BURST: Final = "burst_scaling_enabled"
DIGITS: Final = 8


def applied_digests(document: Document) -> str:
    """``config:3fa81c22 raw:77f0a1b3``; ``""`` where everything can be read back."""
    digests: dict[str, list[str]] = {}
    for field, fact in _facts(document):
        digests.setdefault(field, []).append(fact)
    return " ".join(f"{field}:{_digest(facts)}" for field, facts in digests.items())


def _digest(facts: list[str]) -> str:
    # The order in which entities stand in a file means nothing.
    return hashlib.sha256("\n".join(sorted(facts)).encode()).hexdigest()[:DIGITS]


def _facts(document: Document) -> Iterator[tuple[str, str]]:
    """Field of the endpoint, and what is said in it that no answer shows."""
    for place in (("config",), ("ai_gateway",), ()):
        raw = at(document, (*place, RAW))
        if raw:
            yield (*place, RAW)[0], _fact((*place, RAW), raw)
    for entity in parts_of(document, ENTITIES):
        yield from (("config", fact) for fact in _entity_facts(entity))
    if document.get("budget_policy_id") is not None:
        yield "budget_policy_id", _fact((), document["budget_policy_id"])
    telemetry = document.get("telemetry_config")
    if isinstance(telemetry, Mapping):
        # Also without tables: an endpoint may have telemetry that is none of ours, and only
        # this tells them apart once it is taken out of the manifest.
        yield "telemetry_config", _fact(("table_names",), telemetry.get("table_names"))


def _entity_facts(entity: Part) -> Iterator[str]:
    label = str(entity.value.get("name", ""))
    if BURST in entity.value:
        yield _fact((label, BURST), entity.value[BURST])
    if entity.value.get(RAW):
        yield _fact((label, RAW), entity.value[RAW])
    model = Part(("external_model",), mapping(entity.value.get("external_model")))
    if model.value.get(RAW):
        yield _fact((label, "external_model", RAW), model.value[RAW])
    for holder in secret_holders(model):
        for twin in SECRET_FIELDS & holder.value.keys():
            yield _fact((label, *holder.at, twin), None)


def _fact(place: Location, value: Any) -> str:
    return json.dumps([place, value], sort_keys=True)
