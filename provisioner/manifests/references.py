"""``${…}`` in manifests: where it is allowed, and what it becomes.

There is one reference, ``${env.NAME}``, and one place for it: the whole value of a
``*_plaintext`` field. It becomes a reference to a secret; the value is not read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from provisioner.errors import Finding, Location
from provisioner.secret import MARK

PLAINTEXT = "_plaintext"
ESCAPED = "$${"

_REFERENCE = re.compile(r"(?<!\$)\$\{[^}]*\}?")
_FROM_ENV = re.compile(r"\$\{env\.([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)


def has_references(text: str) -> bool:
    """Whether a file with this content has anything for the other functions to do."""
    return "${" in text or PLAINTEXT in text


def misplaced(value: Any, at: Location = ()) -> Iterator[Finding]:
    """Plaintext that is no reference, and references where none is allowed."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from misplaced(inner, (*at, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from misplaced(inner, (*at, index))
    elif isinstance(value, str):
        name = at[-1] if at else ""
        if isinstance(name, str) and name.endswith(PLAINTEXT):
            if not _FROM_ENV.fullmatch(value):
                yield _plaintext(name, at)
        elif "${" in value:
            yield from _not_here(value, at)


def resolved(value: Any, name: str = "") -> Any:
    """``value`` with plaintext references as secrets, and ``$${`` as ``${``.

    For a value in which nothing is ``misplaced``.
    """
    if isinstance(value, dict):
        return {inner: resolved(part, inner) for inner, part in value.items()}
    if isinstance(value, list):
        return [resolved(part) for part in value]
    if isinstance(value, str) and "${" in value:
        found = _FROM_ENV.fullmatch(value)
        if found and name.endswith(PLAINTEXT):
            return {MARK: {"from_env": found[1]}}
        return value.replace(ESCAPED, "${")
    return value


def _plaintext(name: str, at: Location) -> Finding:
    twin = name.removesuffix(PLAINTEXT)
    hint = (
        f'write a reference into a secret scope, `{twin}: "{{{{secrets/SCOPE/KEY}}}}"`, '
        f"or take it from the environment, `{name}: ${{env.NAME}}`"
    )
    return Finding(at, "E308", f"`{name}` must not be written out in a file", hint)


def _not_here(value: str, at: Location) -> Iterator[Finding]:
    for found in _REFERENCE.finditer(value):
        if found[0].startswith("${env."):
            message = f"`{found[0]}` is not allowed here"
            hint = "a variable of the environment can only be all of a `*_plaintext` field"
        else:
            message = f"`{found[0]}` refers to nothing: manifests have no variables"
            hint = f"write the value itself; `{ESCAPED}` is a plain `${{`"
        yield Finding(at, "E121", message, hint)
