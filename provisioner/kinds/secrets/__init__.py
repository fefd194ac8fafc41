"""Secrets of Unity Catalog: where model provider services take their keys from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePosixPath

from provisioner.errors import Finding
from provisioner.kinds.unity_catalog.kind import CatalogParts, kind_of
from provisioner.kinds.unity_catalog.securable import SecurableKind
from provisioner.model.kind import Declared
from provisioner.model.live import Live
from provisioner.model.paths import Document
from provisioner.model.plan import ABSENT, Action, Cause, FieldAction, FieldChange

SOURCES = ("from_env", "from_file")
EXPIRY, ROTATED = "expire_time", "rotated_at"


def migrate_legacy(document: Document) -> tuple[Document, tuple[Finding, ...]]:
    """``document`` without a bundle's `value`, which would stand in a file."""
    if "value" not in document:
        return document, ()
    hint = "write `from_env: NAME` or `from_file: PATH`: `apply` reads the value"
    message = "`value` must not be in a file"
    # rule(tool): A manifest never contains the value of a secret.
    finding = Finding(("value",), "E351", message, hint, key=True, secret=True)
    return {name: document[name] for name in document if name != "value"}, (finding,)


# rule(tool): The value of a secret comes from one environment variable or one file.
def relations(document: Document, declared: Declared) -> Iterator[Finding]:
    """One source of the value, inside of the project, and moments that can be."""
    given = [name for name in SOURCES if name in document]
    if not given and not document.get("existing"):
        hint = "write `from_env: NAME`, or `from_file: PATH`"
        yield Finding((), "E341", "the source of the value is missing", hint, key=True)
    if len(given) > 1:
        message, hint = "`from_env` and `from_file` are both set", "keep one of the two"
        yield Finding(("from_file",), "E341", message, hint, key=True)
    path = document.get("from_file")
    # rule(tool): A file that holds a secret lies below the project root.
    if isinstance(path, str) and (path.startswith("/") or ".." in PurePosixPath(path).parts):
        message = f"`{path}` leads out of the project"
        hint = "write a path relative to the folder with provisioner.yaml, or use `from_env`"
        yield Finding(("from_file",), "E348", message, hint)
    for field in (EXPIRY, ROTATED):
        # rule(documented): A moment is written as RFC 3339 has it. [databricks-sdk, Secret:
        #     expire_time]
        if isinstance(text := document.get(field), str) and moment(text) is None:
            hint = "write it as `2026-11-20T10:00:00Z`"
            yield Finding(
                (field,), "E342", f"`{text}` is not a date and time with a time zone", hint
            )


def moment(text: str) -> datetime | None:
    """An RFC 3339 timestamp; None for any other text."""
    try:
        instant = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return instant if instant.tzinfo else None


def field_action(change: FieldChange, desired: Document, live: Live) -> FieldAction | None:
    """An expiry cannot be taken away: the service keeps what an update leaves out."""
    if change.path[0] != EXPIRY or change.after is not ABSENT:
        return None
    detail = "the service cannot remove it: restore it, or ignore it with lifecycle.ignore_changes"
    return FieldAction(Action.BLOCKED, Cause.NOT_UPDATABLE, detail)


def applied_digests(document: Document) -> str:
    """The moment of the last rotation, and no digest of the value: ``rotated_at:...``."""
    rotated_at = moment(str(document.get(ROTATED, "")))
    return f"{ROTATED}:{rotated_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if rotated_at else ""


def spelled(live: Document, desired: Document) -> Document:
    """``live`` with its expiry as the manifest writes it, where both are one moment."""
    wanted, actual = (moment(str(side.get(EXPIRY, ""))) for side in (desired, live))
    same = wanted is not None and wanted == actual
    return {**live, EXPIRY: desired[EXPIRY]} if same else live


SECURABLE = SecurableKind(
    name="secrets",
    title="catalog secret",
    plural="secrets",
    grants_type="secret",
    creation="CREATE_SECRET",
    privileges=frozenset(
        ("ALL_PRIVILEGES", "MANAGE", "READ_SECRET", "REFERENCE_SECRET", "WRITE_SECRET")
    ),
    created_fields=("comment", "expire_time", "owner"),
    spelled=spelled,
    output_only=frozenset(
        (
            *("full_name", "effective_value", "effective_owner", "metastore_id", "value"),
            *("create_time", "created_by", "update_time", "updated_by", "external_secret_id"),
        )
    ),
)


# A deleted value cannot be brought back, so no blanket consent covers it.
KIND = kind_of(
    SECURABLE,
    CatalogParts(
        model="CatalogSecret",
        relations=relations,
        field_action=field_action,
        applied_digests=applied_digests,
        migrate_legacy=migrate_legacy,
        calls_of_field=dict.fromkeys(("from_env", "from_file", "rotated_at"), ("update",)),
        keeps_data=True,
    ),
)
