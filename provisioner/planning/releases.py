"""What follows a release: an alias moves when what serves its version is ready. Pure.

A change that follows a release waits for every declared resource that releases the version. Under a
gradual rollout it is left as it is until the version has all of the traffic, so that no step back
has to move it. A resource that is created has no version yet, so there all such changes wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from provisioner.model.kind import Kind
from provisioner.model.plan import Action, Address, Cause, FieldAction, FieldChange, Step
from provisioner.model.references import Release
from provisioner.model.resource import Resource
from provisioner.model.rollout_block import WHOLE
from provisioner.planning.comparison import ResourceComparison

Releases = Mapping[Release, Sequence[Address]]
"""Each version that a declared resource serves, and the addresses of those that do."""


def releases_of(resources: Iterable[Resource], kinds: Mapping[str, Kind]) -> Releases:
    """What ``resources`` release."""
    releases: dict[Release, list[Address]] = {}
    for resource in resources:
        for release in kinds[resource.address.kind].dependencies.releases(resource.document):
            releases.setdefault(release, []).append(resource.address)
    return releases


def held(
    comparisons: Sequence[ResourceComparison], releases: Releases
) -> Sequence[ResourceComparison]:
    """``comparisons`` without the changes whose release is not complete."""
    if not any(each.kind.planning.follows for each in comparisons):
        return comparisons
    compared = {each.pair.address: each for each in comparisons}

    def obstacle(address: Address) -> str:
        releasing = compared.get(address)
        if releasing is None:
            # Whether it serves the version is not looked at, so the safe answer is no.
            return f"moves together with {address}, which is not selected"
        return "" if _is_complete(releasing) else f"moves as soon as {address} is at {WHOLE} %"

    return [_held(each, releases, obstacle) for each in comparisons]


def _is_complete(releasing: ResourceComparison) -> bool:
    """Whether no gradual rollout stands between the declared version and all of the traffic."""
    rollout = releasing.rollout
    return rollout is None or rollout.state is None or rollout.state.versions.percent == WHOLE


def _held(
    comparison: ResourceComparison, releases: Releases, obstacle: Callable[[Address], str]
) -> ResourceComparison:
    desired, kept = comparison.pair.desired, []
    if desired is None or not comparison.kind.planning.follows:
        return comparison
    changes: list[FieldChange] = []
    for change in comparison.changes:
        obstacles = [obstacle(each) for each in _releasing(comparison, change, releases)]
        why = next(filter(None, obstacles), "")
        ruling = _awaited(comparison, change) or FieldAction(Action.KEEP, Cause.FOLLOWS, why)
        is_kept = bool(why) or ruling.cause is Cause.AWAITED
        changes.append(change.because(ruling) if is_kept else change)
        kept += [change.path] if is_kept else []
    if not kept:
        return comparison
    # The step is carried out, and read back, without what is left as it is.
    desired = replace(desired, ignore_changes=(*desired.ignore_changes, *kept))
    pair = replace(comparison.pair, desired=desired)
    return replace(comparison, pair=pair, changes=tuple(changes))


def _awaited(comparison: ResourceComparison, change: FieldChange) -> FieldAction | None:
    """The ruling on a change of a resource that is created, and so has no version yet."""
    follows = comparison.kind.planning.follows
    is_new = comparison.pair.live is None
    if follows is None or not is_new or not follows(change):
        return None
    return FieldAction(Action.KEEP, Cause.AWAITED)


def _releasing(
    comparison: ResourceComparison, change: FieldChange, releases: Releases
) -> tuple[Address, ...]:
    """The declared resources that release the versions of ``change``."""
    follows = comparison.kind.planning.follows
    if follows is None or change.action is Action.KEEP:
        return ()
    versions = [
        Release(comparison.kind.name, comparison.pair.name, version) for version in follows(change)
    ]
    return tuple(address for version in versions for address in releases.get(version, ()))


def in_order(
    steps: Sequence[Step], comparisons: Sequence[ResourceComparison], releases: Releases
) -> Sequence[Step]:
    """``steps`` in which what follows a release waits, and what is released exists before."""
    waits: dict[Address, set[Address]] = {}
    needs: dict[Address, set[Address]] = {}
    actions = {step.address: step.action for step in steps}
    for each in comparisons:
        address = each.pair.address
        if actions.get(address) is Action.CREATE:
            for user in _users(each, releases):
                needs.setdefault(user, set()).add(address)
            continue
        for change in each.changes:
            waits.setdefault(address, set()).update(_releasing(each, change, releases))
    return [_waiting(step, waits.get(step.address, set()), needs) for step in steps]


def _waiting(step: Step, waits: set[Address], needs: Mapping[Address, set[Address]]) -> Step:
    if not waits and step.address not in needs:
        return step
    every = {*step.needs, *waits, *needs.get(step.address, ())}
    return replace(step, needs=tuple(sorted(every)), after_ready=tuple(sorted(waits)))


def _users(created: ResourceComparison, releases: Releases) -> Iterable[Address]:
    name = (created.kind.name, created.pair.name)
    return [each for release, by in releases.items() if release[:2] == name for each in by]
