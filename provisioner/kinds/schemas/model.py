"""A schema of Unity Catalog, as its author describes it."""

from __future__ import annotations

from pydantic import Field

from provisioner.kinds.unity_catalog.model import (
    CATALOG,
    COMMENT,
    EXISTING,
    GRANTS,
    LIFECYCLE,
    NAME,
    CatalogLifecycle,
    CatalogName,
    CatalogSpec,
    Grants,
)


class CatalogSchema(CatalogSpec):
    """A schema of Unity Catalog and its grants."""

    catalog_name: CatalogName = CATALOG
    name: CatalogName = Field(pattern=NAME, description="The schema's name, in lower case.")
    existing: bool = EXISTING
    comment: str | None = COMMENT
    grants: Grants = GRANTS
    lifecycle: CatalogLifecycle | None = LIFECYCLE
