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


class CatalogSpec(BaseModel):
    # Not strict: that refuses a list for a tuple; the JSON Schema is strict about types.
    model_config = ConfigDict(extra="forbid", frozen=True)


class GrantSpec(CatalogSpec):
    """What one principal may do."""

    principal: str = Field(
        min_length=1,
        description="A user's e-mail address, an account group, or the application id of a "
        "service principal. Groups of the workspace alone cannot be granted anything.",
    )
    privileges: tuple[str, ...] = Field(
        min_length=1, description="The privileges, such as `EXECUTE`. Their order means nothing."
    )


Grants = Annotated[
    tuple[GrantSpec, ...] | None,
    ServerDefault(DOCS),
    KeyedBy(DOCS, key=("principal",)),
]
GRANTS = Field(
    default=None,
    description="Who may do what: all direct grants. Left out, they are left alone. With "
    "`existing: true` only the privileges that are written are looked after.",
)


class CatalogLifecycle(CatalogSpec):
    """How the resource is treated. Not sent to the service."""

    prevent_destroy: bool = Field(
        default=False,
        description="Refuse to delete or to replace it, also once its manifest is gone.",
    )
    ignore_changes: tuple[str, ...] = Field(
        default=(), description="Paths that are left as they are, such as `comment`."
    )


LIFECYCLE = Field(default=None, description="Protection, and what is not to be touched.")
EXISTING = Field(
    default=False,
    description="It is created elsewhere: it is never created, marked or deleted, and only the "
    "fields that are written are managed.",
)
COMMENT = Field(
    default=None,
    max_length=900,
    description="What it is for. The last line of the comment in the workspace says to which "
    "project it belongs, and is not part of this field.",
)
CatalogName = Annotated[str, Immutable(SDK)]
CATALOG = Field(pattern=NAME, description="The catalog, in lower case.")
SCHEMA = Field(pattern=NAME, description="The schema, in lower case.")
Parent = Annotated[str, Immutable(SDK)]
PARENT_FIELD = Field(pattern=PARENT, description="The schema, as `schemas/CATALOG.SCHEMA`.")


class ServiceRateLimit(CatalogSpec):
    """A limit of requests or tokens. With both `requests` and `tokens` the stricter one acts."""

    key: Literal[
        "RATE_LIMIT_KEY_SERVICE",
        "RATE_LIMIT_KEY_USER_DEFAULT",
        "RATE_LIMIT_KEY_USER",
        "RATE_LIMIT_KEY_USER_GROUP",
        "RATE_LIMIT_KEY_SERVICE_PRINCIPAL",
    ] = Field(description="Who is counted: the service, each user, or one principal.")
    renewal_period: Literal[
        "RATE_LIMIT_RENEWAL_PERIOD_MINUTE", "RATE_LIMIT_RENEWAL_PERIOD_HOUR"
    ] = Field(description="The period that is counted.")
    principal: str | None = Field(
        default=None, min_length=1, description="Who is meant, for the last three keys only."
    )
    requests: int | None = Field(
        default=None, ge=0, description="Requests per period: none is no limit, 0 refuses all."
    )
    tokens: int | None = Field(
        default=None, ge=0, description="Tokens per period: none is no limit, 0 refuses all."
    )


RateLimits = Annotated[
    tuple[ServiceRateLimit, ...] | None,
    KeyedBy(SDK, key=("key", "principal", "renewal_period"), default=(("principal", ""),)),
]
LIMITS = Field(default=None, description="At most 20 limits, 5 of them for groups.")


class ServiceInferenceTable(CatalogSpec):
    """A table that keeps requests and answers. It cannot move once it is there."""

    parent: str = Field(
        pattern=PARENT, description="The schema of the table, as `schemas/CATALOG.SCHEMA`."
    )
    table_name_prefix: Annotated[str | None, ServerDefault(SDK)] = Field(
        default=None,
        description="How the table's name begins, before `_payload`. The service takes its own "
        "name where nothing is said.",
    )


TABLE = Field(default=None, description="Where requests and answers are kept.")
