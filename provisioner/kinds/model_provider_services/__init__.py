"""Model provider services: accounts at providers of models, governed by Unity Catalog."""

from __future__ import annotations

from typing import Any

from provisioner.kinds.model_provider_services.decisions import (
    applied_digests,
    depends_on,
    field_action,
    mask_of,
    relations,
)
from provisioner.kinds.unity_catalog.kind import CatalogParts, kind_of
from provisioner.kinds.unity_catalog.securable import SecurableKind

SECURABLE = SecurableKind(
    name="model_provider_services",
    title="model provider service",
    plural="model-provider-services",
    grants_type="model_provider_service",
    privileges=frozenset(("ALL_PRIVILEGES", "APPLY_TAG", "EXECUTE", "MANAGE", "READ_METADATA")),
    identity=("parent", "model_provider_service_id"),
    is_service=True,
    created_fields=("comment", "config"),
    mask_of=mask_of,
    output_only=frozenset(
        (
            *("name", "etag", "effective_owner", "metastore_id", "create_time", "created_by"),
            *("update_time", "updated_by", "table", "is_deleted"),
        )
    ),
)


def model() -> type[Any]:
    """The pydantic model; only schema generation asks for it."""
    from provisioner.kinds.model_provider_services.model import ModelProviderService

    return ModelProviderService


KIND = kind_of(
    SECURABLE,
    CatalogParts(
        model=model,
        relations=relations,
        depends_on=depends_on,
        field_action=field_action,
        applied_digests=applied_digests,
    ),
)
