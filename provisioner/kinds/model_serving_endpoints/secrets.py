"""Which secret scopes an endpoint's document needs. Values are never looked at."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.kinds.model_serving_endpoints.parts import references, scope_and_key
from provisioner.semantics import Document

SECRET_SCOPES = "secret_scopes"


def needs(document: Document) -> Iterator[tuple[str, str]]:
    """(kind, scope) for each secret scope that ``document`` refers to."""
    found = (scope_and_key(reference) for _, reference in references(document))
    for scope in sorted({names[0] for names in found if names}):
        yield SECRET_SCOPES, scope
