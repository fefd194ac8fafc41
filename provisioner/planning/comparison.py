"""Compares the two sides of one resource: every difference, with its action and cause. Pure.

Plan and drift are two readers of a comparison. A plan decides what to call; drift says of
which category each difference is. Neither is made from the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from provisioner.model.field_rules import FieldRule
from provisioner.model.kind import ComparisonInput, Kind
from provisioner.model.live import Live, Ownership
from provisioner.model.paths import Document
from provisioner.model.plan import (
    ABSENT,
    SEVERITY,
    Action,
    Cause,
    FieldAction,
    FieldChange,
    Step,
)
from provisioner.model.resource import Resource
from provisioner.planning.comparable import write_only_values
from provisioner.planning.diff import by_path, diff
from provisioner.planning.field_actions import ChangedField, anew, is_ignored, with_action
from provisioner.planning.request import Pair, PlanContext
from provisioner.planning.rollout_plan import PlannedRollout, plan_rollout
from provisioner.planning.write_only import (
    ComparedSides,
    released_ownership,
    write_only_changes,
)

Compare = Callable[[ComparisonInput], tuple[FieldChange, ...]]


@dataclass(frozen=True, slots=True)
class ResourceComparison:
    """The two sides of one resource and all their differences.

    ``changes`` holds the differences that stay as they are too (``Action.KEEP``).
    ``ownership`` is to be on the resource afterwards. ``rollout`` is None where the resource has
    none.
    """

    pair: Pair
    kind: Kind
    request: PlanContext
    ownership: Ownership
    changes: tuple[FieldChange, ...]
    rollout: PlannedRollout | None = None

    @property
    def worst(self) -> Action:
        """The most severe action of the changes."""
        actions = (change.action for change in self.changes)
        return max(actions, key=SEVERITY.index, default=Action.KEEP)

    @property
    def pending(self) -> tuple[FieldChange, ...]:
        """The differences that an apply would not leave alone."""
        return tuple(change for change in self.changes if change.action is not Action.KEEP)

    @property
    def is_ours(self) -> bool:
        """Whether the live resource belongs to the project and environment of the request."""
        return self.pair.owner == self.request.owner

    @property
    def is_existing(self) -> bool:
        """Whether the resource is created elsewhere (``existing: true``)."""
        return self.pair.is_existing


def compare_resource(pair: Pair, kind: Kind, request: PlanContext) -> ResourceComparison:
    """Compare the two sides of ``pair``, as a rollout that is under way has them."""
    ownership = _ownership(pair, kind, request)
    rollout = plan_rollout(pair, kind)
    if rollout and pair.desired:
        pair = replace(pair, desired=replace(pair.desired, document=rollout.document))
        ownership = replace(ownership, rollout=rollout.tag)
    changes = _changes(pair, kind, request, ownership)
    return ResourceComparison(pair, kind, request, ownership, changes, rollout)


def pending_changes(desired: Resource, live: Live, kind: Kind) -> tuple[FieldChange, ...]:
    """What is not as ``desired`` on ``live``, as far as it can be read back.

    What the service may choose and what the manifest ignores is not in it.
    """
    compare = kind.planning.compare
    changes = _by_kind(desired, live, compare) if compare else _by_rules(desired, live, kind)
    return tuple(change for change in changes if change.action is not Action.KEEP)


def remaining(step: Step, live: Live | None, kind: Kind) -> tuple[FieldChange, ...]:
    """What on ``live`` is not as ``step`` wants it; empty when the step has converged."""
    # A delete has converged when the resource is gone, and a create has not while it is absent:
    # both are told as a change of the name, the one field that every resource has.
    if step.desired is None or live is None:
        wanted = ABSENT if step.desired is None else step.name
        actual = ABSENT if live is None else live.name
        return () if wanted is actual else (FieldChange(("name",), actual, wanted),)
    desired = Resource(
        step.address,
        step.name,
        step.desired,
        ignore_changes=step.ignore_changes,
        existing=step.existing,
    )
    return pending_changes(desired, live, kind)


def _ownership(pair: Pair, kind: Kind, request: PlanContext) -> Ownership:
    desired, live = pair.desired, pair.live
    if desired is None or not kind.is_owned:
        return Ownership()
    if desired.existing:
        # No calls, and no other resource is touched.
        return live.ownership if live and live.ownership.owner != request.owner else Ownership()
    # The digests cover only what cannot be read back. Everything else is compared with the live
    # document, so that a change by hand is seen as well.
    digests = kind.planning.applied_digests
    applied = digests(desired.document) if digests else ""
    return Ownership(request.owner, desired.prevent_destroy, applied)


def _changes(
    pair: Pair, kind: Kind, request: PlanContext, ownership: Ownership
) -> tuple[FieldChange, ...]:
    desired, live = pair.desired, pair.live
    is_ours = live is not None and pair.owner == request.owner
    if live and pair.removal and is_ours and not pair.removal.delete:
        return tuple(released_ownership(live.ownership))
    if desired is None or (live is None and desired.existing):
        return ()
    rotated = request.rotated_keys(pair.address)
    if kind.planning.compare:
        return _by_kind(desired, live, kind.planning.compare, rotated)
    rules = kind.schema.rules()
    if live is None:
        # A new resource is one change a top-level field: its reader wants to see the whole.
        return _created(desired.document, rules)
    compared = _by_rules(desired, live, kind)
    sides = ComparedSides(
        desired,
        live,
        compared,
        rules,
        ownership,
        rotate=bool(rotated),
        redeploy=str(pair.address) in request.redeploy,
        resent_field=kind.planning.resent_field,
    )
    return _sorted(anew([*compared, *write_only_changes(sides)], rules))


def _by_rules(desired: Resource, live: Live, kind: Kind) -> tuple[FieldChange, ...]:
    """The differences that can be seen, each with its action."""
    rules = kind.schema.rules()
    changes = diff(desired.document, live.document, rules)
    return tuple(with_action(ChangedField(each, desired, live, kind, rules)) for each in changes)


def _by_kind(
    desired: Resource, live: Live | None, compare: Compare, rotate: frozenset[str] = frozenset()
) -> tuple[FieldChange, ...]:
    """The differences that a kind finds which compares for itself."""
    changes = compare(ComparisonInput(desired.document, live, rotate))
    return tuple(_unless_ignored(change, desired) for change in changes)


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
