"""Which privileges the login and the callers need for an object of Unity Catalog. Pure.

The login owns what it creates, so what it creates needs no grant to it. Callers of a service need
EXECUTE on it, which manifests grant, and the use of its schema and catalog, which they may not.
Source: databricks-sdk, ``AiGatewayAPI``; docs.databricks.com, Unity Catalog privileges.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from provisioner.errors import Location
from provisioner.kinds.unity_catalog.securable import GRANTS, SecurableKind
from provisioner.model.paths import Document
from provisioner.model.references import EVERY, Prerequisite, PrerequisiteType

LOGIN: Final = ""
CATALOG, SCHEMA = "catalog", "schema"
USES: Final = ((CATALOG, "USE_CATALOG"), (SCHEMA, "USE_SCHEMA"))
CALLED: Final = "EXECUTE"


def privilege(
    name: tuple[str, str, str, str], at: Location, unless: tuple[str, str] | None = None
) -> Prerequisite:
    """A privilege that is needed: principal (``LOGIN``), type and name of the object, privilege."""
    return Prerequisite(PrerequisiteType.GRANT, name, at, unless=unless)


def of_object(kind: SecurableKind, document: Document) -> Iterator[Prerequisite]:
    """What it takes to create the object, to grant on it, and to use what is granted."""
    full_name = kind.full_name(document)
    if not full_name:
        return
    at: Location = (kind.identity[0],)
    if document.get("existing"):
        if document.get(GRANTS):
            yield privilege((LOGIN, kind.grants_type, full_name, "MANAGE"), (GRANTS,))
    else:
        yield from _creating(kind, full_name, at)
        yield _provided((LOGIN, kind.grants_type, full_name, EVERY))
    for index, grant in enumerate(document.get(GRANTS) or ()):
        principal = str(grant.get("principal", ""))
        for each in grant.get("privileges") or ():
            yield _provided((principal, kind.grants_type, full_name, str(each)))
        if CALLED in (grant.get("privileges") or ()) and full_name.count(".") == 2:
            yield from _above(principal, full_name, (GRANTS, index, "principal"))


def _creating(kind: SecurableKind, full_name: str, at: Location) -> Iterator[Prerequisite]:
    yield from _above(LOGIN, full_name, at)
    parent = full_name.rpartition(".")[0]
    place = SCHEMA if "." in parent else CATALOG
    # Who may change what is there owns it, and need not be able to create it again.
    new = (kind.name, full_name)
    yield privilege((LOGIN, place, parent, kind.creation), at, unless=new)


def _above(principal: str, full_name: str, at: Location) -> Iterator[Prerequisite]:
    """The use of the catalog, and of the schema where the object is in one."""
    parts = full_name.split(".")
    for depth, (kind, needed) in enumerate(USES[: len(parts) - 1], 1):
        yield privilege((principal, kind, ".".join(parts[:depth]), needed), at)


def _provided(name: tuple[str, str, str, str]) -> Prerequisite:
    return Prerequisite(PrerequisiteType.GRANT, name, (), is_provided=True)
