"""Scopes, their keys and ACLs in a Terraform state. Pure; no value of a secret gets out.

Source: terraform-provider-databricks docs/resources/secret_scope.md, secret.md, secret_acl.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from provisioner.errors import Finding, Location, Severity
from provisioner.kinds.secret_scopes import access, backend
from provisioner.model.importing import (
    BundleRules,
    Claimed,
    GeneratedManifest,
    StateEntry,
    variable_name,
)
from provisioner.model.live import Live
from provisioner.model.paths import Document

VAULT: Final = "keyvault_metadata"
PERMISSIONS: Final = "permissions"
PRINCIPALS: Final = ("user_name", "group_name", "service_principal_name")


def migrate_legacy(document: Document) -> tuple[Document, tuple[Finding, ...]]:
    """``document`` in our words, and a finding for each word of a bundle.

    Where both words are there, that is an error and ours is kept.
    """
    modern, findings = dict(document), []
    for theirs, ours in ((VAULT, backend.VAULT), (PERMISSIONS, access.FIELD)):
        if theirs in modern:
            findings.append(_moved(theirs, ours, twice=ours in modern))
            value = modern.pop(theirs)
            modern.setdefault(ours, _acls(value) if theirs == PERMISSIONS else value)
    return modern, tuple(findings)


def _moved(theirs: str, ours: str, *, twice: bool) -> Finding:
    if twice:
        message = f"bundles write `{theirs}` for `{ours}`, and both are set"
        return Finding((theirs,), "E347", message, f"keep only `{ours}`", key=True)
    message = f"`{theirs}` is the name in a bundle"
    return Finding((theirs,), "W730", message, f"write `{ours}`", Severity.WARNING, key=True)


def _acls(permissions: Any) -> Any:
    if not isinstance(permissions, list):
        return permissions
    return [_acl(entry) if isinstance(entry, Mapping) else entry for entry in permissions]


def _acl(entry: Mapping[str, Any]) -> Document:
    """What is no level and no single principal stays, so that it is told as unknown."""
    names = {"level": "permission"}
    given = [kind for kind in PRINCIPALS if kind in entry]
    if len(given) == 1:
        names[given[0]] = "principal"
    return {names.get(name, name): value for name, value in entry.items()}


NOT_READ: Final = (
    "Values are never read back. apply needs a variable only if it writes the key again:",
    "if the key is missing, with `rotated_at`, or with --rotate.",
)


def generate(live: Live, words: str) -> GeneratedManifest:
    """``live`` as a manifest describes it; ``words`` begin the names of its variables."""
    document: Document = {"name": live.name}
    in_vault = live.document.get(backend.TYPE) == backend.KEY_VAULT
    keys = sorted(live.document.get("secrets", {}))
    comments: dict[Location, Sequence[str]] = {}
    if keys and not in_vault:
        document["secrets"] = {key: {"from_env": variable_name(f"{words}_{key}")} for key in keys}
        comments[("secrets",)] = NOT_READ
    if live.document.get(access.FIELD):
        document[access.FIELD] = sorted(
            (dict(entry) for entry in live.document[access.FIELD]), key=lambda e: e["principal"]
        )
    if in_vault:
        document |= {name: live.document[name] for name in (backend.TYPE, backend.VAULT)}
    return GeneratedManifest(document, comments)


SCOPE, SECRET, ACL = "databricks_secret_scope", "databricks_secret", "databricks_secret_acl"
NOT_COPIED: Final = (
    "The stored values do not change. apply needs a variable only if it writes the key again:",
    "if the key is missing, with `rotated_at`, or with --rotate.",
)


def from_terraform(entries: Sequence[StateEntry]) -> Sequence[Claimed]:
    """The scopes among ``entries``, also those of which only keys or ACLs are there."""
    held: dict[str, list[StateEntry]] = {}
    for entry in entries:
        field = {SCOPE: "name", SECRET: "scope", ACL: "scope"}.get(entry.type)
        if field and entry.attributes.get(field):
            held.setdefault(str(entry.attributes[field]), []).append(entry)
    return [_claimed(name, entries) for name, entries in sorted(held.items())]


def _claimed(name: str, entries: list[StateEntry]) -> Claimed:
    document: Document = {"name": name}
    comments: dict[Location, Sequence[str]] = {}
    keys = sorted(str(entry.attributes.get("key")) for entry in entries if entry.type == SECRET)
    if keys:
        sources = {key: {"from_env": variable_name(f"{name}_{key}")} for key in keys}
        document["secrets"] = sources
        comments[("secrets",)] = NOT_COPIED
    acls = [
        {field: entry.attributes.get(field) for field in ("principal", "permission")}
        for entry in entries
        if entry.type == ACL
    ]
    if acls:
        document[access.FIELD] = sorted(acls, key=lambda acl: str(acl["principal"]))
    for entry in entries:
        document |= _vault(entry.attributes) if entry.type == SCOPE else {}
    return Claimed(name, GeneratedManifest(document, comments), tuple(entries))


def _vault(attributes: Any) -> Document:
    vaults = attributes.get("keyvault_metadata")
    if attributes.get("backend_type") != backend.KEY_VAULT or not vaults:
        return {}
    vault = vaults[0] if isinstance(vaults, list) else vaults
    kept = {name: vault.get(name) for name in backend.VAULT_FIELDS}
    return {backend.TYPE: backend.KEY_VAULT, backend.VAULT: kept}


# Source: databricks/cli resourcemutator/apply_bundle_permissions.go and secret_scope_fixups.go.
NOT_IN_A_BUNDLE: Final = (
    "A bundle cannot declare keys; an endpoint refers to these. apply needs a variable only if",
    "it writes the key: if the key is missing, with `rotated_at`, or with --rotate.",
)


def with_keys(document: Document, keys: Sequence[str]) -> GeneratedManifest:
    """Returns the manifest of a scope that also declares ``keys``, for a scope of its own values.

    The values of a Key Vault are written elsewhere.
    """
    if not keys or document.get(backend.TYPE) == backend.KEY_VAULT:
        return GeneratedManifest(document)
    # What differs by target is no part of the variable's name: it is set for each run.
    words = re.sub(r"\$\{[^{}]*\}", "", str(document.get("name")))
    declared = document.get("secrets", {})
    added = {key: {"from_env": variable_name(f"{words}_{key}")} for key in sorted(keys)}
    made = {**document, "secrets": {**added, **declared}}
    return GeneratedManifest(made, {("secrets",): NOT_IN_A_BUNDLE})


BUNDLE: Final = BundleRules(
    levels={"CAN_VIEW": "READ", "CAN_MANAGE": "MANAGE"},
    ranks=("READ", "WRITE", "MANAGE"),
    with_keys=with_keys,
)
