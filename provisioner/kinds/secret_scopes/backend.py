"""Where a scope's values are kept: by Databricks, or in an Azure Key Vault. Pure.

This is settled when the scope is created, and no call changes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from provisioner.errors import Finding
from provisioner.model.kind import ComparisonInput
from provisioner.model.paths import Document
from provisioner.model.plan import ABSENT, Action, Cause, FieldAction, FieldChange

TYPE: Final = "backend_type"
VAULT: Final = "backend_azure_keyvault"
DATABRICKS, KEY_VAULT = "DATABRICKS", "AZURE_KEYVAULT"
VAULT_FIELDS: Final = ("resource_id", "dns_name")
FIXED: Final = FieldAction(
    Action.BLOCKED, Cause.FIXED_AT_CREATION, "set when the scope was created"
)


def changes(comparison: ComparisonInput) -> Iterator[FieldChange]:
    """What is declared of the backend, for a new scope; for another one what differs."""
    desired, live = comparison.desired, comparison.live
    if live is None:
        for field in (TYPE, VAULT):
            if field in desired:
                yield FieldChange((field,), ABSENT, desired[field], Action.CREATE, Cause.CREATED)
        return
    actual = live.document
    if TYPE in desired and TYPE in actual and desired[TYPE] != actual[TYPE]:
        yield FieldChange((TYPE,), actual[TYPE], desired[TYPE]).because(FIXED)
    wanted, actual_vault = _object(desired.get(VAULT)), _object(actual.get(VAULT))
    for field in VAULT_FIELDS:
        # What the service does not tell cannot differ.
        if (
            field in wanted
            and field in actual_vault
            and _plain(wanted[field]) != _plain(actual_vault[field])
        ):
            yield FieldChange((VAULT, field), actual_vault[field], wanted[field]).because(FIXED)


def of_create(document: Document) -> Document:
    """What a create says of the backend; its field has another name there."""
    names = {TYPE: "scope_backend_type", VAULT: VAULT}
    return {names[field]: document[field] for field in names if field in document}


def of_live(scope: Mapping[str, Any]) -> Document:
    """The backend of a listed scope, in manifest vocabulary."""
    settings = {TYPE: scope.get(TYPE), VAULT: scope.get("keyvault_metadata")}
    return {field: value for field, value in settings.items() if value}


def relations(document: Document) -> Iterator[Finding]:
    """A vault with the type that needs it, and no values where they cannot be written."""
    in_vault = document.get(TYPE) == KEY_VAULT
    # rule(client): A scope in an Azure Key Vault names the vault, and no other scope does.
    #     [serving-api 4.1]
    if in_vault and VAULT not in document:
        hint = f"write `{VAULT}: {{resource_id: …, dns_name: …}}`"
        yield Finding((TYPE,), "E345", f"`{KEY_VAULT}` requires the vault", hint)
    # rule(client): Only a scope in an Azure Key Vault names a vault. [serving-api 4.1]
    if VAULT in document and not in_vault:
        message = f"`{VAULT}` belongs to `{TYPE}: {KEY_VAULT}`"
        yield Finding((VAULT,), "E345", message, "write both, or remove both", key=True)
    # rule(documented): A scope in an Azure Key Vault is read-only. [serving-api 4]
    if in_vault and document.get("secrets"):
        message = "the values of a scope in an Azure Key Vault are read-only"
        hint = "write the values to the vault, and remove `secrets`"
        yield Finding(("secrets",), "E344", message, hint, key=True)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _plain(text: Any) -> str:
    """Azure minds neither the case nor the slash at the end of an address."""
    return str(text).rstrip("/").casefold()
