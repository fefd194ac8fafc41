"""Secret scopes: where endpoints take their keys from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provisioner.kinds.secret_scopes import access
from provisioner.kinds.secret_scopes.calls import operations
from provisioner.kinds.secret_scopes.compare import compare, drift_sort
from provisioner.kinds.secret_scopes.importing import modernise
from provisioner.kinds.secret_scopes.references import mentions, requires
from provisioner.kinds.secret_scopes.validation import relations
from provisioner.model import schemas
from provisioner.model.connection import Connection
from provisioner.model.field_rules import FieldRule
from provisioner.model.importing import Claimed, Importer, Portrait, StateEntry
from provisioner.model.kind import Driver, Kind
from provisioner.model.live import Live
from provisioner.model.secret import SecretReader

NAME = "secret_scopes"


def model() -> type[Any]:
    """The pydantic model; only schema generation asks for it."""
    from provisioner.kinds.secret_scopes.model import SecretScope

    return SecretScope


def rules() -> FieldRule:
    """The field rules, from the generated schema."""
    return schemas.rules(NAME)


def portray(live: Live, words: str) -> Portrait:
    """The live scope as a manifest would describe it."""
    from provisioner.kinds.secret_scopes import importing

    return importing.portray(live, words)


def from_terraform(entries: Sequence[StateEntry]) -> Sequence[Claimed]:
    """What a Terraform state holds of this kind."""
    from provisioner.kinds.secret_scopes import importing as terraform

    return terraform.from_terraform(entries)


def connect(connection: Connection, secrets: SecretReader) -> Driver:
    """A driver for the scopes of the workspace behind ``connection``."""
    from provisioner.kinds.secret_scopes.driver import ScopeDriver

    return ScopeDriver(connection, secrets)


KIND = Kind(
    name=NAME,
    title="secret scope",
    model=model,
    rules=rules,
    relations=relations,
    operations=operations,
    connect=connect,
    modernise=modernise,
    compare=compare,
    markable=False,
    calls={"secrets": ("put_secret",), "acls": ("put_acl",)},
    same_name=str.lower,
    importer=Importer(portray, {"acls": []}, from_terraform=from_terraform),
    mentions=mentions,
    remarks=access.remarks,
    requires=requires,
    drift_sort=drift_sort,
)
