"""What a scope needs: a value for each key that is to be written."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.kinds.secret_scopes.backend import KEY_VAULT
from provisioner.kinds.secret_scopes.compare import declared_keys
from provisioner.requirement import ELSEWHERE, EVERY, Need, Requirement
from provisioner.semantics import Document

SOURCES = ("from_env", "from_file")


def requires(document: Document) -> Iterator[Requirement]:
    """Each declared key, with where its value comes from; a vault is filled elsewhere."""
    scope = str(document.get("name"))
    if document.get("backend_type") == KEY_VAULT:
        yield Requirement(Need.SECRET, (scope, EVERY), ("backend_type",), ELSEWHERE)
        return
    for key, source in declared_keys(document).items():
        named = {how: source[how] for how in SOURCES if how in source}
        yield Requirement(Need.SECRET, (scope, key), ("secrets", key), named)
