"""Registered models of Unity Catalog: their aliases and grants. Versions come from training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from provisioner.errors import Finding, Location, Severity
from provisioner.kinds.unity_catalog.kind import CatalogParts, kind_of
from provisioner.kinds.unity_catalog.securable import ABSENT_VERSIONS, SecurableKind
from provisioner.model.kind import Declared
from provisioner.model.live import Live
from provisioner.model.paths import Document
from provisioner.model.plan import ABSENT, Action, Cause, FieldAction, FieldChange

ALIASES = "aliases"
# https://docs.databricks.com/api/workspace/registeredmodels/setalias
RESERVED = "latest"
# A comparison takes null for "not written", so an alias that is to be gone has no version.
REMOVED = ""


def migrate_legacy(document: Document) -> tuple[Document, tuple[Finding, ...]]:
    """``document`` with a bundle's list of aliases as a mapping, versions as text."""
    aliases = document.get(ALIASES)
    if isinstance(aliases, Mapping):
        return {**document, ALIASES: {name: _text(value) for name, value in aliases.items()}}, ()
    if not isinstance(aliases, list) or not all(isinstance(each, Mapping) for each in aliases):
        return document, ()
    mapping = {str(each.get("alias_name")): _text(each.get("version_num")) for each in aliases}
    message = "aliases as a list are the format of a bundle"
    hint = f"write a mapping: `{ALIASES}: {{champion: 3}}`"
    # rule(client): Bundles have a list of aliases. [databricks/cli, registered_model.go]
    finding = Finding((ALIASES,), "W730", message, hint, Severity.WARNING, key=True)
    return {**document, ALIASES: mapping}, (finding,)


def _text(value: Any) -> Any:
    if value is None:
        return REMOVED
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_number else value


def relations(document: Document, declared: Declared) -> Iterator[Finding]:
    """Aliases that the service takes, and versions that are numbers."""
    aliases = document.get(ALIASES)
    for name, version in (aliases if isinstance(aliases, Mapping) else {}).items():
        # rule(client): The alias "latest" is reserved: MLflow reads it as the newest version.
        #     [MLflow client]
        if name.lower() == RESERVED:
            message = f"`{name}` cannot be an alias: it is reserved for the newest version"
            yield Finding((ALIASES, name), "E365", message, "choose another name", key=True)
        # rule(documented): A model version is a number. [docs.databricks.com/api, Model Versions]
        if version not in (None, REMOVED) and not str(version).isdecimal():
            message = f"`{version}` is not the number of a version"
            yield Finding((ALIASES, name), "E365", message, "write a whole number such as `3`")


def aliases(document: Document) -> Iterator[tuple[str, Location]]:
    """Each alias that the model sets, as variables name it."""
    set_here = document.get(ALIASES)
    for name in set_here if isinstance(set_here, Mapping) else ():
        yield f"{SECURABLE.full_name(document)}@{name}", (ALIASES, name)


def follows(change: FieldChange) -> frozenset[str]:
    """The versions that a change of the aliases makes current."""
    if change.path[0] != ALIASES or change.after is ABSENT:
        return frozenset()
    versions = change.after.values() if isinstance(change.after, Mapping) else [change.after]
    return frozenset(map(str, versions))


def alias_action(change: FieldChange, desired: Document, live: Live) -> FieldAction | None:
    """An alias waits where its version does not exist: training makes versions, no apply does."""
    absent = live.beside.get(ABSENT_VERSIONS) or ()
    if follows(change).isdisjoint(absent):
        return None
    return FieldAction(Action.KEEP, Cause.AWAITED)


SECURABLE = SecurableKind(
    name="registered_models",
    title="registered model",
    plural="models",
    # To the grants API a registered model is a function. [databricks/cli, grants.go]
    grants_type="function",
    creation="CREATE_MODEL",
    privileges=frozenset(("ALL_PRIVILEGES", "APPLY_TAG", "EXECUTE", "MANAGE")),
    has_mask=False,
    created_fields=("comment", "storage_location"),
    updated_later=("owner",),
    read_query={"include_aliases": "true"},
    page=("max_results", "50"),
    output_only=frozenset(
        (
            *("full_name", "metastore_id", "browse_only", "created_at", "created_by"),
            *("updated_at", "updated_by", "id", "model_type", "securable_kind"),
        )
    ),
)


# Deleting a model deletes all of its versions, so no blanket consent covers it.
KIND = kind_of(
    SECURABLE,
    CatalogParts(
        model="RegisteredModel",
        relations=relations,
        field_action=alias_action,
        migrate_legacy=migrate_legacy,
        aliases=aliases,
        follows=follows,
        calls_of_field={"aliases": ("set_alias", "delete_alias")},
        keeps_data=True,
    ),
)
