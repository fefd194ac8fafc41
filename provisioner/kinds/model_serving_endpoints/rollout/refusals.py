"""What can be rolled out step by step, and what cannot: told offline, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from provisioner.errors import Finding, Severity
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.errors.wording import listed
from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    RAW,
    ROUTES,
    Part,
    at,
    parts_of,
    secret_holders,
    sorts_in,
)
from provisioner.kinds.model_serving_endpoints.vocabulary import SECRET_FIELDS
from provisioner.model.paths import Document
from provisioner.model.rollout_block import BLOCK, block_problems

# rules(tool): A rollout is an extension of the tool: it is refused where two versions cannot serve
#     beside each other, and names a served entity.

# https://learn.microsoft.com/azure/databricks/machine-learning/model-serving/model-serving-limits
MOST_ENTITIES: Final = 15
WHOLE: Final = 100

Refusal = tuple[str, str] | None
"""Why it cannot be rolled out and what to do; None where it can."""


def rollout(document: Document) -> Iterator[Finding]:
    """The relations of a ``rollout`` block with what the endpoint serves."""
    block = document.get(BLOCK)
    if not isinstance(block, Mapping):
        return
    yield from block_problems(block)
    entities = list(parts_of(document, ENTITIES))
    names = [str(part.value.get("name", "")) for part in entities]
    name = block.get("entity") or (names[0] if len(names) == 1 else "")
    for refuse in REFUSALS:
        if refusal := refuse(document, str(name)):
            yield Finding((BLOCK,), "E384", *refusal, key=True)
            return
    if not name or name not in names:
        yield _no_entity(names, block)
    elif not block.get("analysis"):
        message = "without `analysis`, only time and readiness decide"
        hint = "add `analysis: {metrics: [{name: errors, max: 1%, min_requests: 100}]}`"
        yield Finding((BLOCK,), "W725", message, hint, key=True, severity=Severity.WARNING)


def _no_entity(names: list[str], block: Mapping[str, Any]) -> Finding:
    serves = f"this endpoint serves {listed([name for name in names if name])}"
    if block.get("entity"):
        message = f"no served entity is named `{block['entity']}`"
        hint = did_you_mean(str(block["entity"]), names, serves)
        return Finding((BLOCK, "entity"), "E385", message, hint)
    what = "has no `name`" if len(names) == 1 else "is not clear"
    message = f"which served entity is rolled out {what}"
    hint = "give the served entity a `name`" if len(names) == 1 else "add `entity: NAME`"
    return Finding((BLOCK,), "E385", message, hint, key=True)


def _existing(document: Document, name: str) -> Refusal:
    if document.get("existing") is not True:
        return None
    return (
        "an endpoint with `existing: true`, such as a pay-per-token endpoint, does not support "
        "rollouts: its served entities are not managed here",
        "remove `rollout`",
    )


def _nothing(document: Document, name: str) -> Refusal:
    if any(parts_of(document, ENTITIES)):
        return None
    return "this endpoint serves no model, so there is nothing to roll out", "add `config`"


def _mixed(document: Document, name: str) -> Refusal:
    if len(sorts_in(document)) < 2:
        return None
    return (
        "served entities of different types cannot be rolled out: the service does not accept a "
        "second version of them",
        "serve models of one type",
    )


def _full(document: Document, name: str) -> Refusal:
    count = len(list(parts_of(document, ENTITIES)))
    if count < MOST_ENTITIES:
        return None
    return (
        f"{count} served entities leave no room for a second version: an endpoint has at most "
        f"{MOST_ENTITIES}",
        "remove one of them, or remove `rollout`",
    )


def _divided(document: Document, name: str) -> Refusal:
    shares = {
        str(route.value.get("served_entity_name")): route.value.get("traffic_percentage")
        for route in parts_of(document, ROUTES)
    }
    if not shares or shares.get(name) == WHOLE or name not in shares:
        return None
    return (
        f"`{name}` gets {shares[name]} % of the traffic, but a rollout needs an entity with 100 %",
        "give it 100 % in `traffic_config`, or remove `rollout`",
    )


def _plaintext(document: Document, name: str) -> Refusal:
    for entity in parts_of(document, ENTITIES):
        model = entity.value.get("external_model")
        if entity.value.get("name") != name or not isinstance(model, Mapping):
            continue
        for holder in secret_holders(Part(entity.inner("external_model"), model)):
            field = next((name for name in SECRET_FIELDS if name in holder.value), "")
            if field:
                return (
                    f"`{field}` cannot be read back, so a step could not send the previous version",
                    f"use a secret reference: `{field.removesuffix('_plaintext')}: "
                    "{{secrets/SCOPE/KEY}}`",
                )
    return None


def _table(document: Document, name: str) -> Refusal:
    if not at(document, ("config", RAW)):
        return None
    return "`config.raw` cannot be read back, so a step could not send it", "remove it"


REFUSALS: Final[tuple[Callable[[Document, str], Refusal], ...]] = (
    _existing,
    _nothing,
    _mixed,
    _full,
    _divided,
    _plaintext,
    _table,
)
