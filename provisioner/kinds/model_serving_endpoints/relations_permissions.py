"""What must hold between the fields of an endpoint's permissions."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.errors import Finding
from provisioner.kinds.model_serving_endpoints.parts import parts_of
from provisioner.kinds.model_serving_endpoints.permissions import FIELD, PRINCIPALS
from provisioner.semantics import Document


def permissions(document: Document) -> Iterator[Finding]:
    """One principal an entry, one entry a principal."""
    seen: dict[tuple[str, str], int] = {}
    for number, part in enumerate(parts_of(document, (FIELD,)), start=1):
        given = [kind for kind in PRINCIPALS if kind in part.value]
        if not given:
            hint = "write one of " + ", ".join(f"`{kind}`" for kind in PRINCIPALS)
            yield Finding(part.at, "E360", "nobody is named who gets this permission", hint)
        for extra in given[1:]:
            message = f"`{given[0]}` and `{extra}` are both given"
            hint = "write an entry for each of them"
            yield Finding(part.inner(extra), "E360", message, hint, key=True)
        for kind in given:
            name = part.value[kind]
            if not isinstance(name, str):
                continue
            who = (kind, name.casefold())
            if who in seen:
                message = f"`{name}` has another permission already"
                hint = f"it is entry {seen[who]} of the list; each level holds the weaker ones"
                yield Finding(part.inner(kind), "E361", message, hint)
            seen.setdefault(who, number)
