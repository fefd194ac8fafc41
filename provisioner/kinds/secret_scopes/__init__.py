"""Secret scopes: where endpoints take their keys from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provisioner.kinds.secret_scopes import access
from provisioner.kinds.secret_scopes.compare import compare, drift_category
from provisioner.kinds.secret_scopes.driver import OWN_CALLS, operations
from provisioner.kinds.secret_scopes.importing import BUNDLE, migrate_legacy
from provisioner.kinds.secret_scopes.references import prerequisites, references
from provisioner.kinds.secret_scopes.validation import relations
from provisioner.model import schemas
from provisioner.model.connection import Connection
from provisioner.model.field_rules import FieldRule
from provisioner.model.importing import Claimed, GeneratedManifest, Importing, StateEntry
from provisioner.model.kind import (
    Dependencies,
    Driver,
    Kind,
    OwnershipCarrier,
    Planning,
    Runtime,
    Schema,
)
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


def generate(live: Live, words: str) -> GeneratedManifest:
    """The live scope as a manifest would describe it."""
    from provisioner.kinds.secret_scopes import importing

    return importing.generate(live, words)


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
    # A scope has neither tags nor a comment: only its declared keys and ACLs are managed.
    ownership=OwnershipCarrier.NOTHING,
    schema=Schema(
        model=model,
        rules=rules,
        relations=relations,
        migrate_legacy=migrate_legacy,
        same_name=str.lower,
        # References to secrets hold the name of the scope as it is.
        takes_name_prefix=False,
    ),
    dependencies=Dependencies(
        prerequisites=prerequisites,
        references=references,
        provides_secrets=True,
    ),
    planning=Planning(
        operations=operations,
        own_calls=OWN_CALLS,
        calls_of_field={"secrets": ("put_secret",), "acls": ("put_acl",)},
        compare=compare,
        hides_values=True,
        warnings=access.warnings,
        drift_category=drift_category,
    ),
    runtime=Runtime(connect=connect),
    importing=Importing(
        generate, {"acls": []}, from_terraform=from_terraform, bundle=lambda: BUNDLE
    ),
)
