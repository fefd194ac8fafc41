"""Secret references: their form, where a served entity has them, whether they can be resolved."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from provisioner.emulator.http.store import Store

# The strict form: the whole value, double braces, no blanks. [serving-api 4]
REFERENCE = re.compile(r"\{\{secrets/([\w.@-]{1,128})/([\w.@-]{1,128})\}\}", re.ASCII)


def is_reference(value: Any) -> bool:
    """Returns whether a value is a secret reference."""
    return isinstance(value, str) and REFERENCE.fullmatch(value) is not None


def references_in(value: Any) -> Iterator[str]:
    """Yields every string in a JSON value that is a secret reference."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from references_in(inner)
    elif is_reference(value):
        yield value


def scope_and_key(reference: str) -> tuple[str, str]:
    """Returns the scope and the key that a reference names."""
    scope, _, key = reference.removeprefix("{{secrets/").removesuffix("}}").partition("/")
    return scope, key


def value_of(store: Store, reference: str) -> str:
    """Returns the value behind a well-formed reference; "" where there is none."""
    row = store.row(
        "SELECT value FROM secrets WHERE scope = ? AND key = ?", *scope_and_key(reference)
    )
    return bytes(row[0]).decode("utf-8", "replace").strip() if row else ""


def problem_with(store: Store, reference: str) -> str:
    """Returns why a well-formed reference cannot be resolved; "" where it can."""
    scope, key = scope_and_key(reference)
    scope_row = store.row("SELECT backend FROM scopes WHERE name = ?", scope)
    if scope_row is None:
        return f"Secret scope '{scope}' does not exist."
    secret_row = store.row("SELECT 1 FROM secrets WHERE scope = ? AND key = ?", scope, key)
    # What a key vault holds is not known here.
    if secret_row or scope_row[0] == "AZURE_KEYVAULT":
        return ""
    return f"Secret does not exist with scope: {scope} and key: {key}"
