"""Which declared keys have to be written, who is to get access, and where the scope is kept.

Values cannot be compared: none is ever read. Keys and principals of the scope that nobody
declared here are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from provisioner.kinds.secret_scopes import access, backend
from provisioner.kinds.secret_scopes.backend import KEY_VAULT
from provisioner.kinds.secret_scopes.validation import moment
from provisioner.model.drift import DriftCategory
from provisioner.model.kind import ComparisonInput
from provisioner.model.live import Live
from provisioner.model.paths import Document, Key, path_text
from provisioner.model.plan import ABSENT, Action, Cause, FieldAction, FieldChange
from provisioner.model.secret import MARK


def drift_category(change: FieldChange) -> DriftCategory | None:
    """The sort of ``change``; None for a plain edit.

    A key that is older than its ``rotated_at`` waits for an apply: no user can have set it back.
    """
    if change.path[0] == access.FIELD:
        return (
            DriftCategory.PERMISSION_REMOVED
            if change.before is ABSENT
            else DriftCategory.PERMISSION_CHANGED
        )
    is_older = change.path[0] == "secrets" and change.before is not ABSENT
    return DriftCategory.NOT_APPLIED if is_older else None


ALL: Final = "*"
CLOCK_SKEW: Final = "clock_skew_s"
"""In ``Live.beside``: seconds by which the workspace's clock is ahead."""

WRITTEN_IN_VAULT: Final = "the scope is in an Azure Key Vault, so write the value there"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def compare(comparison: ComparisonInput) -> tuple[FieldChange, ...]:
    """The differences: keys that are missing, older than their rotation or asked for, grants
    that are missing or weaker, and a backend that is another one.
    """
    changes = (*_changes(comparison), *access.changes(comparison), *backend.changes(comparison))
    return tuple(sorted(changes, key=lambda change: path_text(change.path)))


def _changes(comparison: ComparisonInput) -> Iterator[FieldChange]:
    live: Document = comparison.live.document if comparison.live else {}
    stored: Mapping[str, Any] = live.get("secrets", {})
    # https://docs.databricks.com/api/workspace/secrets/putsecret: read-only from here.
    elsewhere = live.get("backend_type") == KEY_VAULT
    skew = _clock_skew(comparison.live)
    for key, source in sorted(declared_keys(comparison.desired).items()):
        cause = _cause(source, stored.get(key), skew, comparison.rotate & {ALL, key})
        if cause is None:
            continue
        before, after = _before(stored.get(key)), secret_of(source)
        action = Action.UPDATE if key in stored else Action.CREATE
        change = FieldChange(("secrets", Key(key)), before, after, action, cause)
        if cause is Cause.ROTATION_DONE:
            yield replace(change, action=Action.KEEP, detail=_not_due(skew))
        else:
            yield _not_writable(change) if elsewhere else change


def _not_due(skew: timedelta) -> str:
    """The sentence for a rotation that is over, with the skew that decided; ``""`` without one."""
    if not skew:
        return ""
    way = "ahead of" if skew > timedelta() else "behind"
    return (
        f"{Cause.ROTATION_DONE.sentence}; the workspace's clock is "
        f"{abs(skew.total_seconds()):.0f} s {way} this one"
    )


def _not_writable(change: FieldChange) -> FieldChange:
    detail = f"{change.reason}; {WRITTEN_IN_VAULT}"
    return change.because(FieldAction(Action.BLOCKED, Cause.STORED_ELSEWHERE, detail))


def declared_keys(document: Document) -> Mapping[str, Mapping[str, str]]:
    """Key to source of the value."""
    secrets: Mapping[str, Mapping[str, str]] = document.get("secrets") or {}
    return secrets


def secret_of(source: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The reference that stands for the value until it is sent."""
    return {MARK: {name: source[name] for name in ("from_env", "from_file") if name in source}}


def _clock_skew(live: Live | None) -> timedelta:
    """How far the workspace's clock, which dates stored values, is ahead of this machine's."""
    seconds = live.beside.get(CLOCK_SKEW, 0.0) if live else 0.0
    return timedelta(seconds=seconds)


def _cause(
    source: Mapping[str, str], stored: Any, skew: timedelta, rotate: frozenset[str]
) -> Cause | None:
    """Why the key has to be written, or stays although it has a rotation; None for no difference.

    ``rotated_at`` is a time of the user's clock, and the date of a stored value one of the
    workspace's: without the skew a rotation is missed, or sent again and again.
    """
    if stored is None:
        return Cause.MISSING
    rotated = moment(source.get("rotated_at", ""))
    since = _stored_at(stored)
    if rotated and since and rotated + skew > since:
        return Cause.ROTATION_DUE
    if rotate:
        return Cause.ROTATED
    # Shown with `-v`: a rotation that was meant, and has a moment that is too early, is seen.
    return Cause.ROTATION_DONE if rotated and since else None


def _before(entry: Any) -> Any:
    """What can be shown of a stored value: since when it is there."""
    if entry is None:
        return ABSENT
    since = _stored_at(entry)
    return {"stored_at": f"{since:%Y-%m-%dT%H:%M:%SZ}"} if since else {}


def _stored_at(entry: Any) -> datetime | None:
    """``last_updated_timestamp`` is in milliseconds since 1970."""
    try:
        return EPOCH + timedelta(milliseconds=int(entry["last_updated_timestamp"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
