"""MCP services: the tools of an MCP server, governed by Unity Catalog."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from provisioner.errors import Finding
from provisioner.kinds.unity_catalog.kind import CatalogParts, kind_of
from provisioner.kinds.unity_catalog.privileges import LOGIN, privilege
from provisioner.kinds.unity_catalog.securable import SecurableKind
from provisioner.model.kind import Declared
from provisioner.model.paths import Document
from provisioner.model.references import Prerequisite

CONNECTIONS: Final = "connections/"
SOURCE: Final = ("config", "source_connection", "name")


def mask_of(names: tuple[str, ...]) -> str:
    """The update mask of a field: of the connection, the name can be changed."""
    return ".".join(SOURCE if names[:2] == SOURCE[:2] else names[:2])


def needed_privileges(document: Document) -> Iterator[Prerequisite]:
    """The owner of a service, which the login becomes, uses the connection."""
    source = (document.get("config") or {}).get("source_connection") or {}
    if isinstance(name := source.get("name"), str):
        connection = name.removeprefix(CONNECTIONS).lower()
        yield privilege((LOGIN, "connection", connection, "USE_CONNECTION"), SOURCE)


def relations(document: Document, declared: Declared) -> Iterator[Finding]:
    """A connection for what is created."""
    # rule(documented): A service is created with its config. [databricks-sdk, McpService]
    if not document.get("config") and not document.get("existing"):
        hint = "a service is created with its connection"
        yield Finding((), "E367", "`config` is missing", hint, key=True)


SECURABLE = SecurableKind(
    name="mcp_services",
    title="MCP service",
    plural="mcp-services",
    grants_type="mcp_service",
    privileges=frozenset(("ALL_PRIVILEGES", "APPLY_TAG", "EXECUTE", "MANAGE", "READ_METADATA")),
    identity=("parent", "mcp_service_id"),
    is_service=True,
    created_fields=("comment", "config"),
    mask_of=mask_of,
    output_only=frozenset(
        (
            *("name", "etag", "effective_owner", "metastore_id", "create_time", "created_by"),
            *("update_time", "updated_by", "is_deleted", "options"),
        )
    ),
)
KIND = kind_of(
    SECURABLE,
    CatalogParts(model="McpService", relations=relations, privileges=needed_privileges),
)
