"""What an endpoint needs from its workspace: models, feature specs, secrets, principals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any, Final

from provisioner.errors import Location
from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    at,
    parts_of,
    scope_and_key,
    secret_references_in,
)
from provisioner.kinds.model_serving_endpoints.planning.permissions import FIELD
from provisioner.model.paths import Document
from provisioner.model.references import (
    Prerequisite,
    PrerequisiteType,
    Release,
    RestrictedName,
    Restriction,
)

SCOPES_KIND = "secret_scopes"


def depends_on(document: Document) -> Iterator[tuple[str, str]]:
    """(kind, scope) for each secret scope that ``document`` refers to."""
    references = (scope_and_key(reference) for _, reference in secret_references_in(document))
    for scope in sorted({names[0] for names in references if names}):
        yield SCOPES_KIND, scope


MODELS_KIND = "registered_models"


def releases(document: Document) -> Iterator[Release]:
    """The model versions that the endpoint serves."""
    for entity in parts_of(document, ENTITIES):
        name, version = entity.value.get("entity_name"), entity.value.get("entity_version")
        if isinstance(name, str) and name.count(".") == 2 and version is not None:
            yield Release(MODELS_KIND, name.lower(), str(version))


NAMES, SECRET_SCOPES, CATALOGS, GROUPS = "names", "secret_scopes", "catalogs", "groups"
RESTRICTIONS: Final = {
    NAMES: Restriction(
        "the name", "Names of endpoints, as in the workspace or without the `name_prefix`."
    ),
    SECRET_SCOPES: Restriction("the secret scope", "Secret scopes, declared or referred to."),
    CATALOGS: Restriction(
        "the catalog", "Catalogs of models, feature specs and tables to write to."
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


def references(document: Document) -> Iterator[RestrictedName]:
    """The endpoint's name, scopes, catalogs and groups, each where it stands."""
    name = document.get("name")
    if isinstance(name, str):
        yield RestrictedName(NAMES, name, ("name",))
    yield from _scopes(document, ())
    yield from _catalogs(document)
    for permission in parts_of(document, ("permissions",)):
        group = permission.value.get("group_name")
        if isinstance(group, str):
            yield RestrictedName(GROUPS, group, permission.inner("group_name"))


def _scopes(value: Any, place: Location) -> Iterator[RestrictedName]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _scopes(inner, (*place, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _scopes(inner, (*place, index))
    elif isinstance(value, str):
        for scope in _SCOPE.findall(value):
            yield RestrictedName(SECRET_SCOPES, scope, place)


def _catalogs(document: Document) -> Iterator[RestrictedName]:
    tables = at(document, TELEMETRY_TABLES)
    of_tables = ((*TELEMETRY_TABLES, name) for name in (tables if isinstance(tables, dict) else ()))
    of_entities = (entity.inner("entity_name") for entity in parts_of(document, ENTITIES))
    for place in chain(of_entities, of_tables):
        # A name without dots is a model of the workspace registry, which has no catalogs.
        full_name = at(document, place)
        if isinstance(full_name, str) and "." in full_name:
            yield RestrictedName(CATALOGS, full_name.partition(".")[0], place)
    for place in CATALOG_FIELDS:
        catalog = at(document, place)
        if isinstance(catalog, str) and catalog:
            yield RestrictedName(CATALOGS, catalog, place)


PRINCIPALS: Final = ("user_name", "group_name", "service_principal_name")


def prerequisites(document: Document) -> Iterator[Prerequisite]:
    """Everything that ``document`` names and that is provided elsewhere."""
    yield from _entities(document)
    if not document.get("existing"):
        # Its creator manages it.
        managed = (str(document.get("name")), "CAN_MANAGE")
        yield Prerequisite(PrerequisiteType.ENDPOINT_LEVEL, managed, (), is_provided=True)
    for place, reference in secret_references_in(document):
        names = scope_and_key(reference)
        if names:
            yield Prerequisite(PrerequisiteType.SECRET, names, place)
    for entry in parts_of(document, (FIELD,)):
        for kind in PRINCIPALS:
            who = entry.value.get(kind)
            if isinstance(who, str):
                yield Prerequisite(PrerequisiteType.PRINCIPAL, (kind, who), entry.inner(kind))


def _entities(document: Document) -> Iterator[Prerequisite]:
    """Models and feature specs of Unity Catalog, which have names of three parts.

    The older registry of a workspace is not asked: its models have names of one part.
    """
    for entity in parts_of(document, ENTITIES):
        name, version = entity.value.get("entity_name"), entity.value.get("entity_version")
        if not isinstance(name, str) or name.count(".") != 2:
            continue
        if version is None:
            yield Prerequisite(PrerequisiteType.FUNCTION, (name,), entity.inner("entity_name"))
        else:
            at = entity.inner("entity_version")
            yield Prerequisite(PrerequisiteType.MODEL_VERSION, (name, str(version)), at)
