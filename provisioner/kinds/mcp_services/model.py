"""An MCP service as its author describes it. Field names are those of the REST API."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from provisioner.kinds.unity_catalog.model import (
    COMMENT,
    EXISTING,
    GRANTS,
    LIFECYCLE,
    LIMITS,
    NAME,
    PARENT_FIELD,
    CatalogLifecycle,
    CatalogSpec,
    Grants,
    Parent,
    RateLimits,
)

# rule(documented): A service has at most 1,024 tool selectors, of 1 to 256 characters each.
#     [databricks-sdk, McpServiceConfig: include_tool_selectors]
ToolSelector = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class SourceConnection(CatalogSpec):
    """The connection to the MCP server."""

    # rule(documented): A connection is named `connections/CATALOG.SCHEMA.NAME`. [databricks-sdk,
    #     McpServiceConfigSourceConnection]
    name: str = Field(
        pattern=r"^connections/[^\s./]+\.[^\s./]+\.[^\s./]+$",
        description="The connection, as `connections/CATALOG.SCHEMA.NAME`.",
    )


# rule(documented): A config has a connection. [databricks-sdk, McpServiceConfig:
#     source_connection]
class McpServiceConfig(CatalogSpec):
    """The connection, the tools that callers can use, and rate limits."""

    source_connection: SourceConnection = Field(
        description="The connection to the MCP server. `provisioner` does not create it."
    )
    # rule(documented): A service has at most 1,024 tool selectors, of 1 to 256 characters each.
    #     [databricks-sdk, McpServiceConfig: include_tool_selectors]
    include_tool_selectors: tuple[ToolSelector, ...] | None = Field(
        default=None,
        max_length=1024,
        description=(
            "The tools that callers can use: names, or prefixes such as `read_*`, in any order. "
            "Without a value they can use all tools."
        ),
    )
    rate_limits: RateLimits = LIMITS


class McpService(CatalogSpec):
    """An MCP service, whose tools callers use.

    They need EXECUTE on it, and no privilege on its connection.
    """

    parent: Parent = PARENT_FIELD
    # rule(tool): A name holds lower-case letters, digits, `-` and `_`: the catalog stores names in
    #     lower case, and a name with other characters has to be quoted everywhere.
    mcp_service_id: Parent = Field(pattern=NAME, description="The service's name, in lower case.")
    existing: bool = EXISTING
    comment: str | None = COMMENT
    config: McpServiceConfig | None = Field(
        default=None, description="The configuration of the service."
    )
    grants: Grants = GRANTS
    lifecycle: CatalogLifecycle | None = LIFECYCLE
