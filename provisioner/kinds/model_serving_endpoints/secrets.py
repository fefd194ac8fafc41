"""What an endpoint's document says about secrets: which scopes it needs, and which of its
secrets are given as plaintext. Values are never looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from provisioner.kinds.model_serving_endpoints.parts import (
    ENTITIES,
    external_models,
    parts_of,
    references,
    scope_and_key,
    secret_holders,
)
from provisioner.kinds.model_serving_endpoints.providers import SECRET_FIELDS
from provisioner.semantics import Document

SECRET_SCOPES = "secret_scopes"


def needs(document: Document) -> Iterator[tuple[str, str]]:
    """(kind, scope) for each secret scope that ``document`` refers to."""
    found = (scope_and_key(reference) for _, reference in references(document))
    for scope in sorted({names[0] for names in found if names}):
        yield SECRET_SCOPES, scope


def applied(document: Document) -> str:
    """A digest of which secrets are given as plaintext; ``""`` where none is.

    It tells a plaintext from a reference, which an answer of the service does not. It holds
    names of fields only: another value behind the same field does not change it.
    """
    given = sorted(_plaintexts(document))
    return hashlib.sha256("\n".join(given).encode()).hexdigest()[:16] if given else ""


def _plaintexts(document: Document) -> Iterator[str]:
    names = {
        entity.at: str(entity.value.get("name", "")) for entity in parts_of(document, ENTITIES)
    }
    for model in external_models(document):
        for holder in secret_holders(model):
            place = (names[model.at[:-1]], *holder.at[len(model.at) :])
            for twin in holder.value.keys() & SECRET_FIELDS:
                yield "/".join((*map(str, place), twin))
