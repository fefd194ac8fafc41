"""Schemas of Unity Catalog: usually created elsewhere, with grants of this project."""

from __future__ import annotations

from provisioner.kinds.unity_catalog.kind import CatalogParts, kind_of
from provisioner.kinds.unity_catalog.securable import SecurableKind

SECURABLE = SecurableKind(
    name="schemas",
    title="schema",
    plural="schemas",
    grants_type="schema",
    creation="CREATE_SCHEMA",
    privileges=frozenset(
        (
            *("ALL_PRIVILEGES", "APPLY_TAG", "BROWSE", "CREATE_CONNECTION", "CREATE_FUNCTION"),
            *("CREATE_MODEL", "CREATE_MODEL_VERSION", "CREATE_SECRET", "CREATE_SERVICE"),
            *("CREATE_TABLE", "EXECUTE", "MANAGE", "READ_METADATA", "READ_SECRET", "SELECT"),
            *("MODIFY", "USE_SCHEMA", "WRITE_SECRET", "REFERENCE_SECRET"),
        )
    ),
    identity=("catalog_name", "name"),
    has_mask=False,
    page=("max_results", "50"),
    output_only=frozenset(
        (
            *("full_name", "owner", "metastore_id", "created_at", "created_by", "updated_at"),
            *("updated_by", "schema_id", "catalog_type", "browse_only", "properties"),
            *("effective_predictive_optimization_flag", "enable_predictive_optimization"),
            *("securable_kind", "securable_type", "storage_location", "storage_root"),
        )
    ),
)


# Deleting a schema takes everything in it along, so no blanket consent covers it.
KIND = kind_of(SECURABLE, CatalogParts(model="CatalogSchema", keeps_data=True))
