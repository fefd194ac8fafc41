"""Decides what happens to a resource as a whole, from the actions of its fields. Pure.

``step_action`` returns the first rule of a table that applies. What is refused comes before
what is done, so the order of each table is a law; a test exchanges every two neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from provisioner.model.kind import Intent, Kind
from provisioner.model.plan import DESTRUCTIVE, Action, Cause
from provisioner.planning.comparison import ResourceComparison
from provisioner.planning.field_actions import remedy
from provisioner.planning.write_only import listed, vouch

UNPROTECT = "set `lifecycle: {prevent_destroy: false}` in its manifest and apply that first"
RESTORE = (
    "restore its manifest with `lifecycle: {prevent_destroy: false}` and apply "
    "that first; then remove it again"
)


class StepAction(NamedTuple):
    """The action of a step, why, and what would lead out of it."""

    action: Action
    reason: str = ""
    hint: str = ""


def step_action(comparison: ResourceComparison) -> StepAction:
    """Decides by the first rule that applies; each table ends with one that always does."""
    table = WANTED
    if comparison.pair.desired is None:
        # `removed` is reviewed consent. Without it a resource that has no manifest is
        # an orphan, and nothing but --prune deletes it.
        table = REMOVED if comparison.pair.removal else UNWANTED
    return next(action for rule in table if (action := rule(comparison)))


def unless_refused(decided: StepAction, intent: Intent, kind: Kind) -> StepAction:
    """``decided``, or why the service would not take the calls that it leads to."""
    # A replacement starts anew, so what stands in the way of an update does not concern it.
    updates = decided.action in (Action.UPDATE, Action.ADOPT)
    refusal = kind.planning.precondition(intent) if updates and kind.planning.precondition else None
    return StepAction(Action.BLOCKED, *refusal) if refusal else decided


def unless_rolled_out(decided: StepAction, comparison: ResourceComparison) -> StepAction:
    """``decided``, or why a rollout forbids it.

    A version that was rolled back is not tried again, and a rollout under way is not cut.
    """
    rollout = comparison.rollout
    if rollout is None or decided.action is Action.BLOCKED:
        return decided
    if rollout.obstacle:
        return StepAction(Action.BLOCKED, *rollout.obstacle)
    if not rollout.is_under_way or decided.action not in DESTRUCTIVE:
        return decided
    paths = listed(each.path for each in comparison.changes if each.action in DESTRUCTIVE)
    return StepAction(
        Action.BLOCKED,
        f"a rollout is active, and a change of {paths} would replace the resource",
        f"end it first: provisioner rollout finish {rollout.name}, or provisioner rollout back "
        f"{rollout.name}",
    )


def never_created(comparison: ResourceComparison) -> StepAction | None:
    if comparison.pair.live or not comparison.is_existing:
        return None
    return StepAction(
        Action.BLOCKED,
        "does not exist, and `existing: true` never creates it",
        "correct its name, have it created, or declare the whole resource without `existing`",
    )


def not_there(comparison: ResourceComparison) -> StepAction | None:
    return None if comparison.pair.live else StepAction(Action.CREATE)


def not_owned_as_a_whole(comparison: ResourceComparison) -> StepAction | None:
    """A resource without an owner is as severe as its changes."""
    if comparison.kind.is_owned:
        return None
    # What is missing inside of something that exists does not create it.
    return StepAction(Action.UPDATE if comparison.worst is Action.CREATE else comparison.worst)


def of_somebody_else(comparison: ResourceComparison) -> StepAction | None:
    """What is created elsewhere is updated at most, whoever owns it."""
    if not comparison.is_existing:
        return None
    if comparison.worst in DESTRUCTIVE:
        paths = _destructive_paths(comparison)
        reason = f"{paths} needs a replacement, which `existing: true` never does"
        return StepAction(Action.BLOCKED, reason)
    if comparison.is_ours:
        words = comparison.kind.ownership.words
        record = words.of(comparison.pair.owner)
        return StepAction(Action.UPDATE, f"has {record}, {words.pronoun}")
    return StepAction(comparison.worst)


def unclear_owner(comparison: ResourceComparison) -> StepAction | None:
    """A resource with half an owner is not to adopt, to change or to delete."""
    live = comparison.pair.live
    if comparison.is_existing or live is None or not live.ownership.unclear:
        return None
    return StepAction(
        Action.BLOCKED,
        f"{live.ownership.unclear}, so its owner is unknown",
        "complete the ownership tags, or remove all tags that begin with `provisioner_`, by hand",
    )


def owned_by_another(comparison: ResourceComparison) -> StepAction | None:
    owner, request = comparison.pair.owner, comparison.request
    if comparison.is_existing or owner in ("", request.owner, request.take_over_from):
        return None
    return StepAction(
        Action.BLOCKED,
        f"belongs to {owner}",
        f"to manage it with {request.owner}: --take-over-from {owner}",
    )


def blocked_by_a_field(comparison: ResourceComparison) -> StepAction | None:
    blocked = [change for change in comparison.changes if change.action is Action.BLOCKED]
    if not blocked:
        return None
    rules = comparison.kind.schema.rules()
    remedies = dict.fromkeys(
        vouch(change.path) if change.cause is Cause.NEVER_APPLIED else remedy(change, rules)
        for change in blocked
    )
    paths = listed(change.path for change in blocked)
    return StepAction(
        Action.BLOCKED,
        f"{paths}: {'; '.join(dict.fromkeys(change.reason for change in blocked))}",
        "; ".join(filter(None, remedies)),
    )


def protected_from_replacement(comparison: ResourceComparison) -> StepAction | None:
    live, wanted = comparison.pair.live, comparison.pair.desired
    # The live resource is protected too: lifting that and using it takes two applies.
    protected = (live and live.ownership.protected) or (wanted and wanted.prevent_destroy)
    if comparison.worst not in DESTRUCTIVE or not protected:
        return None
    paths = _destructive_paths(comparison)
    reason = f"{paths} needs a replacement, which lifecycle.prevent_destroy forbids"
    return StepAction(Action.BLOCKED, reason, f"restore {paths}, or {UNPROTECT}")


def _destructive_paths(comparison: ResourceComparison) -> str:
    return listed(change.path for change in comparison.changes if change.action in DESTRUCTIVE)


def loses_something(comparison: ResourceComparison) -> StepAction | None:
    live = comparison.pair.live
    if comparison.worst not in DESTRUCTIVE or live is None or not live.at_stake:
        return None
    return StepAction(
        Action.BLOCKED,
        "replacing it would lose settings that its manifest does not declare: "
        f"{'; '.join(live.at_stake)}",
        comparison.kind.planning.at_stake_hint,
    )


def destroyed(comparison: ResourceComparison) -> StepAction | None:
    if comparison.worst not in DESTRUCTIVE:
        return None
    if comparison.is_ours:
        return StepAction(comparison.worst)
    # A replacement begins with a deletion, and only what carries our tag may be deleted.
    paths, name = _destructive_paths(comparison), comparison.pair.owner
    words = comparison.kind.ownership.words
    owner = f"has {words.of(name) if name else words.none}"
    return StepAction(
        Action.BLOCKED,
        f"{paths} needs a replacement, but it {owner}, so this project may not delete it",
        f"apply it first with the live value of {paths}: then this project manages it",
    )


def not_owned_yet(comparison: ResourceComparison) -> StepAction | None:
    if comparison.pair.owner:
        return None
    return StepAction(Action.ADOPT, f"exists {comparison.kind.ownership.words.without}")


def taken_over(comparison: ResourceComparison) -> StepAction | None:
    if comparison.is_ours:
        return None
    return StepAction(Action.UPDATE, f"taken over from {comparison.pair.owner}")


def as_compared(comparison: ResourceComparison) -> StepAction:
    return StepAction(comparison.worst)


def _record(comparison: ResourceComparison) -> str:
    """What a resource of this project and environment carries."""
    return comparison.kind.ownership.words.of(comparison.request.owner)


def already_gone(comparison: ResourceComparison) -> StepAction | None:
    return None if comparison.pair.live else StepAction(Action.KEEP, "no longer exists")


def never_ours(comparison: ResourceComparison) -> StepAction | None:
    if comparison.kind.is_owned and comparison.is_ours:
        return None
    reason = f"does not have {_record(comparison)}"
    return StepAction(Action.BLOCKED if comparison.request.prune else Action.KEEP, reason)


def orphaned(comparison: ResourceComparison) -> StepAction | None:
    if comparison.request.prune:
        return None
    return StepAction(
        Action.ORPHAN,
        f"has {_record(comparison)}, but no manifest",
        "write a manifest for it, or delete it with --prune",
    )


def foreign(comparison: ResourceComparison) -> StepAction | None:
    if comparison.is_ours:
        return None
    reason = f"does not have {_record(comparison)}"
    if comparison.pair.removal and comparison.pair.removal.delete:
        return StepAction(
            Action.BLOCKED,
            f"{reason}, so this project may not delete it",
            "delete its entry in `removed`; to delete the resource, do it by hand",
        )
    return StepAction(Action.KEEP, reason)


def released(comparison: ResourceComparison) -> StepAction | None:
    if comparison.pair.removal is None or comparison.pair.removal.delete:
        return None
    removed = comparison.kind.ownership.words.removed
    return StepAction(Action.UPDATE, f"released with `delete: false`: only {removed}")


def deleted_with_consent(comparison: ResourceComparison) -> StepAction:
    place = comparison.pair.removal.where if comparison.pair.removal else None
    return StepAction(Action.DELETE, f"removed at {place}" if place else "removed")


def protected_from_deletion(comparison: ResourceComparison) -> StepAction | None:
    if not (comparison.pair.live and comparison.pair.live.ownership.protected):
        return None
    reason = "lifecycle.prevent_destroy was applied to it and forbids its deletion"
    declared = (comparison.kind.name, comparison.pair.name) in comparison.request.addresses
    return StepAction(Action.BLOCKED, reason, UNPROTECT if declared else RESTORE)


def deleted(comparison: ResourceComparison) -> StepAction:
    return StepAction(Action.DELETE)


Table = tuple[Callable[[ResourceComparison], StepAction | None], ...]
# The first ruling wins: what is refused comes before what is done.
WANTED: Table = (
    never_created,
    not_there,
    unclear_owner,
    owned_by_another,
    blocked_by_a_field,
    of_somebody_else,
    not_owned_as_a_whole,
    protected_from_replacement,
    loses_something,
    destroyed,
    not_owned_yet,
    taken_over,
    as_compared,
)
REMOVED: Table = (
    already_gone,
    foreign,
    released,
    protected_from_deletion,
    deleted_with_consent,
)
UNWANTED: Table = (
    already_gone,
    never_ours,
    orphaned,
    protected_from_deletion,
    deleted,
)
