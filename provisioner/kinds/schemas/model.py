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
    # rule(tool): A name holds lower-case letters, digits, `-` and `_`: the catalog stores names in
    #     lower case, and a name with other characters has to be quoted everywhere.
    name: CatalogName = Field(pattern=NAME, description="The schema's name, in lower case.")
    existing: bool = EXISTING
    comment: str | None = COMMENT
    grants: Grants = GRANTS
    lifecycle: CatalogLifecycle | None = LIFECYCLE
