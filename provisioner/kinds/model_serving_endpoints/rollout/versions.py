"""Old and new version of a served entity: one declared entity may be two live ones. Pure.

The version is part of the live name (``champion-12``), so that metrics, logs and inference
tables tell the versions apart, and a promotion needs no new deployment.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    UNITS_FIELD,
    at,
    has_throughput,
    mapping,
    parts_of,
)
from provisioner.kinds.model_serving_endpoints.serving import FALLBACK, shares_of
from provisioner.model.live import Live
from provisioner.model.paths import Document
from provisioner.model.resource import Resource
from provisioner.model.rollout import Versions
from provisioner.model.rollout_block import WHOLE, RolloutSpec, read_block

LONGEST_NAME: Final = 63
FACTS: Final = (
    "entity_name",
    "entity_version",
    "workload_size",
    "workload_type",
    "min_provisioned_concurrency",
    "max_provisioned_concurrency",
    "min_provisioned_throughput",
    "max_provisioned_throughput",
    UNITS_FIELD,
)
"""A change of one of these is another version; any other field is changed where it is."""
EXTERNAL_FACTS: Final = ("name", "provider")


def spec(resource: Resource) -> RolloutSpec | None:
    """The rollout of ``resource``; None where it declares none."""
    if resource.rollout is None:
        return None
    names = [str(part.value.get("name", "")) for part in parts_of(resource.document, ENTITIES)]
    return read_block(resource.rollout, names[0] if len(names) == 1 else "")


def declared_entity(document: Document, name: str) -> Mapping[str, Any]:
    """The declared entity that is rolled out; empty where there is none of that name."""
    entities = (part.value for part in parts_of(document, ENTITIES))
    return next((entity for entity in entities if entity.get("name") == name), {})


def facts(entity: Mapping[str, Any]) -> dict[str, str]:
    """What makes ``entity`` the version that it is, as text."""
    facts = {name: str(entity[name]) for name in FACTS if entity.get(name) is not None}
    model = mapping(entity.get("external_model"))
    return facts | {
        f"external_model.{name}": str(model[name]) for name in EXTERNAL_FACTS if name in model
    }


def family(resource: Resource, rollout: RolloutSpec, live: Live) -> dict[str, Mapping[str, Any]]:
    """The live entities that are versions of the declared one, by name."""
    declared = [part.value.get("name") for part in parts_of(resource.document, ENTITIES)]
    others = {name for name in declared if name != rollout.entity}
    loose = {
        str(part.value.get("name", "")): part.value
        for part in parts_of(live.document, ENTITIES)
        if part.value.get("name") not in others
    }
    named = {
        name: entity
        for name, entity in loose.items()
        if name == rollout.entity or name.startswith(f"{rollout.entity}-")
    }
    # An endpoint that was made without `rollout` may call its entity anything.
    return named or loose


def versions(resource: Resource, rollout: RolloutSpec, live: Live) -> Versions | None:
    """What is live of the entity; None where nothing of it is."""
    entity = declared_entity(resource.document, rollout.entity)
    entities = family(resource, rollout, live)
    if not entity or not entities:
        return None
    shares = _shares(live, entities)
    current = _current(entity, entities, rollout.entity)
    wanted = current or new_name(entity, rollout.entity, entities)
    rest = sorted((name for name in entities if name != current), key=lambda name: -shares[name])
    return Versions(
        wanted=wanted,
        target=_digest(wanted),
        current=current,
        previous=rest[0] if rest else "",
        others=tuple(rest[1:]),
        shares=shares,
        digests={name: _digest(name) for name in entities},
        doubled=_size(entity),
        is_reserved=UNITS_FIELD in entity or has_throughput(entity),
        falls_back=at(resource.document, FALLBACK) is True,
        label=_label(entity),
        labels={name: _label(known) for name, known in entities.items()},
    )


def _shares(live: Live, entities: Mapping[str, Any]) -> dict[str, int]:
    shares = shares_of(live.document)
    alone = WHOLE if len(entities) == 1 and not shares else 0
    return {name: shares.get(name, alone) for name in entities}


def _current(
    entity: Mapping[str, Any], entities: Mapping[str, Mapping[str, Any]], prefix: str
) -> str:
    """The live version that is the declared one, or ``""``."""
    wanted = facts(entity)
    same = [
        name
        for name, live in entities.items()
        if all(facts(live).get(fact) == value for fact, value in wanted.items())
    ]
    own = plain_name(entity, prefix)
    return own if own in same else min(same, default="")


def plain_name(entity: Mapping[str, Any], prefix: str) -> str:
    """``<name>-<version>``, or the name alone where nothing has a version."""
    model = mapping(entity.get("external_model"))
    version = str(entity.get("entity_version") or model.get("name") or "")
    return _fitting(f"{prefix}-{version}" if version else prefix)


def new_name(entity: Mapping[str, Any], prefix: str, taken: Mapping[str, Any] | None = None) -> str:
    """The name of a version that is not live: not that of a live one of another size."""
    name = plain_name(entity, prefix)
    if taken and name in taken:
        text = json.dumps(facts(entity), sort_keys=True)
        return _fitting(f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:6]}")
    return name


def _fitting(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]", "-", name)
    if len(plain) <= LONGEST_NAME:
        return plain
    return f"{plain[: LONGEST_NAME - 7]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def _label(entity: Mapping[str, Any]) -> str:
    """A version in words: ``12``, or the name of an external model."""
    model = mapping(entity.get("external_model"))
    return str(entity.get("entity_version") or model.get("name") or entity.get("entity_name", "?"))


def _size(entity: Mapping[str, Any]) -> str:
    """What is paid for a second time while two versions are live; ``""`` for nothing."""
    if "external_model" in entity:
        return ""
    if UNITS_FIELD in entity:
        return f"{entity[UNITS_FIELD]} model units"
    size = entity.get("workload_size") or "the same concurrency"
    return f"{size} {entity.get('workload_type') or 'CPU'}"


def asked_of(resource: Resource, version: str) -> tuple[Document, ...]:
    """The checks of the rolled-out entity, each asked of ``version`` alone."""
    rollout = spec(resource)
    about = ("", rollout.entity if rollout else "")
    return tuple(
        {**check, "entity": version}
        for check in resource.checks
        if check.get("entity", "") in about
    )
