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
    """A model whose versions come from training. Deleting it would delete all of them."""

    catalog_name: CatalogName = CATALOG
    schema_name: CatalogName = SCHEMA
    name: CatalogName = Field(pattern=NAME, description="The model's name, in lower case.")
    existing: bool = EXISTING
    comment: str | None = COMMENT
    owner: Annotated[str | None, ServerDefault(SDK)] = Field(
        default=None, min_length=1, description="Who owns it; the service takes its creator."
    )
    storage_location: Annotated[
        str | None,
        ServerDefault(SDK),
        NotUpdatable(
            CLI,
            remedy="another place needs another model, which has no versions: put the old one "
            "back, or take the field out",
        ),
    ] = Field(default=None, min_length=1, description="Where versions are kept.")
    aliases: Annotated[dict[str, str | None] | None, ServerDefault(SDK)] = Field(
        default=None,
        description="Alias to version, such as `champion: 3`, or `null` to remove one. Aliases "
        "that are not written here are left alone. An alias moves after the endpoints that serve "
        "its version are ready.",
    )
    grants: Grants = GRANTS
    lifecycle: CatalogLifecycle | None = LIFECYCLE
