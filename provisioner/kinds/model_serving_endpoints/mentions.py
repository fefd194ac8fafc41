"""What an endpoint names that teams may be restricted in. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from provisioner.errors import Location
from provisioner.kinds.model_serving_endpoints.parts import ENTITIES, at, parts_of
from provisioner.mentions import Mention, Restriction
from provisioner.semantics import Document

NAMES, SECRET_SCOPES, CATALOGS, GROUPS = "names", "secret_scopes", "catalogs", "groups"
RESTRICTIONS: Final = {
    NAMES: Restriction(
        "the name", "Names of endpoints, as in the workspace or without the `name_prefix`."
    ),
    SECRET_SCOPES: Restriction("the secret scope", "Secret scopes, declared or referred to."),
    CATALOGS: Restriction(
        "the catalog", "Catalogs of models, of feature specs and of tables to write to."
    ),
    GROUPS: Restriction("the group", "Groups that get permissions, or access to scopes."),
}
CATALOG_FIELDS: Final[tuple[Location, ...]] = (
    ("ai_gateway", "inference_table_config", "catalog_name"),
    ("config", "auto_capture_config", "catalog_name"),
)
TELEMETRY_TABLES: Final[Location] = ("telemetry_config", "table_names")
# Anywhere in a text, and looser than what is a good reference: also where it is sent raw.
_SCOPE = re.compile(r"\{\{\s*secrets/([^/{}]+)/")


def mentions(document: Document) -> Iterator[Mention]:
    """The endpoint's name, scopes, catalogs and groups, each where it stands."""
    name = document.get("name")
    if isinstance(name, str):
        yield Mention(NAMES, name, ("name",))
    yield from _scopes(document, ())
    yield from _catalogs(document)
    for permission in parts_of(document, ("permissions",)):
        group = permission.value.get("group_name")
        if isinstance(group, str):
            yield Mention(GROUPS, group, permission.inner("group_name"))


def _scopes(value: Any, place: Location) -> Iterator[Mention]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _scopes(inner, (*place, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _scopes(inner, (*place, index))
    elif isinstance(value, str):
        for scope in _SCOPE.findall(value):
            yield Mention(SECRET_SCOPES, scope, place)


def _catalogs(document: Document) -> Iterator[Mention]:
    tables = at(document, TELEMETRY_TABLES)
    of_tables = ((*TELEMETRY_TABLES, name) for name in (tables if isinstance(tables, dict) else ()))
    of_entities = (entity.inner("entity_name") for entity in parts_of(document, ENTITIES))
    for place in chain(of_entities, of_tables):
        # A name without dots is a model of the workspace registry, which has no catalogs.
        full_name = at(document, place)
        if isinstance(full_name, str) and "." in full_name:
            yield Mention(CATALOGS, full_name.partition(".")[0], place)
    for place in CATALOG_FIELDS:
        catalog = at(document, place)
        if isinstance(catalog, str) and catalog:
            yield Mention(CATALOGS, catalog, place)
