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
    "no call changes it: declare a scope with another name, change the references of the "
    "endpoints, and delete this scope by hand"
)

SCOPE_NAME = r"^[A-Za-z0-9_.@-]{1,128}$"
TIMESTAMP = r"^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})$"


# rule(tool): A text that is given is not empty, and an amount is not below 0: leave the field out
#     instead.
class ScopeSpec(BaseModel):
    # Not strict: that refuses a list for a tuple; the JSON Schema is strict about types.
    model_config = ConfigDict(extra="forbid", frozen=True)


class SecretSource(ScopeSpec):
    """The source of one value. Set exactly one of `from_env` and `from_file`."""

    # rule(tool): The name of an environment variable holds letters, digits and `_`, as shells can
    #     set it.
    from_env: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description=("The environment variable with the value, on the machine where `apply` runs."),
    )
    from_file: str | None = Field(
        default=None,
        min_length=1,
        description=("The file with the value, relative to the project. Do not commit this file."),
    )
    # rule(tool): A moment is written as RFC 3339 has it.
    rotated_at: str | None = Field(
        default=None,
        pattern=TIMESTAMP,
        description=(
            "When you last rotated the value, such as `2026-11-20T10:00:00Z`. `apply` "
            "writes the value again if the stored one is older."
        ),
    )


# rule(documented): An ACL has a principal and one of three permissions. [serving-api 4.1]
class Acl(ScopeSpec):
    """The permission of one principal on the scope."""

    principal: str = Field(
        min_length=1,
        description=("A user's login name, a group, or the application id of a service principal."),
    )
    permission: Literal["READ", "WRITE", "MANAGE"] = Field(
        description=(
            "`READ` allows reading values, `WRITE` also writing them, and `MANAGE` "
            "also managing the scope and its ACLs."
        )
    )


class KeyVault(ScopeSpec):
    """The Azure Key Vault with the values."""

    # rule(documented): The id of a key vault begins with its subscription.
    #     [learn.microsoft.com, Azure Key Vault]
    resource_id: str = Field(
        pattern=r"^/subscriptions/.+$", description="The vault's id: `/subscriptions/…`."
    )
    # rule(documented): The address of a key vault is an https URL without a path.
    #     [learn.microsoft.com, Azure Key Vault]
    dns_name: str = Field(
        pattern=r"^https://[^\s/]+/?$",
        description="The vault's address: `https://….vault.azure.net/`.",
    )


class ScopeLifecycle(ScopeSpec):
    """How `provisioner` treats the resource. Never sent to Databricks."""

    prevent_destroy: bool = Field(
        default=False,
        description="Has no effect, because `provisioner` never deletes secret scopes.",
    )
    ignore_changes: tuple[str, ...] = Field(
        default=(),
        description="Keys that `apply` does not change, such as `secrets[openai_api_key]`.",
    )


class SecretScope(ScopeSpec):
    """A secret scope. `provisioner` changes only the keys that the manifest declares."""

    # rule(documented): A scope has a name of 1 to 128 letters, digits, `-`, `_`, `.` and `@`.
    #     [serving-api 4.3]
    name: Annotated[str, Immutable(DOCS)] = Field(
        pattern=SCOPE_NAME,
        description=(
            "The name of the scope, as in `{{secrets/SCOPE/KEY}}`. It contains "
            "letters, digits, `-`, `_`, `.` and `@`. Case does not matter."
        ),
    )
    secrets: dict[str, SecretSource] = Field(
        default_factory=dict,
        description=(
            "The keys of the scope, each with the source of its value. A key contains "
            "letters, digits, `-`, `_` and `.`."
        ),
    )
    acls: Annotated[
        tuple[Acl, ...] | None, ServerDefault(ACLS), KeyedBy(ACLS, key=("principal",))
    ] = Field(
        default=None,
        description="The ACLs of the scope. Other principals do not change.",
    )
    # rule(documented): A scope has one of two backends. [serving-api 4.1]
    backend_type: Annotated[
        Literal["DATABRICKS", "AZURE_KEYVAULT"] | None,
        ServerDefault(DOCS),
        NotUpdatable(DOCS, remedy=OTHER_SCOPE),
    ] = Field(
        default=None,
        description=(
            "Where the values are stored. A scope with `AZURE_KEYVAULT` reads a key "
            "vault and cannot have `secrets`. Can be set only when the scope is "
            "created."
        ),
    )
    backend_azure_keyvault: Annotated[
        KeyVault | None, ServerDefault(DOCS), NotUpdatable(DOCS, remedy=OTHER_SCOPE)
    ] = Field(
        default=None,
        description="The key vault. Required with `AZURE_KEYVAULT`, and only allowed then.",
    )
    lifecycle: ScopeLifecycle | None = Field(
        default=None, description="Protection from deletion, and fields to ignore."
    )
