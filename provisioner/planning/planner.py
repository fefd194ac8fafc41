"""From the two sides of a resource to one step. Pure: no client, no clock, no printing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from provisioner.model.field_rules import FieldRule
from provisioner.model.kind import Comparison, Intent, Kind
from provisioner.model.live import Listed, Live, Ownership, Phase
from provisioner.model.paths import Document
from provisioner.model.plan import (
    ABSENT,
    Action,
    Address,
    Cause,
    FieldAction,
    FieldChange,
    Operation,
    Step,
)
from provisioner.model.resource import Resource
from provisioner.planning.comparable import write_only_values
from provisioner.planning.diff import by_path, diff
from provisioner.planning.field_actions import Difference, anew, is_ignored, judged
from provisioner.planning.notes import notes, remarked
from provisioner.planning.request import Case, Pair, Request
from provisioner.planning.step_actions import ruling, unless_refused
from provisioner.planning.write_only import Seen, released_ownership, unseen_changes

__all__ = ["Pair", "Request", "orphan_step", "plan_step", "remaining"]

Compare = Callable[[Comparison], tuple[FieldChange, ...]]
INACTIVE = frozenset({Action.KEEP, Action.BLOCKED, Action.ORPHAN})
"""Steps of these are told, and make no call."""


def plan_step(pair: Pair, kind: Kind, request: Request) -> Step:
    """The one step that takes ``pair`` from its live to its desired side."""
    desired, live = pair.desired, pair.live
    ownership = _ownership(pair, kind, request)
    case = Case(pair, kind, request, changes=())
    case = Case(pair, kind, request, _changes(case, ownership))
    settled = ruling(case)
    document = desired.document if desired else None
    intent = Intent(settled.action, pair.name, document, live, case.changes, ownership)
    settled = unless_refused(settled, intent, kind)
    intent = replace(intent, action=settled.action)
    remarks = tuple(remarked(case, intent))
    return Step(
        address=pair.address,
        name=pair.name,
        action=settled.action,
        changes=case.changes,
        operations=_operations(intent, kind),
        live_fingerprint=live.fingerprint if live else "",
        reason=settled.reason,
        hint=settled.hint,
        consented=bool(pair.removal and settled.action is Action.DELETE),
        existing=bool(desired and desired.existing),
        notes=(*remarks, *notes(case)),
        desired=document,
        needs=_needs(document, kind, request),
        unknown=live.unknown if live else (),
        ignore_changes=desired.ignore_changes if desired else (),
        updating=live is not None and live.readiness.phase is Phase.UPDATING,
        attention=bool(remarks and desired),
    )


def orphan_step(kind: Kind, listed: Listed, request: Request) -> Step:
    """The step for an entry of the kind's list that is ours and that no manifest declares.

    A list tells no more than names and marks: a step that deletes is better made by
    ``plan_step`` from the live resource, whose fingerprint shows when it is stale.
    """
    live = Live(listed.name, listed.identity, {}, "", listed.ownership, listed.readiness)
    pair = Pair(Address(kind.name, listed.name), listed.name, None, live)
    return plan_step(pair, kind, request)


def remaining(step: Step, live: Live | None, kind: Kind) -> tuple[FieldChange, ...]:
    """What on ``live`` is not as ``step`` wants it; empty when the step has converged.

    What cannot be read back and what the service may choose is not in it.
    """
    if step.desired is None or live is None:
        wanted = ABSENT if step.desired is None else step.name
        found = ABSENT if live is None else live.name
        return () if wanted is found else (FieldChange(("name",), found, wanted),)
    desired = Resource(
        step.address,
        step.name,
        step.desired,
        ignore_changes=step.ignore_changes,
        existing=step.existing,
    )
    compare = kind.planning.compare
    changes = _by_kind(desired, live, compare) if compare else _by_rules(desired, live, kind)
    return tuple(change for change in changes if change.action is not Action.KEEP)


def _ownership(pair: Pair, kind: Kind, request: Request) -> Ownership:
    desired, live = pair.desired, pair.live
    if desired is None or not kind.is_owned:
        return Ownership()
    if desired.existing:
        # None of ours, and nobody else's touched.
        return live.ownership if live and live.ownership.owner != request.owner else Ownership()
    applied = (
        kind.planning.applied_digests(desired.document) if kind.planning.applied_digests else ""
    )
    return Ownership(request.owner, desired.prevent_destroy, applied)


def _changes(case: Case, ownership: Ownership) -> tuple[FieldChange, ...]:
    desired, live, kind = case.pair.desired, case.pair.live, case.kind
    if case.pair.removal and live and case.is_ours and not case.pair.removal.delete:
        return tuple(released_ownership(live.ownership))
    if desired is None or (live is None and desired.existing):
        return ()
    if kind.planning.compare:
        return _by_kind(desired, live, kind.planning.compare, case.rotated)
    rules = kind.schema.rules()
    if live is None:
        return _created(desired.document, rules)
    compared = _by_rules(desired, live, kind)
    rotate = bool(case.rotated)
    seen = Seen(
        desired, live, compared, rules, ownership, rotate=rotate, resend=kind.planning.resent_field
    )
    return _sorted(anew([*compared, *unseen_changes(seen)], rules))


def _by_rules(desired: Resource, live: Live, kind: Kind) -> tuple[FieldChange, ...]:
    """The differences that can be seen, each with its verdict."""
    rules = kind.schema.rules()
    changes = diff(desired.document, live.document, rules)
    return tuple(judged(Difference(each, desired, live, kind, rules)) for each in changes)


def _by_kind(
    desired: Resource, live: Live | None, compare: Compare, rotate: frozenset[str] = frozenset()
) -> tuple[FieldChange, ...]:
    """The differences that a kind finds which compares for itself."""
    found = compare(Comparison(desired.document, live, rotate))
    return tuple(_unless_ignored(change, desired) for change in found)


def _unless_ignored(change: FieldChange, desired: Resource) -> FieldChange:
    if is_ignored(change.path, desired.ignore_changes):
        return change.because(FieldAction(Action.KEEP, Cause.IGNORED))
    return change


def _created(document: Document, rules: FieldRule) -> tuple[FieldChange, ...]:
    """Every field of a document that does not exist yet."""
    created = FieldAction(Action.CREATE, Cause.CREATED)
    changes = [each.because(created) for each in diff(document, {}, rules)]
    shown = {change.path for change in changes}
    for path, value, _ in write_only_values(document, rules):
        # A whole entry shows what is in it; only fields outside of entries are missing.
        if not any(path[:end] in shown for end in range(len(path))):
            changes.append(FieldChange(path, ABSENT, value, *created))
    return _sorted(changes)


def _sorted(changes: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
    return tuple(sorted(changes, key=lambda change: by_path(change.path)))


def _operations(intent: Intent, kind: Kind) -> tuple[Operation, ...]:
    return () if intent.action in INACTIVE else kind.planning.operations(intent)


def _needs(document: Document | None, kind: Kind, request: Request) -> tuple[Address, ...]:
    names = kind.dependencies.depends_on(document) if document else ()
    found = {request.addresses[name] for name in names if name in request.addresses}
    return tuple(sorted(found))
