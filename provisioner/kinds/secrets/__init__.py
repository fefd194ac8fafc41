"""Secrets of Unity Catalog: where model provider services take their keys from."""

from __future__ import annotations

from typing import Any

from provisioner.kinds.secrets.decisions import (
    applied_digests,
    field_action,
    migrate_legacy,
    relations,
    spelled,
)
from provisioner.kinds.unity_catalog.kind import CatalogParts, kind_of
from provisioner.kinds.unity_catalog.securable import SecurableKind

SECURABLE = SecurableKind(
    name="secrets",
    title="catalog secret",
    plural="secrets",
    grants_type="secret",
    privileges=frozenset(
        ("ALL_PRIVILEGES", "MANAGE", "READ_SECRET", "REFERENCE_SECRET", "WRITE_SECRET")
    ),
    created_fields=("comment", "expire_time", "owner"),
    spelled=spelled,
    output_only=frozenset(
        (
            *("full_name", "effective_value", "effective_owner", "metastore_id", "value"),
            *("create_time", "created_by", "update_time", "updated_by", "external_secret_id"),
        )
    ),
)


def model() -> type[Any]:
    """The pydantic model; only schema generation asks for it."""
    from provisioner.kinds.secrets.model import CatalogSecret

    return CatalogSecret


# A deleted value cannot be brought back, so no blanket consent covers it.
KIND = kind_of(
    SECURABLE,
    CatalogParts(
        model=model,
        relations=relations,
        field_action=field_action,
        applied_digests=applied_digests,
        migrate_legacy=migrate_legacy,
        calls_of_field=dict.fromkeys(("from_env", "from_file", "rotated_at"), ("update",)),
        keeps_data=True,
    ),
)
