"""Model services: what callers ask, with routing, fallbacks and limits."""

from __future__ import annotations

from typing import Any

from provisioner.kinds.model_services.decisions import depends_on, field_action, mask_of, relations
from provisioner.kinds.unity_catalog.kind import CatalogParts, kind_of
from provisioner.kinds.unity_catalog.securable import SecurableKind

SECURABLE = SecurableKind(
    name="model_services",
    title="model service",
    plural="model-services",
    grants_type="model_service",
    privileges=frozenset(("ALL_PRIVILEGES", "APPLY_TAG", "EXECUTE", "MANAGE", "READ_METADATA")),
    identity=("parent", "model_service_id"),
    is_service=True,
    created_fields=("comment", "config"),
    mask_of=mask_of,
    output_only=frozenset(
        (
            *("name", "etag", "effective_owner", "metastore_id", "create_time", "created_by"),
            *("update_time", "updated_by", "table", "is_deleted", "supported_api_types", "model"),
        )
    ),
)


def model() -> type[Any]:
    """The pydantic model; only schema generation asks for it."""
    from provisioner.kinds.model_services.model import ModelService

    return ModelService


KIND = kind_of(
    SECURABLE,
    CatalogParts(
        model=model, relations=relations, depends_on=depends_on, field_action=field_action
    ),
)
