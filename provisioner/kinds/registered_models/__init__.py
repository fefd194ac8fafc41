"""Registered models of Unity Catalog: their aliases and grants. Versions come from training."""

from __future__ import annotations

from typing import Any

from provisioner.kinds.registered_models.decisions import migrate_legacy, relations
from provisioner.kinds.unity_catalog.kind import CatalogParts, kind_of
from provisioner.kinds.unity_catalog.securable import SecurableKind

SECURABLE = SecurableKind(
    name="registered_models",
    title="registered model",
    plural="models",
    # To the grants API a registered model is a function. [databricks/cli, grants.go]
    grants_type="function",
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


def model() -> type[Any]:
    """The pydantic model; only schema generation asks for it."""
    from provisioner.kinds.registered_models.model import RegisteredModel

    return RegisteredModel


# Deleting a model deletes all of its versions, so no blanket consent covers it.
KIND = kind_of(
    SECURABLE,
    CatalogParts(
        model=model,
        relations=relations,
        migrate_legacy=migrate_legacy,
        calls_of_field={"aliases": ("set_alias",)},
        keeps_data=True,
    ),
)
