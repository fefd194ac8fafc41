"""What a scope names that teams may be restricted in. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from provisioner.mentions import Mention
from provisioner.semantics import Document

# Logins are addresses and service principals are ids: what is neither is a group.
_NO_GROUP = re.compile(r".*@.*|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def mentions(document: Document) -> Iterator[Mention]:
    """The scope's name, and the groups that get access to it, in the words of endpoints."""
    name = document.get("name")
    if isinstance(name, str):
        yield Mention("secret_scopes", name, ("name",))
    acls = document.get("acls")
    for index, acl in enumerate(acls if isinstance(acls, list) else ()):
        principal = acl.get("principal") if isinstance(acl, dict) else None
        if isinstance(principal, str) and not _NO_GROUP.fullmatch(principal):
            yield Mention("groups", principal, ("acls", index, "principal"))
