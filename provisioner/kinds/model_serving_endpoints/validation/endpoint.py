"""What must hold between the fields of an endpoint, beyond what a schema can say.

Pure generators over documents: each yields every problem it finds, at the field to blame,
and none trips over a wrong shape, so that all problems of a file come at once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import Final

from provisioner.errors import Finding, Location, Severity
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.errors.wording import listed
from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    ROUTES,
    Part,
    at,
    parts_of,
)
from provisioner.kinds.model_serving_endpoints.planning.permissions import FIELD, PRINCIPALS
from provisioner.kinds.model_serving_endpoints.rollout.refusals import rollout
from provisioner.kinds.model_serving_endpoints.validation import (
    blocks,
    checks,
    external_models,
    gateway,
)
from provisioner.kinds.model_serving_endpoints.validation import entities as relations_entities
from provisioner.kinds.model_serving_endpoints.validation.existing_endpoints import (
    DATABRICKS,
    existing,
)
from provisioner.kinds.model_serving_endpoints.vocabulary import (
    LONGEST_ENTITY_NAME,
    default_entity_name,
)
from provisioner.model.kind import Declared
from provisioner.model.paths import Document


# rule(documented): A permission is for one user, group or service principal. [serving-api 1.11]
# rule(tool): A principal has one permission: of two the weaker one would never be seen.
def permissions(document: Document) -> Iterator[Finding]:
    """One principal an entry, one entry a principal."""
    seen: dict[tuple[str, str], int] = {}
    for number, part in enumerate(parts_of(document, (FIELD,)), start=1):
        given = [kind for kind in PRINCIPALS if kind in part.value]
        if not given:
            hint = f"write one of {listed(PRINCIPALS)}"
            yield Finding(part.at, "E360", "this permission has no principal", hint)
        for extra in given[1:]:
            message = f"`{given[0]}` and `{extra}` are both set"
            hint = "write one entry for each principal"
            yield Finding(part.inner(extra), "E360", message, hint, key=True)
        for kind in given:
            name = part.value[kind]
            if not isinstance(name, str):
                continue
            who = (kind, name.casefold())
            if who in seen:
                message = f"`{name}` already has another permission"
                hint = (
                    f"it is entry {seen[who]} of the list: keep one of them. A higher level "
                    "includes the lower levels"
                )
                yield Finding(part.inner(kind), "E361", message, hint)
            seen.setdefault(who, number)


RESERVED_TAGS: Final = "provisioner_"
TAG_KEY: Final = re.compile(r"[^.,=/:]{1,255}", re.DOTALL)


def relations(document: Document, declared: Declared) -> Iterator[Finding]:
    """Everything about one endpoint that its schema cannot say."""
    return chain(
        existing(document),
        _config(document),
        _entity_names(document),
        relations_entities.entities(document),
        external_models.models(document),
        external_models.same_task(document),
        external_models.secret_references(document, declared),
        _routes(document),
        _traffic(document),
        gateway.gateway(document),
        gateway.shared_tables(document, declared),
        blocks.blocks(document),
        _tags(document),
        permissions(document),
        checks.checks(document, _known_names(document)),
        rollout(document),
    )


WITHOUT_CONFIG: Final = frozenset({"name", "tags", "lifecycle"})
"""Of an endpoint with more, the gateway or permissions are managed on purpose."""


# rule(documented): An endpoint can exist without a config; it serves nothing. [serving-api 1.2]
def _config(document: Document) -> Iterator[Finding]:
    """The service has endpoints without a config, so one is only a warning."""
    if set(document) <= WITHOUT_CONFIG and not str(document.get("name")).startswith(DATABRICKS):
        message = "this endpoint has no `config`, so it serves no model"
        hint = (
            "add `config` with `served_entities`, or `existing: true` if the endpoint is "
            "created elsewhere"
        )
        yield Finding((), "W727", message, hint, Severity.WARNING)


def _entity_names(document: Document) -> Iterator[Finding]:
    entities = list(parts_of(document, ENTITIES))
    seen: dict[str, Location] = {}
    for entity in entities:
        name = entity.value.get("name")
        # rule(tool): Each of several served entities has a name: by it they are compared with the
        #     live ones.
        # rule(documented): The names of served entities are unique in the endpoint. [serving-api
        #     3.5, 3.6]
        if name is None and len(entities) > 1:
            yield Finding(
                entity.at,
                "E316",
                "this served entity has no `name`",
                _name_to_write(entity),
            )
        elif isinstance(name, str) and name in seen:
            yield Finding(
                entity.inner("name"),
                "E315",
                f"more than one served entity has the name `{name}`",
                "rename one of them: traffic routes refer to these names",
            )
        elif isinstance(name, str):
            seen[name] = entity.at
        # rule(assumed): A served entity's name has at most 63 characters, as an endpoint's name.
        #     [serving-api 8.22]
        if isinstance(name, str) and len(name) > LONGEST_ENTITY_NAME:
            message = (
                f"this name has {len(name)} characters: it is unknown whether the service "
                "accepts more than "
            )
            message += f"{LONGEST_ENTITY_NAME}"
            hint = f"use at most {LONGEST_ENTITY_NAME} characters, as for an endpoint"
            yield Finding(entity.inner("name"), "W744", message, hint, Severity.WARNING)


def _name_to_write(entity: Part) -> str:
    """The name that the service would choose, which the plan needs in the manifest."""
    why = "plans compare several served entities by their names"
    default = default_entity_name(entity.value)
    return f"write `name: {default}`, which the service would choose: {why}" if default else why


def _known_names(document: Document) -> list[str]:
    return [name for entity in parts_of(document, ENTITIES) if (name := _name_of(entity))]


def _name_of(entity: Part) -> str:
    name = entity.value.get("name", default_entity_name(entity.value))
    return name if isinstance(name, str) else ""


def _routes(document: Document) -> Iterator[Finding]:
    known = _known_names(document)
    seen: set[str] = set()
    for route in parts_of(document, ROUTES):
        name = route.value.get("served_entity_name")
        if not isinstance(name, str):
            continue
        # rule(tool): A served entity has one route: by its entity a route is compared with the live
        #     one.
        # rule(tool): A route names an entity of the same manifest. What the service answers is
        #     assumed [serving-api 3.5], but such a manifest contradicts itself.
        if name in seen:
            message = f"another route also refers to `{name}`"
            yield Finding(
                route.inner("served_entity_name"), "E320", message, "merge them into one route"
            )
        elif name not in known:
            yield Finding(route.inner("served_entity_name"), "E317", *_nobody(name, known))
        seen.add(name)


def _nobody(name: str, known: list[str]) -> tuple[str, str]:
    serves = listed(known, "nothing")
    return (
        f"no served entity is named `{name}`; this endpoint serves {serves}",
        did_you_mean(name, known),
    )


def _traffic(document: Document) -> Iterator[Finding]:
    # rule(tool): A split has routes: the service always sends its traffic somewhere, so a split
    #     without routes could never be what it shows.
    if isinstance(at(document, ROUTES[:-1]), dict) and not at(document, ROUTES):
        # The service sends all traffic somewhere, and this could never be what it shows.
        message = "this traffic split has no routes"
        hint = "add routes, or remove it if there is one served entity, which gets all the traffic"
        yield Finding(ROUTES[:-1], "E319", message, hint, key=True)
        return
    shares = [route.value.get("traffic_percentage") for route in parts_of(document, ROUTES)]
    if not shares:
        # What the service does then is not documented. Names have to be right first.
        wrong = [each for each in _entity_names(document) if each.severity is Severity.ERROR]
        # rule(client): The traffic of several served entities is given. [serving-api 3.4, 8.7]
        if len(list(parts_of(document, ENTITIES))) > 1 and not wrong:
            yield Finding(
                ENTITIES,
                "E319",
                "there are several served entities, but no traffic split",
                "add `traffic_config: {routes: [{served_entity_name: …, traffic_percentage: …}]}`",
                key=True,
            )
        return
    whole = [share for share in shares if isinstance(share, int)]
    # rule(tool): A split adds up to 100. What the service answers is assumed [serving-api 8.7], but
    #     plans, promotions and rollouts count in percent.
    if len(whole) == len(shares) and sum(whole) != 100:
        yield Finding(ROUTES, "E318", f"traffic adds up to {sum(whole)}%, not 100%", key=True)


def _tags(document: Document) -> Iterator[Finding]:
    keys = [(tag, tag.value.get("key")) for tag in parts_of(document, ("tags",))]
    seen: Counter[str] = Counter()
    for tag, key in keys:
        if not isinstance(key, str):
            continue
        seen[key] += 1
        # rule(tool): Tags that begin with `provisioner_` hold the ownership of an endpoint.
        if key.startswith(RESERVED_TAGS):
            yield Finding(
                tag.inner("key"),
                "E327",
                f"tags that begin with `{RESERVED_TAGS}` are reserved for this tool",
                "choose another key",
            )
        # rule(recorded): A tag's key has 1 to 255 characters and none of . , = / and :. The
        #     service refuses the whole call. [serving-api 1.8]
        if not TAG_KEY.fullmatch(key):
            yield Finding(
                tag.inner("key"),
                "E376",
                f"`{key}` cannot be the key of a tag: use 1 to 255 characters, without `.`, `,`, "
                "`=`, `/` and `:`",
                f"for example `{re.sub('[.,=/:]', '_', key)[:255] or 'team'}`",
            )
        # rule(tool): A tag has one value: by its key it is compared with the live one.
        if seen[key] == 2:
            yield Finding(tag.inner("key"), "E328", f"another tag also has the key `{key}`")
