"""Changes that no comparison of documents shows: what cannot be read back, and our marks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from provisioner.plan import ABSENT, Action, FieldChange
from provisioner.planning.comparable import write_only_values
from provisioner.planning.verdicts import is_ignored
from provisioner.resource import Live, Marks, Phase, Resource
from provisioner.semantics import FieldRule, Path, path_text

ROTATED = "--rotate"
NEVER_APPLIED = "cannot be read back, and was not applied by this project"
APPLIED_DIFFERS = "cannot be read back; differs from what was applied last"
FAILED = "the last update failed"
TAKEN_OUT = "a field that cannot be read back was taken out of the manifest"

PROTECTION: Path = ("lifecycle", "prevent_destroy")
APPLIED: Path = ("provisioner_applied",)
"""Stands for fields that are no longer in the manifest and cannot be seen on the live side."""
CONFIG = "config"
"""The field whose update can fail after the service has accepted it, in kinds that have it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Both sides of a resource, and the changes that their comparison shows.

    ``marks`` are to be on the resource afterwards; ``rotate`` sends every secret that is
    given as plaintext once more.
    """

    desired: Resource
    live: Live
    changes: tuple[FieldChange, ...]
    rules: FieldRule
    marks: Marks
    rotate: bool = False


def unseen_changes(seen: Seen) -> Iterator[FieldChange]:
    """The changes to make beside those that can be seen."""
    yield from _unreadable(seen)
    yield from _failed(seen)
    if seen.marks.protected != seen.live.marks.protected:
        yield FieldChange(PROTECTION, seen.live.marks.protected, seen.marks.protected)


def _unreadable(seen: Seen) -> Iterator[FieldChange]:
    before, after = seen.live.marks.applied, seen.marks.applied
    found = list(write_only_values(seen.desired.document, seen.rules))
    whole = {change.path for change in seen.changes}
    for path, value, rule in found:
        in_new_entry = any(path[:end] in whole for end in range(len(path)))
        if in_new_entry or is_ignored(path, seen.desired.ignore_changes):
            continue
        if seen.rotate and rule.secret:
            yield FieldChange(path, ABSENT, value, reason=ROTATED)
        elif before != after:
            reason = APPLIED_DIFFERS if before else NEVER_APPLIED
            yield FieldChange(path, ABSENT, value, reason=reason)
    if before != after and not found:
        yield FieldChange(APPLIED, before or ABSENT, after or ABSENT, reason=TAKEN_OUT)


def _failed(seen: Seen) -> Iterator[FieldChange]:
    """What the service accepted and could not carry out is sent again, though it is equal."""
    config = seen.desired.document.get(CONFIG)
    sent = any(each.path[0] == CONFIG and each.action is not Action.KEEP for each in seen.changes)
    if seen.live.readiness.phase is Phase.FAILED and config and not sent:
        yield FieldChange((CONFIG,), config, config, reason=FAILED)


def listed(paths: Iterable[Path]) -> str:
    """``paths`` for a sentence, in their order, each once."""
    return ", ".join(dict.fromkeys(map(path_text, paths)))
