"""How an endpoint spreads its requests over what it serves, and what that provisions. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    ROUTES,
    UNITS_FIELD,
    Sort,
    at,
    has_throughput,
    mapping,
    parts_of,
    scope_and_key,
    secret_references_in,
    sort_of,
)
from provisioner.model.live import Live
from provisioner.model.paths import Document, Key, Path
from provisioner.model.plan import ABSENT
from provisioner.model.serving import (
    Branch,
    CapacityUnit,
    EntityCapacity,
    Provision,
    Served,
    Topology,
)

SINCE: Final = "since"
"""In ``Live.beside``: by name of a served entity, since when it is there."""


DBUS: Final = "dbus"
"""In ``Live.beside``: by name of a served entity, its DBUs an hour, at least and at most."""


def describe(live: Live) -> tuple[Served, ...]:
    """The served entities, those with the most traffic first.

    Without routes the only entity gets everything.
    """
    shares = shares_of(live.document)
    since, dbus = mapping(live.beside.get(SINCE)), mapping(live.beside.get(DBUS))
    entities = [entity.value for entity in parts_of(live.document, ENTITIES)]
    alone = 100 if len(entities) == 1 and not shares else 0
    rows = [_served(entity, shares.get(str(entity.get("name")), alone)) for entity in entities]
    named = [
        Served(
            name or "(unnamed)",
            model,
            version,
            share,
            since.get(name, ""),
            tuple(dbus.get(name, ())),
        )
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


# https://docs.databricks.com/machine-learning/model-serving/create-manage-serving-endpoints
# [serving-api 2.2]: the requests at a time that each size is for.
SIZES: Final[Mapping[str, tuple[int, int]]] = {
    "Small": (4, 4),
    "Medium": (8, 16),
    "Large": (16, 64),
}
DEFAULT_SIZE: Final = "Small"
DEFAULT_TYPE: Final = "CPU"


def capacity(document: Document, kept: Mapping[Path, Any]) -> Iterator[EntityCapacity]:
    """Yields what each served entity of ``document`` provisions.

    An external model and a model of Databricks that is paid per token provision nothing.
    ``kept`` are live values, by path, that stay where ``document`` says something else or
    nothing, such as a size that the service chose.
    """
    for part in parts_of(document, ENTITIES):
        name = part.value.get("name")
        place = ("config", "served_entities", Key(name if isinstance(name, str) else ""))
        if sort_of(part.value) is Sort.EXTERNAL and (*place, "external_model") not in kept:
            continue
        provision = _provision(_with_kept(part.value, place, kept))
        if provision:
            yield EntityCapacity(place, provision)


def _with_kept(entity: Mapping[str, Any], at: Path, kept: Mapping[Path, Any]) -> Mapping[str, Any]:
    # The only entity may have no name in the manifest; it is paired with the only live one.
    anonymous = at[-1] == Key("")
    values = {
        path[-1]: value
        for path, value in kept.items()
        if path[:-1] == at or (anonymous and path[:-2] == at[:-1])
    }
    whole = {**entity, **{name: value for name, value in values.items() if isinstance(name, str)}}
    return {name: value for name, value in whole.items() if value is not ABSENT}


def _provision(entity: Mapping[str, Any]) -> Provision | None:
    if sort_of(entity) is Sort.EXTERNAL or "entity_name" not in entity:
        return None
    # rule(assumed): Without `scale_to_zero_enabled` a model is always on: the answer that
    #     does not promise a smaller bill. [serving-api 3.5]
    to_zero = entity.get("scale_to_zero_enabled") is True
    if sort_of(entity) is Sort.UNITS:
        units = _number(entity, UNITS_FIELD)
        return Provision(CapacityUnit.MODEL_UNITS, scales_to_zero=to_zero, least=units, most=units)
    if has_throughput(entity):
        ends = _range(entity, "provisioned_throughput")
        return Provision(CapacityUnit.TOKENS, scales_to_zero=to_zero, least=ends[0], most=ends[1])
    return _container(entity, scales_to_zero=to_zero)


def _container(entity: Mapping[str, Any], *, scales_to_zero: bool) -> Provision:
    """What runs in a container: a size or a range of concurrency on a type of machine."""
    workload_type = str(entity.get("workload_type") or DEFAULT_TYPE)
    ends = _range(entity, "provisioned_concurrency")
    size = str(entity.get("workload_size") or DEFAULT_SIZE)
    if not any(ends):
        # A workspace may have sizes of its own, whose concurrency only it knows.
        if size not in SIZES:
            return Provision(CapacityUnit.SIZE, workload_type, size, scales_to_zero, 1, 1)
        ends = SIZES[size]
    return Provision(
        CapacityUnit.CONCURRENCY,
        workload_type,
        scales_to_zero=scales_to_zero,
        least=ends[0],
        most=ends[1],
    )


def _range(entity: Mapping[str, Any], field: str) -> tuple[int, int]:
    """The two ends of a range of which one may be left out: it grows no further then."""
    least, most = _number(entity, f"min_{field}"), _number(entity, f"max_{field}")
    return least, max(least, most)


def _number(entity: Mapping[str, Any], name: str) -> int:
    value = entity.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
