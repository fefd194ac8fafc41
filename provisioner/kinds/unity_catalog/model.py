"""Parts that the models of several kinds of Unity Catalog share. Only schemas are made of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from provisioner.model.field_rules import Immutable, KeyedBy, ServerDefault

SDK = "databricks-sdk service/catalog.py"
CLI = "databricks/cli bundle/direct/dresources"
DOCS = "https://docs.databricks.com/api/workspace/grants/update"

NAME = r"^[a-z0-9_-]{1,255}$"
PARENT = r"^schemas/[^\s./]{1,255}\.[^\s./]{1,255}$"


# rule(tool): A text that is given is not empty, and an amount is not below 0: leave the field out
#     instead.
class CatalogSpec(BaseModel):
    # Not strict: that refuses a list for a tuple; the JSON Schema is strict about types.
    model_config = ConfigDict(extra="forbid", frozen=True)


# rule(documented): A grant has a principal and privileges. [docs.databricks.com/api, Grants]
class GrantSpec(CatalogSpec):
    """The privileges of one principal."""

    principal: str = Field(
        min_length=1,
        description=(
            "A user's e-mail address, an account group, or the application id of a "
            "service principal. Workspace-local groups cannot get grants."
        ),
    )
    # rule(tool): A grant lists at least one privilege: a principal without privileges has no
    #     grant.
    privileges: tuple[str, ...] = Field(
        min_length=1, description="The privileges, such as `EXECUTE`, in any order."
    )


Grants = Annotated[
    tuple[GrantSpec, ...] | None,
    ServerDefault(DOCS),
    KeyedBy(DOCS, key=("principal",)),
]
GRANTS = Field(
    default=None,
    description=(
        "All direct grants. Without this field, grants do not change. With "
        "`existing: true`, only the privileges in the manifest are managed."
    ),
)


class CatalogLifecycle(CatalogSpec):
    """How `provisioner` treats the resource. Never sent to Databricks."""

    prevent_destroy: bool = Field(
        default=False,
        description="Forbid deletion and replacement, also after the manifest is removed.",
    )
    ignore_changes: tuple[str, ...] = Field(
        default=(), description="Paths that `apply` does not change, such as `comment`."
    )


LIFECYCLE = Field(default=None, description="Protection from deletion, and fields to ignore.")
EXISTING = Field(
    default=False,
    description=(
        "Whether the object is created elsewhere. `provisioner` then never "
        "creates or deletes it, records no owner, and manages only the fields in "
        "the manifest."
    ),
)
# rule(tool): A comment leaves room for the line that names its owner.
COMMENT = Field(
    default=None,
    max_length=900,
    description=(
        "A comment on the object. In the workspace, the last line of the comment "
        "names the owner. This line is not part of the field."
    ),
)
CatalogName = Annotated[str, Immutable(SDK)]
# rule(tool): A name holds lower-case letters, digits, `-` and `_`: the catalog stores names in
#     lower case, and a name with other characters has to be quoted everywhere.
CATALOG = Field(pattern=NAME, description="The catalog, in lower case.")
# rule(tool): A name holds lower-case letters, digits, `-` and `_`: the catalog stores names in
#     lower case, and a name with other characters has to be quoted everywhere.
SCHEMA = Field(pattern=NAME, description="The schema, in lower case.")
Parent = Annotated[str, Immutable(SDK)]
# rule(documented): A parent is written as `schemas/CATALOG.SCHEMA`, each name with at most 255
#     characters. [databricks-sdk, AiGatewayAPI]
PARENT_FIELD = Field(pattern=PARENT, description="The schema, as `schemas/CATALOG.SCHEMA`.")


# rule(documented): A limit of a service has one of five keys and one of two periods.
#     [databricks-sdk, RateLimit]
class ServiceRateLimit(CatalogSpec):
    """A limit of requests or tokens. With both, the stricter limit applies."""

    key: Literal[
        "RATE_LIMIT_KEY_SERVICE",
        "RATE_LIMIT_KEY_USER_DEFAULT",
        "RATE_LIMIT_KEY_USER",
        "RATE_LIMIT_KEY_USER_GROUP",
        "RATE_LIMIT_KEY_SERVICE_PRINCIPAL",
    ] = Field(description="What the limit applies to: the service, each user, or one principal.")
    renewal_period: Literal[
        "RATE_LIMIT_RENEWAL_PERIOD_MINUTE", "RATE_LIMIT_RENEWAL_PERIOD_HOUR"
    ] = Field(description="The period of the limit.")
    principal: str | None = Field(
        default=None, min_length=1, description="The principal, for the last three keys only."
    )
    requests: int | None = Field(
        default=None,
        ge=0,
        description=(
            "Requests per period. Without a value there is no limit. 0 refuses all requests."
        ),
    )
    tokens: int | None = Field(
        default=None,
        ge=0,
        description=(
            "Tokens per period. Without a value there is no limit. 0 refuses all requests."
        ),
    )


RateLimits = Annotated[
    tuple[ServiceRateLimit, ...] | None,
    KeyedBy(SDK, key=("key", "principal", "renewal_period"), default=(("principal", ""),)),
]
LIMITS = Field(default=None, description="At most 20 limits, 5 of them for groups.")


class ServiceInferenceTable(CatalogSpec):
    """The inference table, which stores requests and responses.

    Its catalog and schema cannot be changed.
    """

    # rule(documented): A parent is written as `schemas/CATALOG.SCHEMA`, each name with at most 255
    #     characters. [databricks-sdk, InferenceTableConfig]
    parent: str = Field(
        pattern=PARENT, description="The schema of the table, as `schemas/CATALOG.SCHEMA`."
    )
    table_name_prefix: Annotated[str | None, ServerDefault(SDK)] = Field(
        default=None,
        description=(
            "The prefix of the table name, before `_payload`. Default: the name of the service."
        ),
    )


TABLE = Field(default=None, description="The inference table, which stores requests and responses.")
