"""What a reader of a step should know besides its changes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from provisioner.model.field_rules import rules_along
from provisioner.model.kind import Intent
from provisioner.model.live import Phase
from provisioner.model.paths import path_text
from provisioner.model.plan import Action, Address, Cause, FieldChange, Step
from provisioner.model.rollout import RolloutTag
from provisioner.model.secret import reference_in
from provisioner.planning.comparable import write_only_values
from provisioner.planning.comparison import ResourceComparison
from provisioner.planning.field_actions import is_ignored
from provisioner.planning.write_only import listed

Users = Mapping[Address, Sequence[Address]]
"""What is needed, to all declared resources that need it."""


def with_neighbours(steps: Iterable[Step], users: Users) -> list[Step]:
    """``steps`` with notes on what is missing in the plan, and on who reads a new secret."""
    steps = list(steps)
    planned = {step.address for step in steps}
    return [_with_notes(step, (*_unplanned(step, planned), *_used(step, users))) for step in steps]


def _with_notes(step: Step, more: tuple[str, ...]) -> Step:
    # A copy of each step of a large plan takes its time, and few have such notes.
    return replace(step, notes=(*step.notes, *more)) if more else step


def with_unlisted(steps: Sequence[Step], titles: Mapping[str, str]) -> Sequence[Step]:
    """``steps`` with a note on the first one of each kind that could not be listed.

    No list is not the same as nothing there: orphans of the kind are not known.
    """
    first = _first_of_each_kind(steps)
    unlisted = {first[kind]: [_unlisted(title)] for kind, title in titles.items() if kind in first}
    return _with_warnings(steps, unlisted)


def with_copied(steps: Sequence[Step], copied: Mapping[tuple[str, str], str]) -> Sequence[Step]:
    """``steps`` with a warning for each name in ``copied``, which maps kind and name to a title.

    What carries a copied record of its owner has no step. The first step of its kind carries
    the warning, or the first step of the plan.
    """
    first = _first_of_each_kind(steps)
    warned: dict[Address, list[str]] = {}
    for (kind, name), title in copied.items() if steps else ():
        warned.setdefault(first.get(kind, steps[0].address), []).append(_copied(title, name))
    return _with_warnings(steps, warned)


def _first_of_each_kind(steps: Sequence[Step]) -> dict[str, Address]:
    first: dict[str, Address] = {}
    for step in steps:
        first.setdefault(step.address.kind, step.address)
    return first


def _with_warnings(
    steps: Sequence[Step], warned: Mapping[Address, Sequence[str]]
) -> Sequence[Step]:
    if not warned:
        return steps
    return [
        replace(step, notes=(*step.notes, *warned[step.address]), attention=True)
        if step.address in warned
        else step
        for step in steps
    ]


def _copied(title: str, name: str) -> str:
    return (
        f"the {title} `{name}` has no manifest, and the last line of its comment belongs to "
        "another object, as in a copied comment: it counts as unmanaged, and --prune does not "
        "delete it"
    )


def _unlisted(title: str) -> str:
    return f"the workspace refused to list each {title}: those without a manifest are not known"


def _unplanned(step: Step, planned: set[Address]) -> Iterator[str]:
    """A selection may leave out what a step cannot do without."""
    if step.operations:
        for address in step.needs:
            # Selected `chat` alone, whose scope `keys` has a new secret: the scope is not in the
            # plan, and the endpoint would be deployed with the old value.
            if address not in planned:
                yield f"needs {address}, which is not selected"


def _used(step: Step, users: Users) -> Iterator[str]:
    """Who will work with a secret that is written where it can be in use already."""
    addresses = sorted(users.get(step.address, ()))
    if addresses and step.action is Action.UPDATE and _writes_secret(step):
        # The service resolves a reference when it deploys or calls: a new value reaches endpoints
        # that have no step in this plan [serving-api 3.9].
        yield f"used by {', '.join(map(str, addresses))}"


def _writes_secret(step: Step) -> bool:
    changed = (change for change in step.changes if change.action is not Action.KEEP)
    return any(reference_in(change.after) is not None for change in changed)


UPDATING = (
    "an update is in progress: compared with the config of the update, and applied after the update"
)


def notes(comparison: ResourceComparison) -> tuple[str, ...]:
    """The other notes of a step; none for what does not exist yet or is not wanted any more."""
    if comparison.pair.live is None:
        return ()
    return tuple(note for about in NOTES for note in about(comparison))


def warnings(comparison: ResourceComparison, intent: Intent) -> Iterator[str]:
    """What a reader must know even where nothing is done about it."""
    yield from _awaited(comparison)
    live = comparison.pair.live
    if live is None:
        return
    readiness = live.readiness
    if readiness.phase is Phase.STOPPED:
        yield f"stopped{readiness.message and f': {readiness.message}'}"
    if readiness.phase is Phase.FAILED:
        yield readiness.message or "the last update failed"
    if comparison.kind.planning.warnings and comparison.pair.desired:
        yield from comparison.kind.planning.warnings(intent)


def _awaited(comparison: ResourceComparison) -> Iterator[str]:
    for change in comparison.changes:
        if change.cause is Cause.AWAITED:
            after = change.after if isinstance(change.after, str) else ""
            version = f"version {after}" if after else "a version"
            yield f"{path_text(change.path)} waits for {version}, which does not exist yet"


def in_progress(comparison: ResourceComparison) -> Iterator[str]:
    if comparison.pair.live and comparison.pair.live.readiness.phase is Phase.UPDATING:
        yield UPDATING


def rolled_out(comparison: ResourceComparison) -> Iterator[str]:
    """A deletion is consented to by name, and whoever does it must know what it ends."""
    pair = comparison.pair
    tag = RolloutTag.parse(pair.live.ownership.rollout) if pair.live and pair.removal else None
    if tag and tag.is_under_way:
        yield "a rollout is active, and all of its versions are deleted"


def managed(comparison: ResourceComparison) -> Iterator[str]:
    desired = comparison.pair.desired
    if desired and comparison.is_existing:
        fields = listed((name,) for name in sorted(desired.document) if name != "name")
        yield f"created elsewhere (`existing: true`); managed here: {fields or 'nothing'}"
        if comparison.pair.owner and not comparison.is_ours:
            yield f"managed by {comparison.pair.owner}"


def unreadable(comparison: ResourceComparison) -> Iterator[str]:
    if comparison.pair.desired and not comparison.kind.planning.hides_values:
        values = write_only_values(comparison.pair.desired.document, comparison.kind.schema.rules())
        paths = [path for path, _, _ in values]
        if paths:
            yield f"cannot be read back: {listed(paths)}"


def chosen_again(comparison: ResourceComparison) -> Iterator[str]:
    """A call that carries a block leaves out what the manifest does not hold of it."""
    sent = {change.path[0] for change in comparison.changes if change.action is Action.UPDATE}
    kept = [
        change.path
        for change in comparison.changes
        if change.cause is Cause.CHOSEN_BY_SERVICE
        and change.path[0] in sent
        and _is_free(comparison, change)
    ]
    if kept:
        yield f"the service may pick a new value: {listed(kept)}"


def _is_free(comparison: ResourceComparison, change: FieldChange) -> bool:
    """Whether the service could choose something else, which a fixed default is not."""
    along = rules_along(comparison.kind.schema.rules(), change.path)
    return any(rule.server_default and not rule.default_values for rule in along)


def sent_though_ignored(comparison: ResourceComparison) -> Iterator[str]:
    """What cannot be read back cannot be kept by a call that replaces all around it."""
    desired = comparison.pair.desired
    if desired is None or not desired.ignore_changes or comparison.kind.planning.hides_values:
        return
    sent = {change.path[0] for change in comparison.changes if change.action is Action.UPDATE}
    values = write_only_values(desired.document, comparison.kind.schema.rules())
    paths = [
        path
        for path, _, _ in values
        if path[0] in sent and is_ignored(path, desired.ignore_changes)
    ]
    if paths:
        yield (
            f"sent although ignored: {listed(paths)}; it cannot be read back, and the "
            "call replaces its whole block"
        )


def stored_secrets(comparison: ResourceComparison) -> Iterator[str]:
    """Whoever declares another secret than the stored one has to know that it is not sent."""
    paths = [each.path for each in comparison.changes if each.cause is Cause.SECRET_STAYS]
    if paths:
        address = comparison.pair.address
        yield (
            f"the stored secret stays, and cannot be compared: {listed(paths)}; to send the "
            f"declared one: apply --rotate {address}"
        )


def nothing_to_rotate(comparison: ResourceComparison) -> Iterator[str]:
    pair, kind = comparison.pair, comparison.kind
    is_rotated = comparison.request.rotated_keys(pair.address)
    if is_rotated and pair.desired and not kind.planning.hides_values:
        values = write_only_values(pair.desired.document, kind.schema.rules())
        if not any(rule.secret for _, _, rule in values):
            yield "--rotate has no effect: the resource has no plaintext secret"


NOTES: tuple[Callable[[ResourceComparison], Iterator[str]], ...] = (
    in_progress,
    rolled_out,
    managed,
    unreadable,
    chosen_again,
    sent_though_ignored,
    stored_secrets,
    nothing_to_rotate,
)
