"""Decides one step from the comparison of a resource: its action, calls and notes. Pure."""

from __future__ import annotations

from dataclasses import replace

from provisioner.model.kind import Intent, Kind
from provisioner.model.live import Listed, Live, Phase
from provisioner.model.paths import Document
from provisioner.model.plan import Action, Address, Operation, Step
from provisioner.planning.comparison import ResourceComparison, compare_resource
from provisioner.planning.notes import notes, warnings
from provisioner.planning.request import Pair, PlanContext
from provisioner.planning.rollout_plan import in_words
from provisioner.planning.step_actions import step_action, unless_refused, unless_rolled_out

INACTIVE = frozenset({Action.KEEP, Action.BLOCKED, Action.ORPHAN})
"""Steps of these actions are shown and make no call."""


def plan_step(pair: Pair, kind: Kind, request: PlanContext) -> Step:
    """The one step that takes ``pair`` from its live to its desired side."""
    return step_of(compare_resource(pair, kind, request))


def step_of(comparison: ResourceComparison) -> Step:
    """The step that resolves the differences of ``comparison``."""
    pair, kind = comparison.pair, comparison.kind
    desired, live = pair.desired, pair.live
    decided = unless_rolled_out(step_action(comparison), comparison)
    intent = _intent(comparison, decided.action)
    decided = unless_refused(decided, intent, kind)
    intent = replace(intent, action=decided.action)
    rollout = comparison.rollout.note if comparison.rollout else None
    step_warnings = tuple(warnings(comparison, intent))
    return Step(
        address=pair.address,
        name=pair.name,
        action=decided.action,
        changes=comparison.changes,
        operations=_operations(intent, kind),
        live_fingerprint=live.fingerprint if live else "",
        reason=decided.reason,
        hint=decided.hint,
        consented=bool(pair.removal and decided.action is Action.DELETE),
        existing=pair.is_existing,
        notes=(*(in_words(rollout) if rollout else ()), *step_warnings, *notes(comparison)),
        desired=intent.desired,
        needs=_needs(intent.desired, kind, comparison.request),
        unknown=live.unknown if live else (),
        ignore_changes=desired.ignore_changes if desired else (),
        updating=live is not None and live.readiness.phase is Phase.UPDATING,
        attention=bool(step_warnings and desired) or rollout is not None,
        rollout=rollout,
    )


def listed_pair(address: Address, listed: Listed) -> Pair:
    """The pair of an entry of a kind's list that no manifest declares.

    A list has names and ownership, and no document: a step that deletes is made from the
    resource as it is read, whose fingerprint shows when the step is stale.
    """
    live = Live(listed.name, listed.identity, {}, "", listed.ownership, listed.readiness)
    return Pair(address, listed.name, None, live)


def _intent(comparison: ResourceComparison, action: Action) -> Intent:
    pair = comparison.pair
    document = pair.desired.document if pair.desired else None
    changes, ownership = comparison.changes, comparison.ownership
    rules = comparison.kind.schema.rules()
    return Intent(action, pair.name, document, pair.live, changes, ownership, rules)


def _operations(intent: Intent, kind: Kind) -> tuple[Operation, ...]:
    return () if intent.action in INACTIVE else kind.planning.operations(intent)


def _needs(document: Document | None, kind: Kind, request: PlanContext) -> tuple[Address, ...]:
    names = kind.dependencies.depends_on(document) if document else ()
    addresses = {request.addresses[name] for name in names if name in request.addresses}
    return tuple(sorted(addresses))
