"""A secret of Unity Catalog, and where its value comes from.

The value itself stands in no file of the project and is never read back.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from provisioner.kinds.unity_catalog.model import (
    CATALOG,
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
from provisioner.model.field_rules import ServerDefault, WriteOnly

OURS = "extension of provisioner"
TIMESTAMP = r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})$"
Written = Annotated[str | None, WriteOnly(OURS, secret=True)]


class CatalogSecret(CatalogSpec):
    """A secret in a schema of Unity Catalog."""

    catalog_name: CatalogName = CATALOG
    schema_name: CatalogName = SCHEMA
    # rule(tool): A name holds lower-case letters, digits, `-` and `_`: the catalog stores names in
    #     lower case, and a name with other characters has to be quoted everywhere.
    name: CatalogName = Field(pattern=NAME, description="The secret's name, in lower case.")
    existing: bool = EXISTING
    # rule(tool): The name of an environment variable holds letters, digits and `_`, as shells can
    #     set it.
    from_env: Written = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description=("The environment variable with the value, on the machine where `apply` runs."),
    )
    from_file: Written = Field(
        default=None,
        min_length=1,
        description=("The file with the value, relative to the project. Do not commit this file."),
    )
    # rule(tool): A moment is written as RFC 3339 has it.
    rotated_at: Annotated[str | None, WriteOnly(OURS)] = Field(
        default=None,
        pattern=TIMESTAMP,
        description=(
            "When you last rotated the value, such as `2026-11-20T10:00:00Z`. If you "
            "change it, `apply` writes the value again."
        ),
    )
    comment: str | None = COMMENT
    # rule(documented): A moment is written as RFC 3339 has it. [databricks-sdk, Secret:
    #     expire_time]
    expire_time: str | None = Field(
        default=None,
        pattern=TIMESTAMP,
        description=(
            "When the value expires, for information only. You can change this field, "
            "but not remove it."
        ),
    )
    owner: Annotated[str | None, ServerDefault(SDK)] = Field(
        default=None, min_length=1, description="The owner. Default: the creator."
    )
    grants: Grants = GRANTS
    lifecycle: CatalogLifecycle | None = LIFECYCLE
