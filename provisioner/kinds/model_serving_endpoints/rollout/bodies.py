"""What is declared and what is sent while two versions of an entity are served. Pure.

A move sends all entities and all shares, taken from what is live: nothing else of the endpoint
changes with it, and sending it twice does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    RAW,
    ROUTES,
    at,
    mapping,
    parts_of,
)
from provisioner.kinds.model_serving_endpoints.live.read import ROLLOUT
from provisioner.kinds.model_serving_endpoints.planning.bodies import config_body, has_units
from provisioner.kinds.model_serving_endpoints.planning.calls import (
    ROOT_OF_UNITS,
    endpoint_path,
    in_path,
)
from provisioner.kinds.model_serving_endpoints.rollout.versions import (
    declared_entity,
    family,
    new_name,
)
from provisioner.model.live import Live
from provisioner.model.paths import Document
from provisioner.model.plan import Operation
from provisioner.model.resource import Resource
from provisioner.model.rollout import Shares
from provisioner.model.rollout_block import WHOLE, RolloutSpec

UNSEEN: Final = ("burst_scaling_enabled", RAW)
"""Fields that no answer shows: the previous version is sent with those of the manifest."""


def named(resource: Resource, rollout: RolloutSpec) -> Document:
    """The document of an endpoint that does not exist yet: there is nothing to roll out from."""
    entity = declared_entity(resource.document, rollout.entity)
    name = new_name(entity, rollout.entity)
    return _with_versions(resource, rollout, {name: {**entity, "name": name}}, {name: WHOLE})


def declared(resource: Resource, rollout: RolloutSpec, live: Live, shares: Shares) -> Document:
    """The desired document while the versions in ``shares`` are served."""
    return _with_versions(resource, rollout, _entities(resource, rollout, live, shares), shares)


def _entities(
    resource: Resource, rollout: RolloutSpec, live: Live, shares: Shares
) -> dict[str, Document]:
    """The entities in ``shares``: a previous one as it is live, the new one as declared."""
    wanted = declared_entity(resource.document, rollout.entity)
    entities = family(resource, rollout, live)
    known = _wanted_name(resource, rollout, live)
    unseen = {name: wanted[name] for name in UNSEEN if name in wanted}
    return {
        name: {**wanted, "name": name}
        if name == known
        else {**mapping(entities.get(name)), **unseen}
        for name in shares
    }


def _wanted_name(resource: Resource, rollout: RolloutSpec, live: Live) -> str:
    from provisioner.kinds.model_serving_endpoints.rollout.versions import versions

    entities = versions(resource, rollout, live)
    return entities.wanted if entities else ""


def _with_versions(
    resource: Resource,
    rollout: RolloutSpec,
    entities: Mapping[str, Document],
    shares: Shares,
) -> Document:
    document = resource.document
    served: list[Any] = []
    for part in parts_of(document, ENTITIES):
        is_rolled = part.value.get("name") == rollout.entity
        served += entities.values() if is_rolled else [dict(part.value)]
    config = {**document["config"], "served_entities": served}
    # One entity without routes gets all traffic; routes in the body would show as a change.
    if len(served) > 1 or at(document, ROUTES):
        others = [
            dict(route.value)
            for route in parts_of(document, ROUTES)
            if route.value.get("served_entity_name") != rollout.entity
        ]
        traffic = mapping(config.get("traffic_config"))
        config["traffic_config"] = {**traffic, "routes": [*_routes(shares), *others]}
    return {**document, "config": config}


def _routes(shares: Shares) -> list[Document]:
    return [
        {"served_entity_name": name, "traffic_percentage": share} for name, share in shares.items()
    ]


def divide(resource: Resource, rollout: RolloutSpec, live: Live, shares: Shares) -> Operation:
    """The call that serves exactly ``shares``: all entities and all routes, absolute."""
    config = mapping(live.document.get("config"))
    versions = family(resource, rollout, live)
    others = [
        dict(part.value)
        for part in parts_of(live.document, ENTITIES)
        if part.value.get("name") not in versions
    ]
    wanted = _wanted_name(resource, rollout, live)
    made = _entities(resource, rollout, live, shares)
    entities = [_sent(versions.get(name), made[name], is_new=name == wanted) for name in shares]
    routes = [
        dict(route.value)
        for route in parts_of(live.document, ROUTES)
        if route.value.get("served_entity_name") not in versions
    ]
    # PUT replaces the config: an entity that is left out would be removed.
    body = config_body(
        {
            **config,
            "served_entities": [*entities, *others],
            "traffic_config": {"routes": [*_routes(shares), *routes]},
        }
    )
    if has_units(resource.document):
        path = f"{ROOT_OF_UNITS}/{in_path(resource.name)}/config"
        call = "update_provisioned_throughput_config"
        return Operation(call, "PUT", path, {"config": body}, wait=True)
    return Operation(
        "update_config", "PUT", f"{endpoint_path(resource.name)}/config", body, wait=True
    )


def _sent(live: Mapping[str, Any] | None, made: Document, *, is_new: bool) -> Document:
    """A version that is live is sent as it is live, so that a move deploys nothing anew."""
    # A version that is not live is deployed by this call.
    if live is None:
        return made
    unseen: Document = {name: made[name] for name in UNSEEN if name in made}
    return {**live, **unseen}


def mark(name: str, text: str) -> Operation:
    """The call that writes the tag of the rollout, or takes it off."""
    tag = [{"key": ROLLOUT, "value": text}]
    body: Document = {"add_tags": tag} if text else {"delete_tags": [ROLLOUT]}
    return Operation("patch_tags", "PATCH", f"{endpoint_path(name)}/tags", body)
