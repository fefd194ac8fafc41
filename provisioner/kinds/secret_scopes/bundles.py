"""A scope in the words of a Databricks bundle, translated into those of the REST API.

Source: databricks/cli bundle/config/resources/secret_scope.go. Pure: the document that is
given is left as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from provisioner.errors import Finding, Severity
from provisioner.kinds.secret_scopes import access, backend
from provisioner.semantics import Document

VAULT: Final = "keyvault_metadata"
PERMISSIONS: Final = "permissions"
PRINCIPALS: Final = ("user_name", "group_name", "service_principal_name")


def modernise(document: Document) -> tuple[Document, tuple[Finding, ...]]:
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
        message = f"`{theirs}` is the word of a bundle for `{ours}`, and both are here"
        return Finding((theirs,), "E347", message, f"keep `{ours}` alone", key=True)
    message = f"`{theirs}` is the word of a bundle"
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
