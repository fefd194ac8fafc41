"""Decides what happens to a differing field: kept, updated, replaced or refused. Pure.

``with_action`` takes the first rule of ``FIELD_ACTIONS`` that applies. What the manifest
ignores comes first, then what the kind knows better than any field rule can say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from provisioner.model.documents import value_at
from provisioner.model.field_rules import FieldRule, rules_along
from provisioner.model.kind import Kind
from provisioner.model.live import Live
from provisioner.model.paths import Path
from provisioner.model.plan import ABSENT, Action, Cause, FieldAction, FieldChange
from provisioner.model.resource import Resource
from provisioner.planning.comparable import comparable
from provisioner.planning.diff import same


@dataclass(frozen=True, slots=True)
class ChangedField:
    """A change without its action yet, and all that a rule may ask about it."""

    change: FieldChange
    desired: Resource
    live: Live
    kind: Kind
    rules: FieldRule


def with_action(field: ChangedField) -> FieldChange:
    """Returns the change with its action and cause; where no rule applies, an update."""
    for rule in FIELD_ACTIONS:
        action = rule(field)
        if action:
            return field.change.because(action)
    return field.change


def decided_by_kind(field: ChangedField) -> FieldAction | None:
    if not field.kind.planning.field_action:
        return None
    return field.kind.planning.field_action(field.change, field.desired.document, field.live)


def ignored_by_manifest(field: ChangedField) -> FieldAction | None:
    ignored = is_ignored(field.change.path, field.desired.ignore_changes)
    return FieldAction(Action.KEEP, Cause.IGNORED) if ignored else None


def is_ignored(path: Path, ignore_changes: tuple[Path, ...]) -> bool:
    """Whether one of ``ignore_changes`` is ``path`` or a place that holds it."""
    # `config` ignores `config.served_entities[a].workload_size`; the reverse does not hold.
    return any(path[: len(place)] == place for place in ignore_changes)


def chosen_by_service(field: ChangedField) -> FieldAction | None:
    """The manifest is silent about the field, or about a block around it."""
    if field.change.after is not ABSENT:
        return None
    for place, rule in _fields_along(field):
        # The manifest may be silent about the field itself or about a block around it: without
        # `ai_gateway` in the manifest all of the live gateway may be the choice of the service.
        silent = (
            rule.server_default and value_at(field.desired.document, place, field.rules) is ABSENT
        )
        if silent and _may_be_chosen(field, place, rule):
            return FieldAction(Action.KEEP, Cause.CHOSEN_BY_SERVICE)
    return None


def _fields_along(field: ChangedField) -> Iterator[tuple[Path, FieldRule]]:
    """Each named field on the way to the change, outermost first, with its rule."""
    path = field.change.path
    ends = [end for end, segment in enumerate(path, start=1) if isinstance(segment, str)]
    for end, rule in zip(ends, rules_along(field.rules, path), strict=True):
        yield path[:end], rule


def _may_be_chosen(field: ChangedField, place: Path, rule: FieldRule) -> bool:
    # With known defaults only these count as chosen: a live `workload_size: Large` where the
    # default is `Small` was set by a user, and taking it out of the manifest is a change.
    if not rule.default_values:
        return True
    value = comparable(value_at(field.live.document, place, field.rules), rule)
    return any(same(value, default) for default in rule.default_values)


def given_as_plaintext(field: ChangedField) -> FieldAction | None:
    """The service shows a reference of its own making for a key that it was given as text."""
    *holder, name = field.change.path
    if field.change.after is not ABSENT or not isinstance(name, str):
        return None
    # A comment in the CLI says that GET shows a reference of the service for a key given as text;
    # its fake shows nothing. Kept under both readings [serving-api 8.8].
    twin = value_at(field.desired.document, (*holder, f"{name}_plaintext"), field.rules)
    return None if twin is ABSENT else FieldAction(Action.KEEP, Cause.GIVEN_AS_PLAINTEXT)


def fixed_at_creation(field: ChangedField) -> FieldAction | None:
    immutable = any(rule.immutable for rule in rules_along(field.rules, field.change.path))
    return FieldAction(Action.REPLACE, Cause.FIXED_AT_CREATION) if immutable else None


def not_updatable(field: ChangedField) -> FieldAction | None:
    if not remedy(field.change, field.rules):
        return None
    return FieldAction(Action.BLOCKED, Cause.NOT_UPDATABLE)


def remedy(change: FieldChange, rules: FieldRule) -> str:
    """What to do about a change that no call can make; ``""`` for any other."""
    along = rules_along(rules, change.path)
    return next((rule.not_updatable for rule in along if rule.not_updatable), "")


def anew(changes: Iterable[FieldChange], rules: FieldRule) -> Iterator[FieldChange]:
    """``changes``, where a replacement also brings what no call could change."""
    field = tuple(changes)
    replaced = any(change.action is Action.REPLACE for change in field)
    for change in field:
        # A description that no call can change is no obstacle when the endpoint is made anew
        # anyway.
        if replaced and change.action is Action.BLOCKED and remedy(change, rules):
            yield change.because(FieldAction(Action.REPLACE, Cause.SET_ANEW))
        else:
            yield change


# The first rule wins; a change that no rule claims is a plain update.
FIELD_ACTIONS: tuple[Callable[[ChangedField], FieldAction | None], ...] = (
    ignored_by_manifest,
    decided_by_kind,
    chosen_by_service,
    given_as_plaintext,
    fixed_at_creation,
    not_updatable,
)
