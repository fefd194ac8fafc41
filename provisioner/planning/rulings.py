"""What happens to a resource as a whole, once the verdicts on its fields are known. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from provisioner.plan import DESTRUCTIVE, Action
from provisioner.planning.cases import Case
from provisioner.planning.unseen import listed
from provisioner.planning.verdicts import remedy

UNPROTECT = "set `lifecycle: {prevent_destroy: false}` in its manifest and apply that first"


class Ruling(NamedTuple):
    """The action of a step, why, and what would lead out of it."""

    action: Action
    reason: str = ""
    hint: str = ""


def ruling(case: Case) -> Ruling:
    """The first ruling that applies; at the end of each table stands one that always does."""
    table = UNWANTED if case.pair.desired is None else WANTED
    return next(found for rule in table if (found := rule(case)))


def not_there(case: Case) -> Ruling | None:
    return None if case.pair.live else Ruling(Action.CREATE)


def not_owned_as_a_whole(case: Case) -> Ruling | None:
    """Kinds that carry no mark are as severe as their changes."""
    if case.kind.markable:
        return None
    # What is missing inside of something that exists does not create it.
    return Ruling(Action.UPDATE if case.worst is Action.CREATE else case.worst)


def owned_by_another(case: Case) -> Ruling | None:
    if case.owner in ("", case.request.owner, case.request.take_over_from):
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
    rules = case.kind.rules()
    remedies = dict.fromkeys(remedy(change, rules) for change in blocked)
    paths = listed(change.path for change in blocked)
    return Ruling(
        Action.BLOCKED,
        f"{paths}: {'; '.join(dict.fromkeys(change.reason for change in blocked))}",
        "; ".join(filter(None, remedies)),
    )


def protected_from_replacement(case: Case) -> Ruling | None:
    if case.worst not in DESTRUCTIVE or not (
        case.pair.desired and case.pair.desired.prevent_destroy
    ):
        return None
    paths = listed(change.path for change in case.changes if change.action in DESTRUCTIVE)
    reason = f"lifecycle.prevent_destroy forbids the replacement that {paths} would need"
    return Ruling(Action.BLOCKED, reason, f"put {paths} back, or {UNPROTECT}")


def destroyed(case: Case) -> Ruling | None:
    if case.worst not in DESTRUCTIVE:
        return None
    settled = not_owned_yet(case) or taken_over(case)
    return Ruling(case.worst, settled.reason if settled else "")


def not_owned_yet(case: Case) -> Ruling | None:
    return None if case.owner else Ruling(Action.ADOPT, "exists and carries no owner's tag")


def taken_over(case: Case) -> Ruling | None:
    if case.owner == case.request.owner:
        return None
    return Ruling(Action.UPDATE, f"taken over from {case.owner}")


def as_compared(case: Case) -> Ruling:
    return Ruling(case.worst)


def already_gone(case: Case) -> Ruling | None:
    return None if case.pair.live else Ruling(Action.KEEP, "is not there any more")


def never_ours(case: Case) -> Ruling | None:
    if case.kind.markable and case.owner == case.request.owner:
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


def protected_from_deletion(case: Case) -> Ruling | None:
    if not (case.pair.live and case.pair.live.marks.protected):
        return None
    reason = "lifecycle.prevent_destroy was applied to it, and forbids to delete it"
    return Ruling(Action.BLOCKED, reason, UNPROTECT)


def deleted(case: Case) -> Ruling:
    return Ruling(Action.DELETE)


Table = tuple[Callable[[Case], Ruling | None], ...]
# The first ruling wins: what is refused comes before what is done.
WANTED: Table = (
    not_there,
    owned_by_another,
    blocked_by_a_field,
    not_owned_as_a_whole,
    protected_from_replacement,
    destroyed,
    not_owned_yet,
    taken_over,
    as_compared,
)
UNWANTED: Table = (
    already_gone,
    never_ours,
    orphaned,
    protected_from_deletion,
    deleted,
)
