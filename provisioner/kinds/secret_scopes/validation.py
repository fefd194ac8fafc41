"""What must hold between the fields of a secret scope, beyond what a schema can say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from provisioner.errors import Finding, Location
from provisioner.kinds.secret_scopes import access, backend
from provisioner.model.kind import Declared
from provisioner.model.paths import Document

# https://docs.databricks.com/api/workspace/secrets/putsecret
KEY_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")


def now() -> datetime:
    """The time, with its zone."""
    return datetime.now(UTC)


def relations(
    document: Document, declared: Declared, clock: Callable[[], datetime] = now
) -> Iterator[Finding]:
    """Everything about one scope that its schema cannot say."""
    yield from access.relations(document)
    yield from backend.relations(document)
    secrets = document.get("secrets")
    for key, source in (secrets if isinstance(secrets, Mapping) else {}).items():
        place = ("secrets", key)
        yield from _key_name(place, key)
        if isinstance(source, Mapping):
            yield from _one_source(place, source)
            yield from _inside_of_the_project(place, source)
            yield from _rotation(place, source, clock)


# rule(documented): The key of a secret has 1 to 128 letters, digits, `-`, `_` and `.`. [serving-api
#     4.3]
def _key_name(place: Location, key: str) -> Iterator[Finding]:
    if not KEY_NAME.fullmatch(key):
        yield Finding(
            place,
            "E340",
            f"`{key}` cannot be the name of a secret",
            "use 1 to 128 letters, digits, `-`, `_` and `.`",
            key=True,
        )


# rule(tool): The value of a secret comes from one environment variable or one file.
def _one_source(place: Location, source: Mapping[str, Any]) -> Iterator[Finding]:
    given = [name for name in ("from_env", "from_file") if name in source]
    if not given:
        hint = "write `{from_env: NAME}`, or `{from_file: PATH}`"
        yield Finding(place, "E341", "the source of the value is missing", hint, key=True)
    if len(given) > 1:
        yield Finding(
            (*place, "from_file"),
            "E341",
            "`from_env` and `from_file` are both set",
            "keep one of the two",
            key=True,
        )


# rule(tool): A file that holds a secret lies below the project root.
def _inside_of_the_project(place: Location, source: Mapping[str, Any]) -> Iterator[Finding]:
    """Links are followed only when the file is read: here is nothing but what is written."""
    path = source.get("from_file")
    if isinstance(path, str) and (path.startswith("/") or ".." in PurePosixPath(path).parts):
        yield Finding(
            (*place, "from_file"),
            "E348",
            f"`{path}` leads out of the project",
            "write a path relative to the folder with provisioner.yaml, or use `from_env`",
        )


# rule(tool): `rotated_at` is a moment in the past: a stored value would always be older than one in
#     the future, so every run would write it.
def _rotation(
    place: Location, source: Mapping[str, Any], clock: Callable[[], datetime]
) -> Iterator[Finding]:
    text = source.get("rotated_at")
    if not isinstance(text, str):
        return
    rotated = moment(text)
    if rotated is None:
        yield Finding(
            (*place, "rotated_at"),
            "E342",
            f"`{text}` is not a date and time with a time zone",
            "write it as `2026-11-20T10:00:00Z`",
        )
    elif rotated > clock():
        # A stored value would always be older, so it would be written by every run.
        yield Finding(
            (*place, "rotated_at"),
            "E343",
            f"`{text}` is in the future",
            "write the time of the last rotation",
        )


def moment(text: str) -> datetime | None:
    """An RFC 3339 timestamp (seconds may be left out); None for any other text."""
    try:
        time = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return time if time.tzinfo else None
