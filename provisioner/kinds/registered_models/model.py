"""A registered model of Unity Catalog, as its author describes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from provisioner.kinds.unity_catalog.model import (
    CATALOG,
    CLI,
    COMMENT,
    EXISTING,
    GRANTS,
    LIFECYCLE,
    NAME,
    SCHEMA,
    SDK,
    CatalogLifecycle,
    CatalogName,
    CatalogSpec,
    Grants,
)
from provisioner.model.field_rules import NotUpdatable, ServerDefault


class RegisteredModel(CatalogSpec):
    """A registered model.

    Training jobs create its versions. Deleting the model deletes all versions.
    """

    catalog_name: CatalogName = CATALOG
    schema_name: CatalogName = SCHEMA
    # rule(tool): A name holds lower-case letters, digits, `-` and `_`: the catalog stores names in
    #     lower case, and a name with other characters has to be quoted everywhere.
    name: CatalogName = Field(pattern=NAME, description="The model's name, in lower case.")
    existing: bool = EXISTING
    comment: str | None = COMMENT
    owner: Annotated[str | None, ServerDefault(SDK)] = Field(
        default=None, min_length=1, description="The owner. Default: the creator."
    )
    storage_location: Annotated[
        str | None,
        ServerDefault(SDK),
        NotUpdatable(
            CLI,
            remedy="another location needs another model, which has no versions: restore the old "
            "value, or remove the field",
        ),
    ] = Field(default=None, min_length=1, description="The storage location of the versions.")
    aliases: Annotated[dict[str, str | None] | None, ServerDefault(SDK)] = Field(
        default=None,
        description=(
            "The version of each alias, such as `champion: 3`. `null` removes an "
            "alias. Other aliases do not change. `apply` sets an alias after the "
            "endpoints that serve its version are ready."
        ),
    )
    grants: Grants = GRANTS
    lifecycle: CatalogLifecycle | None = LIFECYCLE
