"""A secret scope, and where the values of its keys come from.

The values themselves stand in no file of the project and are never read back.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from provisioner.model.field_rules import Immutable, KeyedBy, NotUpdatable, ServerDefault

DOCS = "https://docs.databricks.com/api/workspace/secrets/createscope"

ACLS = "https://docs.databricks.com/api/workspace/secrets/putacl"
OTHER_SCOPE = (
    "the service has no call for it: declare another scope under a new name, let the endpoints "
    "refer to that one, and delete this one by hand"
)

SCOPE_NAME = r"^[A-Za-z0-9_.@-]{1,128}$"
TIMESTAMP = r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})$"


class ScopeSpec(BaseModel):
    # Not strict: that refuses a list for a tuple; the JSON Schema is strict about types.
    model_config = ConfigDict(extra="forbid", frozen=True)


class SecretSource(ScopeSpec):
    """Where one value comes from: exactly one of `from_env` and `from_file`."""

    from_env: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="The environment variable that holds the value where `apply` runs.",
    )
    from_file: str | None = Field(
        default=None,
        min_length=1,
        description="The file that holds the value, below the project root. Keep it out of "
        "the repository.",
    )
    rotated_at: str | None = Field(
        default=None,
        pattern=TIMESTAMP,
        description="When the value was last changed, as in `2026-11-20T10:00:00Z`. A stored "
        "value that is older is written again.",
    )


class Acl(ScopeSpec):
    """What one principal may do with the scope."""

    principal: str = Field(
        min_length=1,
        description="A user's login, a group, or the application id of a service principal.",
    )
    permission: Literal["READ", "WRITE", "MANAGE"] = Field(
        description="`READ` values, `WRITE` them too, or `MANAGE` the scope and its ACLs as well."
    )


class KeyVault(ScopeSpec):
    """The Azure Key Vault that keeps the values."""

    resource_id: str = Field(
        pattern=r"^/subscriptions/.+$", description="The vault's id: `/subscriptions/…`."
    )
    dns_name: str = Field(
        pattern=r"^https://[^\s/]+/?$",
        description="The vault's address: `https://….vault.azure.net/`.",
    )


class ScopeLifecycle(ScopeSpec):
    """How the resource is treated. Not sent to the service."""

    prevent_destroy: bool = Field(
        default=False, description="Has no effect: scopes are never deleted."
    )
    ignore_changes: tuple[str, ...] = Field(
        default=(),
        description="Keys that are left as they are, such as `secrets[openai_api_key]`.",
    )


class SecretScope(ScopeSpec):
    """A secret scope. Only the keys that are declared here are touched."""

    name: Annotated[str, Immutable(DOCS)] = Field(
        pattern=SCOPE_NAME,
        description="The scope in `{{secrets/SCOPE/KEY}}`. Letters, digits, `-`, `_`, `.` and "
        "`@`; upper and lower case are the same.",
    )
    secrets: dict[str, SecretSource] = Field(
        default_factory=dict,
        description="Key to where its value comes from. Keys are letters, digits, `-`, `_` "
        "and `.`.",
    )
    acls: Annotated[
        tuple[Acl, ...] | None, ServerDefault(ACLS), KeyedBy(ACLS, key=("principal",))
    ] = Field(
        default=None,
        description="Who may do what. Only the principals that are declared here are touched.",
    )
    backend_type: Annotated[
        Literal["DATABRICKS", "AZURE_KEYVAULT"] | None,
        ServerDefault(DOCS),
        NotUpdatable(DOCS, remedy=OTHER_SCOPE),
    ] = Field(
        default=None,
        description="Where the values are kept. `AZURE_KEYVAULT` only shows those of a vault, "
        "so that no `secrets` can be written; it can be chosen only when the scope is created.",
    )
    backend_azure_keyvault: Annotated[
        KeyVault | None, ServerDefault(DOCS), NotUpdatable(DOCS, remedy=OTHER_SCOPE)
    ] = Field(default=None, description="Which vault. Needed with `AZURE_KEYVAULT`, and only then.")
    lifecycle: ScopeLifecycle | None = Field(
        default=None, description="Protection, and what is not to be touched."
    )
