"""Changes that no comparison of documents shows: write-only fields, and ownership. Pure.

The service never returns a write-only field. What was applied last is known by a digest in
the ownership data of the live resource: another digest means that the field was changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from provisioner.model.documents import value_at
from provisioner.model.field_rules import FieldRule, rules_along
from provisioner.model.live import Live, Ownership, Phase
from provisioner.model.paths import Path, path_text
from provisioner.model.plan import ABSENT, Absent, Action, Cause, FieldAction, FieldChange
from provisioner.model.resource import Resource
from provisioner.model.rollout import RolloutTag
from provisioner.planning.comparable import write_only_values
from provisioner.planning.diff import diff
from provisioner.planning.field_actions import is_ignored, remedy

PROTECTION: Path = ("lifecycle", "prevent_destroy")
OWNER: Path = ("owner",)
ROLLOUT: Path = ("provisioner_rollout",)
PROTECTED: Path = ("provisioner_protected",)
APPLIED: Path = ("provisioner_applied",)
"""The path of a change that writes the digests alone, where no field has to be sent."""


@dataclass(frozen=True, slots=True)
class ComparedSides:
    """Both sides of a resource, and the changes that their comparison shows.

    ``ownership`` are to be on the resource afterwards; ``rotate`` sends every secret that is
    given as plaintext once more. ``resent_field`` is the field to send again after a failed update,
    and with ``redeploy`` after every one.
    """

    desired: Resource
    live: Live
    changes: tuple[FieldChange, ...]
    rules: FieldRule
    ownership: Ownership
    rotate: bool = False
    redeploy: bool = False
    resent_field: str = ""


def write_only_changes(sides: ComparedSides) -> Iterator[FieldChange]:
    """The changes to make beside those that can be seen."""
    yield from _without_stored_secrets([*_unreadable(sides), *_sent_again(sides)], sides)
    if sides.ownership.protected != sides.live.ownership.protected:
        before, after = sides.live.ownership.protected, sides.ownership.protected
        yield FieldChange(PROTECTION, before, after, cause=Cause.OWNERSHIP)
    if sides.ownership.rollout != sides.live.ownership.rollout:
        # In words: the calls take the tag from the ownership, and nothing reads its digests.
        old, new = sides.live.ownership.rollout, sides.ownership.rollout
        yield FieldChange(ROLLOUT, _in_words(old), _in_words(new), cause=Cause.OWNERSHIP)


def _in_words(tag: str) -> str | Absent:
    known = RolloutTag.parse(tag)
    return known.words if known else tag or ABSENT


def _unreadable(sides: ComparedSides) -> Iterator[FieldChange]:
    before, after = _digests(sides.live.ownership.applied), _digests(sides.ownership.applied)
    #   on the live resource  "config:3fa81c22 raw:77f0a1b3"
    #   of this manifest      "config:9b00d1e4"
    #   differing             {config, raw}: one was changed, the other one taken out
    # A digest is for a top-level field, so all write-only values of that field are sent again.
    differing = {name for name in before | after if before.get(name) != after.get(name)}
    whole = {change.path for change in sides.changes}
    held = set()
    for path, value, rule in write_only_values(sides.desired.document, sides.rules):
        field = str(path[0])
        held.add(field)
        # An entry that is new is shown and sent as a whole: its secret would be told twice.
        in_new_entry = any(path[:end] in whole for end in range(len(path)))
        if in_new_entry or is_ignored(path, sides.desired.ignore_changes):
            continue
        if sides.rotate and rule.secret:
            yield FieldChange(path, ABSENT, value, cause=Cause.ROTATED)
        elif field in differing:
            cause = Cause.WRITE_ONLY_DIFFERS if field in before else Cause.NEVER_APPLIED
            yield _possible(FieldChange(path, ABSENT, value, cause=cause), sides)
    yield from _taken_out(sides, sorted(differing - held))


def _without_stored_secrets(changes: list[FieldChange], sides: ComparedSides) -> list[FieldChange]:
    """``changes``, where a secret of a resource without an owner stays, unless its field is sent.

    Whoever made the resource gave it a secret, and no comparison shows whether it is the declared
    one. Writing the declared secret could break what works.
    """
    if sides.live.ownership.owner:
        return changes
    stored = {change.path for change in changes if _is_stored_secret(change, sides)}
    others = (change for change in (*sides.changes, *changes) if change.path not in stored)
    sent = {each.path[0] for each in others if each.action is not Action.KEEP}
    stays = FieldAction(Action.KEEP, Cause.SECRET_STAYS)
    return [
        change.because(stays) if change.path in stored and change.path[0] not in sent else change
        for change in changes
    ]


def _is_stored_secret(change: FieldChange, sides: ComparedSides) -> bool:
    """Whether only the secret itself is unknown: a live reference in its place is another one."""
    *holder, name = change.path
    if change.cause is not Cause.NEVER_APPLIED or not isinstance(name, str):
        return False
    reference = (*holder, name.removesuffix("_plaintext"))
    is_secret = rules_along(sides.rules, change.path)[-1].secret
    return is_secret and value_at(sides.live.document, reference, sides.rules) is ABSENT


def _taken_out(sides: ComparedSides, fields: list[str]) -> Iterator[FieldChange]:
    """``fields`` have another digest, and hold nothing that cannot be read back."""
    before = _digests(sides.live.ownership.applied)
    called = {str(each.path[0]) for each in sides.changes if each.action is not Action.KEEP}
    cause = Cause.WRITE_ONLY_REMOVED
    mark_alone = False
    for field in fields:
        if is_ignored((field,), sides.desired.ignore_changes):
            continue
        # The call that is made anyway brings the field to what the manifest holds; only the digest
        # has to follow, and no field is shown as changed.
        if field in called or field not in before or field not in sides.rules.fields:
            mark_alone = True
            continue
        was = sides.desired.document.get(field, f"digest {before[field]}")
        now = sides.desired.document.get(field, ABSENT)
        yield _possible(FieldChange((field,), was, now, cause=cause), sides)
    if mark_alone:
        old, new = sides.live.ownership.applied, sides.ownership.applied
        yield FieldChange(APPLIED, old or ABSENT, new or ABSENT, cause=cause)


def _digests(applied: str) -> dict[str, str]:
    """``applied`` as a mapping; its text is ``field:digest``, with blanks between."""
    pairs = (entry.partition(":") for entry in applied.split())
    return {field: digest for field, _, digest in pairs}


def _possible(change: FieldChange, sides: ComparedSides) -> FieldChange:
    """``change`` as an update, or blocked where no call can make it."""
    if not remedy(change, sides.rules):
        return change
    detail = f"{change.reason}; {Cause.NOT_UPDATABLE.sentence}"
    return change.because(FieldAction(Action.BLOCKED, change.cause, detail))


def _sent_again(sides: ComparedSides) -> Iterator[FieldChange]:
    """What failed, and what is to be deployed again, is sent though it is equal."""
    # A failed update leaves the pending config equal to the manifest, so no difference would be
    # seen, and the endpoint would stay as it was for ever.
    failed = sides.live.readiness.phase is Phase.FAILED
    if not failed and not sides.redeploy:
        return
    field = sides.resent_field
    value = sides.desired.document.get(field)
    sent = any(each.path[0] == field and each.action is not Action.KEEP for each in sides.changes)
    if value and not sent and not _is_left_alone(field, sides):
        cause = Cause.RESENT if failed else Cause.REDEPLOYED
        yield FieldChange((field,), value, value, cause=cause)


def _is_left_alone(field: str, sides: ComparedSides) -> bool:
    """Whether all that the manifest says of ``field`` is ignored."""
    held = diff({field: sides.desired.document[field]}, {}, sides.rules)
    return all(is_ignored(each.path, sides.desired.ignore_changes) for each in held)


def released_ownership(ownership: Ownership) -> Iterator[FieldChange]:
    """Each ownership tag of a live resource that is released, as a removal."""
    for path, value in ((APPLIED, ownership.applied), (OWNER, ownership.owner)):
        if value:
            yield FieldChange(path, value, ABSENT, cause=Cause.OWNERSHIP)
    if ownership.protected:
        yield FieldChange(PROTECTED, "true", ABSENT, cause=Cause.OWNERSHIP)


def listed(paths: Iterable[Path]) -> str:
    """``paths`` for a sentence, in their order, each once."""
    return ", ".join(dict.fromkeys(map(path_text, paths)))


def vouch(path: Path) -> str:
    """What to do where no call shows whether the live value is the one that is wanted."""
    return (
        "no call shows or changes it: if the live value is the value of the manifest, apply "
        f"once with `lifecycle: {{ignore_changes: [{path_text(path)}]}}`, and the value counts "
        "as applied; otherwise, recreate the resource"
    )
