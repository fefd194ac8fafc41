"""What a scope needs: a value for each key that is to be written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provisioner.errors import Location
from provisioner.kinds.secret_scopes.backend import KEY_VAULT
from provisioner.kinds.secret_scopes.compare import declared_keys
from provisioner.model.paths import Document
from provisioner.model.references import (
    ELSEWHERE,
    EVERY,
    Prerequisite,
    PrerequisiteType,
    RestrictedName,
)

# Logins are addresses and service principals are ids: what is neither is a group.
_APPLICATION_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def references(document: Document) -> Iterator[RestrictedName]:
    """The scope's name, and the groups that get access to it, in the words of endpoints."""
    name = document.get("name")
    if isinstance(name, str):
        yield RestrictedName("secret_scopes", name, ("name",))
    for at, kind, principal in _principals(document):
        if kind == "group_name":
            yield RestrictedName("groups", principal, at)


def _principals(document: Document) -> Iterator[tuple[Location, str, str]]:
    """Place, sort and name of whom the ACLs name."""
    acls = document.get("acls")
    for index, acl in enumerate(acls if isinstance(acls, list) else ()):
        principal = acl.get("principal") if isinstance(acl, dict) else None
        if isinstance(principal, str):
            yield ("acls", index, "principal"), _sort(principal), principal


def _sort(principal: str) -> str:
    """The field of permissions that would name ``principal``: a scope has one for all sorts."""
    if "@" in principal:
        return "user_name"
    is_id = _APPLICATION_ID.fullmatch(principal)
    return "service_principal_name" if is_id else "group_name"


SOURCES = ("from_env", "from_file")


def prerequisites(document: Document) -> Iterator[Prerequisite]:
    """Each principal of an ACL, and each declared key, with where its value comes from.

    A vault is filled elsewhere.
    """
    for at, kind, name in _principals(document):
        yield Prerequisite(PrerequisiteType.PRINCIPAL, (kind, name), at)
    scope = str(document.get("name"))
    if document.get("backend_type") == KEY_VAULT:
        yield Prerequisite(PrerequisiteType.SECRET, (scope, EVERY), ("backend_type",), ELSEWHERE)
        return
    for key, source in declared_keys(document).items():
        named = {how: source[how] for how in SOURCES if how in source}
        yield Prerequisite(PrerequisiteType.SECRET, (scope, key), ("secrets", key), named)
