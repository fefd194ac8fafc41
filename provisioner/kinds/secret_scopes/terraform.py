"""Scopes, their keys and ACLs in a Terraform state. Pure; no value of a secret gets out.

Source: terraform-provider-databricks docs/resources/secret_scope.md, secret.md, secret_acl.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from provisioner.errors import Location
from provisioner.kinds.secret_scopes import access, backend
from provisioner.portrait import Claimed, Portrait, StateEntry, variable_name
from provisioner.semantics import Document

SCOPE, SECRET, ACL = "databricks_secret_scope", "databricks_secret", "databricks_secret_acl"
NOT_COPIED: Final = (
    "The values stay where they are. A variable is needed only when its key is written again:",
    "when it is missing, with `rotated_at`, or with --rotate.",
)


def from_terraform(entries: Sequence[StateEntry]) -> Sequence[Claimed]:
    """The scopes among ``entries``, also those of which only keys or ACLs are there."""
    held: dict[str, list[StateEntry]] = {}
    for entry in entries:
        field = {SCOPE: "name", SECRET: "scope", ACL: "scope"}.get(entry.type)
        if field and entry.attributes.get(field):
            held.setdefault(str(entry.attributes[field]), []).append(entry)
    return [_claimed(name, found) for name, found in sorted(held.items())]


def _claimed(name: str, entries: list[StateEntry]) -> Claimed:
    document: Document = {"name": name}
    comments: dict[Location, Sequence[str]] = {}
    keys = sorted(str(one.attributes.get("key")) for one in entries if one.type == SECRET)
    if keys:
        sources = {key: {"from_env": variable_name(f"{name}_{key}")} for key in keys}
        document["secrets"] = sources
        comments[("secrets",)] = NOT_COPIED
    acls = [
        {field: one.attributes.get(field) for field in ("principal", "permission")}
        for one in entries
        if one.type == ACL
    ]
    if acls:
        document[access.FIELD] = sorted(acls, key=lambda acl: str(acl["principal"]))
    for one in entries:
        document |= _vault(one.attributes) if one.type == SCOPE else {}
    return Claimed(name, Portrait(document, comments), tuple(entries))


def _vault(attributes: Any) -> Document:
    found = attributes.get("keyvault_metadata")
    if attributes.get("backend_type") != backend.KEY_VAULT or not found:
        return {}
    vault = found[0] if isinstance(found, list) else found
    kept = {name: vault.get(name) for name in backend.VAULT_FIELDS}
    return {backend.TYPE: backend.KEY_VAULT, backend.VAULT: kept}
