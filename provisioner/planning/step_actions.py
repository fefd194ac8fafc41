"""What happens to a resource as a whole, once the verdicts on its fields are known. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from provisioner.model.kind import Intent, Kind
from provisioner.model.plan import DESTRUCTIVE, Action, Cause
from provisioner.planning.field_actions import remedy
from provisioner.planning.request import Case
from provisioner.planning.write_only import listed, vouch

UNPROTECT = "set `lifecycle: {prevent_destroy: false}` in its manifest and apply that first"
RESTORE = (
    "put its manifest back with `lifecycle: {prevent_destroy: false}` and apply that first; "
    "then remove it again"
)


class Ruling(NamedTuple):
    """The action of a step, why, and what would lead out of it."""

    action: Action
    reason: str = ""
    hint: str = ""


def ruling(case: Case) -> Ruling:
    """The first ruling that applies; at the end of each table stands one that always does."""
    table = WANTED
    if case.pair.desired is None:
        table = REMOVED if case.pair.removal else UNWANTED
    return next(found for rule in table if (found := rule(case)))


def unless_refused(settled: Ruling, intent: Intent, kind: Kind) -> Ruling:
    """``settled``, or why the service would not take the calls that it leads to."""
    updates = settled.action in (Action.UPDATE, Action.ADOPT)
    found = kind.planning.precondition(intent) if updates and kind.planning.precondition else None
    return Ruling(Action.BLOCKED, *found) if found else settled


def never_created(case: Case) -> Ruling | None:
    if case.pair.live or not case.is_existing:
        return None
    return Ruling(
        Action.BLOCKED,
        "is not there, and with `existing: true` it is never created",
        "correct its name, have it created, or declare all of it without `existing`",
    )


def not_there(case: Case) -> Ruling | None:
    return None if case.pair.live else Ruling(Action.CREATE)


def not_owned_as_a_whole(case: Case) -> Ruling | None:
    """Kinds that carry no mark are as severe as their changes."""
    if case.kind.is_owned:
        return None
    # What is missing inside of something that exists does not create it.
    return Ruling(Action.UPDATE if case.worst is Action.CREATE else case.worst)


def of_somebody_else(case: Case) -> Ruling | None:
    """What somebody else creates is updated at most, whoever's mark is on it."""
    if not case.is_existing:
        return None
    if case.worst in DESTRUCTIVE:
        paths = listed(change.path for change in case.changes if change.action in DESTRUCTIVE)
        return Ruling(Action.BLOCKED, f"with `existing: true` nothing can replace it for {paths}")
    if case.is_ours:
        return Ruling(Action.UPDATE, f"carries the tag of {case.owner}, which is taken off")
    return Ruling(case.worst)


def owned_by_another(case: Case) -> Ruling | None:
    if case.is_existing or case.owner in ("", case.request.owner, case.request.take_over_from):
        return None
    return Ruling(
        Action.BLOCKED,
        f"belongs to {case.owner}",
        f"--take-over-from {case.owner} makes it belong to {case.request.owner}",
    )


def blocked_by_a_field(case: Case) -> Ruling | None:
    blocked = [change for change in case.changes if change.action is Action.BLOCKED]
    if not blocked:
        return None
    rules = case.kind.schema.rules()
    remedies = dict.fromkeys(
        vouch(change.path) if change.cause is Cause.NEVER_APPLIED else remedy(change, rules)
        for change in blocked
    )
    paths = listed(change.path for change in blocked)
    return Ruling(
        Action.BLOCKED,
        f"{paths}: {'; '.join(dict.fromkeys(change.reason for change in blocked))}",
        "; ".join(filter(None, remedies)),
    )


def protected_from_replacement(case: Case) -> Ruling | None:
    live, wanted = case.pair.live, case.pair.desired
    # The mark on the live one too: lifting the protection and using that are two applies.
    protected = (live and live.ownership.protected) or (wanted and wanted.prevent_destroy)
    if case.worst not in DESTRUCTIVE or not protected:
        return None
    paths = listed(change.path for change in case.changes if change.action in DESTRUCTIVE)
    reason = f"lifecycle.prevent_destroy forbids the replacement that {paths} would need"
    return Ruling(Action.BLOCKED, reason, f"put {paths} back, or {UNPROTECT}")


def loses_something(case: Case) -> Ruling | None:
    live = case.pair.live
    if case.worst not in DESTRUCTIVE or live is None or not live.at_stake:
        return None
    return Ruling(
        Action.BLOCKED,
        f"replacing it would lose what its manifest does not hold: {'; '.join(live.at_stake)}",
        "add it to `permissions` in the manifest, or take it away from the endpoint",
    )


def destroyed(case: Case) -> Ruling | None:
    if case.worst not in DESTRUCTIVE:
        return None
    if case.is_ours:
        return Ruling(case.worst)
    # A replacement begins with a deletion, and only what carries our tag may be deleted.
    paths = listed(change.path for change in case.changes if change.action in DESTRUCTIVE)
    owner = f"carries the tag of {case.owner}" if case.owner else "carries no owner's tag"
    return Ruling(
        Action.BLOCKED,
        f"{owner}, so it is not for us to delete, which {paths} would need",
        f"apply it first with {paths} as it is live: then it is ours",
    )


def not_owned_yet(case: Case) -> Ruling | None:
    return None if case.owner else Ruling(Action.ADOPT, "exists and carries no owner's tag")


def taken_over(case: Case) -> Ruling | None:
    if case.is_ours:
        return None
    return Ruling(Action.UPDATE, f"taken over from {case.owner}")


def as_compared(case: Case) -> Ruling:
    return Ruling(case.worst)


def already_gone(case: Case) -> Ruling | None:
    return None if case.pair.live else Ruling(Action.KEEP, "is not there any more")


def never_ours(case: Case) -> Ruling | None:
    if case.kind.is_owned and case.is_ours:
        return None
    reason = f"does not carry the tag of {case.request.owner}"
    return Ruling(Action.BLOCKED if case.request.prune else Action.KEEP, reason)


def orphaned(case: Case) -> Ruling | None:
    if case.request.prune:
        return None
    return Ruling(
        Action.ORPHAN,
        f"carries the tag of {case.request.owner} and has no manifest",
        "write a manifest for it, or delete it with --prune",
    )


def foreign(case: Case) -> Ruling | None:
    if case.is_ours:
        return None
    reason = f"does not carry the tag of {case.request.owner}"
    if case.pair.removal and case.pair.removal.delete:
        return Ruling(
            Action.BLOCKED,
            f"{reason}, so it is not for us to delete",
            "take its entry out of `removed`, and delete it by hand if it is to go",
        )
    return Ruling(Action.KEEP, reason)


def released(case: Case) -> Ruling | None:
    if case.pair.removal is None or case.pair.removal.delete:
        return None
    return Ruling(Action.UPDATE, "removed with `delete: false`: only our tags are taken off")


def deleted_with_consent(case: Case) -> Ruling:
    place = case.pair.removal.where if case.pair.removal else None
    return Ruling(Action.DELETE, f"removed at {place}" if place else "removed")


def protected_from_deletion(case: Case) -> Ruling | None:
    if not (case.pair.live and case.pair.live.ownership.protected):
        return None
    reason = "lifecycle.prevent_destroy was applied to it, and forbids to delete it"
    declared = (case.kind.name, case.pair.name) in case.request.addresses
    return Ruling(Action.BLOCKED, reason, UNPROTECT if declared else RESTORE)


def deleted(case: Case) -> Ruling:
    return Ruling(Action.DELETE)


Table = tuple[Callable[[Case], Ruling | None], ...]
# The first ruling wins: what is refused comes before what is done.
WANTED: Table = (
    never_created,
    not_there,
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
