"""A third kind of resource, for tests: lamps, kept in a shop that is no Databricks service.

It differs from the kinds of the package where kinds may differ: its resources record their
owner in the last line of their comment, take no questions, and depend on a secret scope. One
folder and one line of a registry are all that the tool needs to manage lamps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lamps.driver import LampDriver, with_owner_line
from provisioner.errors import Finding
from provisioner.model import schemas
from provisioner.model.connection import Connection
from provisioner.model.field_rules import FieldRule
from provisioner.model.importing import GeneratedManifest, Importing
from provisioner.model.kind import (
    Declared,
    Dependencies,
    Driver,
    Intent,
    Kind,
    OwnershipCarrier,
    Planning,
    Runtime,
    Schema,
)
from provisioner.model.live import Live
from provisioner.model.paths import Document
from provisioner.model.plan import Action, Operation
from provisioner.model.secret import SecretReader
from provisioner.model.serving import Branch, Served, Topology

NAME = "lamps"
ROOT = "/api/2.1/lamps"


def model() -> type[Any]:
    from lamps.model import Lamp

    return Lamp


def rules() -> FieldRule:
    return schemas.rules(NAME)


def relations(document: Document, declared: Declared) -> Iterator[Finding]:
    if document.get("color") == "dark" and document.get("watts"):
        hint = "take one of the two out"
        yield Finding(("watts",), "E109", "a dark lamp takes no power", hint)


def depends_on(document: Document) -> Iterator[tuple[str, str]]:
    if document.get("scope"):
        yield "secret_scopes", document["scope"]


def operations(intent: Intent) -> tuple[Operation, ...]:
    body = {key: value for key, value in (intent.desired or {}).items() if key != "name"}
    body["comment"] = with_owner_line(body.get("comment", ""), intent.ownership)
    path = f"{ROOT}/{intent.name}"
    delete = Operation("delete_lamp", "DELETE", path)
    create = Operation("create_lamp", "POST", ROOT, {"name": intent.name, **body})
    match intent.action:
        case Action.CREATE:
            return (create,)
        case Action.REPLACE:
            return (delete, create)
        case Action.DELETE:
            return (delete,)
        case _:
            return (Operation("update_lamp", "PUT", path, body),)


def connect(connection: Connection, secrets: SecretReader) -> Driver:
    return LampDriver()


def describe(live: Live) -> tuple[Served, ...]:
    return (Served("bulb", live.document.get("color", "?"), "", 100, ""),)


def topology(document: Document) -> Topology:
    secrets = (document["scope"],) if document.get("scope") else ()
    return (Branch("bulb", document.get("color", "?"), 100, secrets=secrets),)


def generate(live: Live, words: str) -> GeneratedManifest:
    return GeneratedManifest(dict(live.document))


KIND = Kind(
    name=NAME,
    title="lamp",
    ownership=OwnershipCarrier.COMMENT,
    schema=Schema(model=model, rules=rules, relations=relations, takes_name_prefix=False),
    dependencies=Dependencies(depends_on=depends_on),
    planning=Planning(operations=operations, calls_of_field={"watts": ("update_lamp",)}),
    runtime=Runtime(connect=connect, describe=describe, topology=topology),
    importing=Importing(generate),
)
