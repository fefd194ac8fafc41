"""Decides one step from a comparison: its action, calls, notes and capacity. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from provisioner.model.kind import Intent, Kind
from provisioner.model.live import Listed, Live, Phase
from provisioner.model.paths import Document, Path
from provisioner.model.plan import Action, Address, FieldChange, Operation, Step
from provisioner.model.serving import CapacityChange, EntityCapacity, summed
from provisioner.planning.comparison import ResourceComparison, compare_resource
from provisioner.planning.notes import notes, warnings
from provisioner.planning.request import Pair, PlanContext
from provisioner.planning.rollout_plan import in_words
from provisioner.planning.step_actions import step_action, unless_refused, unless_rolled_out

INACTIVE = frozenset({Action.KEEP, Action.BLOCKED, Action.ORPHAN})
"""Steps of these actions are shown and make no call."""
UNDONE = frozenset({Action.BLOCKED, Action.ORPHAN})


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
        capacity=capacity_change(comparison, intent),
        traffic=_traffic(intent, kind),
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


def _traffic(intent: Intent, kind: Kind) -> Mapping[str, tuple[int, int]]:
    """The shares that the step changes; none of what comes or goes as a whole."""
    topology = kind.runtime.topology
    if topology is None or intent.action in INACTIVE or not (intent.live and intent.desired):
        return {}
    # Without a config in the manifest (`existing`) the live one stays.
    branches = topology(intent.desired)
    if not branches:
        return {}
    before = {branch.name: branch.share for branch in topology(intent.live.document)}
    after = {branch.name: branch.share for branch in branches}
    shares = {name: (before.get(name, 0), after.get(name, 0)) for name in {**before, **after}}
    return {name: each for name, each in shares.items() if each[0] != each[1]}


def capacity_change(comparison: ResourceComparison, intent: Intent) -> CapacityChange | None:
    """The change of the capacity that the step of ``intent`` makes; None where there is none.

    What is created elsewhere (``existing``) is no capacity of this project.
    """
    kind, pair = comparison.kind, comparison.pair
    if kind.planning.capacity is None or pair.is_existing:
        return None
    before = _parts(kind, pair.live.document, {}) if pair.live else ()
    if intent.action in UNDONE:
        change = CapacityChange(_sum(before), _sum(before))
    elif intent.action is Action.DELETE or intent.desired is None:
        change = CapacityChange(_sum(before))
    else:
        after = _parts(kind, intent.desired, _kept(intent.changes))
        change = _changed(comparison, intent, before, after)
    return change or None


def deployed_capacity(
    kind: Kind, live: Document, during: Document, after: Document
) -> CapacityChange | None:
    """The capacity of a move of a rollout that adds a deployment; None where there is none.

    ``during`` has both versions, ``after`` the new version alone.
    """
    documents = (live, after, during)
    return CapacityChange(*(_sum(_parts(kind, each, {})) for each in documents)) or None


Parts = tuple[EntityCapacity, ...]


def _changed(
    comparison: ResourceComparison, intent: Intent, before: Parts, after: Parts
) -> CapacityChange:
    if intent.action is Action.REPLACE:
        # The endpoint is deleted before it is created anew: nothing is paid twice.
        return CapacityChange(_sum(before), _sum(after))
    rollout = comparison.rollout
    if rollout and rollout.state:
        # Two versions are there on the way, and the one that is declared in the end.
        last = rollout.state.versions.wanted
        others = {*rollout.state.versions.digests} - {last}
        final = tuple(each for each in after if getattr(each.at[-1], "value", "") not in others)
        during = () if final == after == before else _sum({*before, *after})
        return CapacityChange(_sum(before), _sum(final), during)
    leaving = tuple(each for each in before if _is_redeployed(each.at, intent.changes))
    during = _sum((*after, *leaving)) if leaving else ()
    return CapacityChange(_sum(before), _sum(after), during)


# "During the update process, you are billed for both the old and new endpoint configurations
# until the transition is complete": the overview of custom models [serving-api 3.1].
def _is_redeployed(at: Path, changes: Iterable[FieldChange]) -> bool:
    """Whether the part at ``at`` is deployed anew, or goes, and so is there beside the new one."""
    return any(
        change.path[: len(at)] == at for change in changes if change.action is not Action.KEEP
    )


def _kept(changes: Iterable[FieldChange]) -> Mapping[Path, Any]:
    """The live values that stay as they are although the manifest says something else."""
    return {change.path: change.before for change in changes if change.action is Action.KEEP}


def _parts(kind: Kind, document: Document, kept: Mapping[Path, Any]) -> Parts:
    return tuple(kind.planning.capacity(document, kept)) if kind.planning.capacity else ()


def _sum(parts: Iterable[EntityCapacity]) -> tuple[Any, ...]:
    return summed(part.provision for part in parts)
