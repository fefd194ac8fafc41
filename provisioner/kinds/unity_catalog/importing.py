"""Objects of Unity Catalog in a Terraform state and in a bundle. Pure; no secret value gets out.

Source: terraform-provider-databricks docs/resources: grants.md, secret_uc.md, registered_model.md,
schema.md and ai_gateway_*.md; databricks-bundles, resources of the same names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from provisioner.kinds.unity_catalog import live_document
from provisioner.kinds.unity_catalog.securable import COMMENT, GRANTS, SecurableKind
from provisioner.model.field_rules import FieldRule
from provisioner.model.importing import BundleRules, Claimed, StateEntry, variable_name
from provisioner.model.live import Live
from provisioner.model.paths import Document

TYPES: Final[Mapping[str, str]] = {
    "model_services": "databricks_ai_gateway_model_service",
    "model_provider_services": "databricks_ai_gateway_model_provider_service",
    "mcp_services": "databricks_ai_gateway_mcp_service",
    "secrets": "databricks_secret_uc",
    "registered_models": "databricks_registered_model",
    "schemas": "databricks_schema",
}
"""Kind to its type of resource in Terraform."""
GRANTS_TYPE: Final = "databricks_grants"
# What the service fills in for everybody, and a manifest need not repeat.
CHOSEN: Final = ("owner", "storage_location")
# A reference to a variable, whose name has a case, or what is beside it.
WORD: Final = re.compile(r"\$\{[^}]*\}|[^$]+|\$")
STAYS: Final = "it stays as it is in the workspace"
UNMANAGED: Final[Mapping[str, Mapping[str, str]]] = {
    "schemas": {"storage_root": STAYS, "properties": STAYS}
}
"""Kind to the fields of a bundle that its manifest does not have."""


def from_terraform(
    kind: SecurableKind, rules: FieldRule, entries: Sequence[StateEntry]
) -> Sequence[Claimed]:
    """The objects of ``kind`` among ``entries``, each with the entries of its grants."""
    granted: dict[str, list[StateEntry]] = {}
    for entry in entries:
        # `databricks_grant` adds to the grants of others, and a manifest has all of them.
        if entry.type == GRANTS_TYPE and entry.attributes.get(kind.grants_type):
            name = str(entry.attributes[kind.grants_type]).lower()
            granted.setdefault(name, []).append(entry)
    return [
        _claimed(kind, rules, entry, granted)
        for entry in entries
        if entry.type == TYPES.get(kind.name)
    ]


def _claimed(
    kind: SecurableKind,
    rules: FieldRule,
    entry: StateEntry,
    granted: Mapping[str, list[StateEntry]],
) -> Claimed:
    full_name = kind.full_name(dict(entry.attributes))
    grants = granted.get(full_name, [])
    document = _plain(entry.attributes, rules)
    document |= {
        field: document[field].lower() if isinstance(document.get(field), str) else ""
        for field in kind.identity
    }
    rows = [row for each in grants for row in _rows(each)]
    if rows:
        document[GRANTS] = rows
    for field in CHOSEN:
        document.pop(field, None)
    if not document.get(COMMENT):
        document.pop(COMMENT, None)
    live = Live(full_name, "", document, "")
    generated = live_document.generate(rules, live, full_name.rpartition(".")[2])
    left = ["its owner, who can still manage it"] if entry.attributes.get("owner") else []
    generated = replace(generated, left_out=tuple(left))
    return Claimed(full_name, generated, (entry, *grants))


def _rows(entry: StateEntry) -> Iterator[Document]:
    for grant in entry.attributes.get("grant") or ():
        privileges = sorted(map(str, grant.get("privileges") or ()))
        yield {"principal": str(grant.get("principal")), "privileges": privileges}


def _plain(attributes: Mapping[str, Any], rules: FieldRule) -> Document:
    """What the model knows of ``attributes``, without what is not set."""
    known = live_document.known_fields(attributes, rules, (), frozenset(), [])
    return {name: value for name, value in known.items() if value not in ("", [], None)}


def _with_source(document: Document) -> Document:
    """A bundle's secret with the variable that its value comes from."""
    if "from_env" in document or "from_file" in document:
        return document
    return {**document, "from_env": variable_name(str(document.get("name", "secret")))}


def bundle_rules(kind: SecurableKind) -> BundleRules:
    """What a bundle's own settings do to the kind: its `permissions` have no effect there."""
    return BundleRules({}, (), named=partial(_named, kind), unmanaged=UNMANAGED.get(kind.name, {}))


def _lowered(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith("${") else match[0].lower()


def _named(kind: SecurableKind, document: Document) -> Document:
    """``document`` with its name as the catalog has it: in lower case."""
    identity = {
        name: WORD.sub(_lowered, value)
        for name in kind.identity
        if isinstance(value := document.get(name), str)
    }
    named = {**document, **identity}
    return _with_source(named) if kind.name == "secrets" else named
