"""What no marker can say about a single change. Pure.

The first verdict wins; a change that none of them claims is the planner's to judge.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.document import at, mapping
from provisioner.kinds.model_serving_endpoints.live.read import NEVER_SERVED
from provisioner.kinds.model_serving_endpoints.planning import permissions
from provisioner.kinds.model_serving_endpoints.planning.config_actions import (
    TABLE_NAMES,
    Case,
    Verdict,
    all_features,
    config_taken_away,
    legacy_table,
    made_anew,
    never_served,
    nothing_on_both_sides,
    sent_for_one,
)
from provisioner.model.drift import DriftCategory
from provisioner.model.live import Live
from provisioner.model.paths import Document, Key
from provisioner.model.plan import ABSENT, Action, Cause, FieldAction, FieldChange

VERSION_OF_ENTITY = ("config", "served_entities", "entity_version")


def drift_category(change: FieldChange) -> DriftCategory | None:
    """The sort of ``change``; None for a plain edit."""
    names = tuple(segment for segment in change.path if isinstance(segment, str))
    if names == VERSION_OF_ENTITY:
        return DriftCategory.VERSION
    if names[0] == permissions.FIELD:
        return _of_grant(change)
    return DriftCategory.TAG_ADDED if names == ("tags",) and change.after is ABSENT else None


def _of_grant(change: FieldChange) -> DriftCategory:
    if change.after is ABSENT:
        return DriftCategory.PERMISSION_ADDED
    return (
        DriftCategory.PERMISSION_REMOVED
        if change.before is ABSENT
        else DriftCategory.PERMISSION_CHANGED
    )


TABLE: Final = ("ai_gateway", "inference_table_config")
PREFIX: Final = "table_name_prefix"


def field_action(change: FieldChange, desired: Document, live: Live) -> Verdict:
    """The action for ``change``, or None for no opinion."""
    if change.path[0] == permissions.FIELD:
        return permissions.verdict(change, live)
    # Such an endpoint shows no active config. Compared with that, every field would be new; but the
    # config that failed settled what the endpoint can become.
    pending = live.beside.get(NEVER_SERVED)
    if pending and change.path[0] == "config" and desired.get("config"):
        why = never_served(desired, pending)
        if not why:
            return None
        detail = f"its first config failed; {why}"
        return FieldAction(Action.REPLACE, Cause.FIXED_AT_CREATION, detail)
    case = Case(change, desired, live.document)
    return next((verdict for rule in RULES if (verdict := rule(case))), None)


def moves_table(desired: Document, live: Document) -> bool:
    """Whether the names of an inference table change that is switched on.

    Source: service/serving.py AiGatewayInferenceTableConfig: names can be changed only
    while the table is off.
    """
    wanted, actual = mapping(at(desired, TABLE)), mapping(at(live, TABLE))
    named = any(name in wanted and wanted[name] != actual.get(name) for name in TABLE_NAMES)
    renamed = bool(wanted) and PREFIX not in wanted and not _is_default_prefix(live)
    return actual.get("enabled") is True and (named or renamed)


def _is_default_prefix(live: Document) -> bool:
    """Whether the service chose the prefix: it takes the name of the endpoint.

    The characters that a table's name cannot hold may have been replaced in it.
    """
    # The service fills in the name of the endpoint where the prefix is left out [serving-api 3.4,
    # 10.15]; `chat-bot` may come back as `chat_bot`.
    prefix, name = at(live, (*TABLE, PREFIX)), live.get("name")
    return prefix is None or _as_table(prefix) == _as_table(name)


def _as_table(name: Any) -> str:
    return re.sub(r"\W", "_", str(name)).casefold()


def _off_on_both_sides(case: Case) -> Verdict:
    """A switch that is off reads the same to the service as one that is not there."""
    if case.names[0] != "ai_gateway":
        return None
    sides = [side for side in (case.change.before, case.change.after) if side is not ABSENT]
    # `safety: false`, `behavior: NONE` and no guardrail at all protect equally little.
    if len(sides) == 1 and (sides[0] is False or sides[0] == "NONE"):
        return FieldAction(Action.KEEP, Cause.OFF_ON_BOTH_SIDES)
    table_is_off = mapping(at(case.live, TABLE)).get("enabled") is False
    if case.names[:2] == TABLE and table_is_off and not at(case.desired, TABLE):
        return FieldAction(Action.KEEP, Cause.OFF_ON_BOTH_SIDES, "the table is disabled")
    return None


def _table_taken_out(case: Case) -> Verdict:
    if case.names[:2] != TABLE or at(case.desired, TABLE) or case.change.after is not ABSENT:
        return None
    detail = "the table is disabled, and its rows are kept"
    return FieldAction(Action.UPDATE, Cause.SWITCHED_OFF, detail)


def _table_moves(case: Case) -> Verdict:
    names_it = case.names[:2] == TABLE and case.names[-1] in TABLE_NAMES
    if not names_it or not at(case.desired, TABLE):
        return None
    if case.names[-1] == PREFIX and case.change.after is ABSENT and _is_default_prefix(case.live):
        return None
    if moves_table(case.desired, case.live):
        detail = "the table is disabled while it moves"
        return FieldAction(Action.UPDATE, Cause.MOVED, detail)
    if case.names[-1] == PREFIX and case.change.after is ABSENT:
        # Somebody chose it, and every call that leaves it out asks for the service's own.
        return FieldAction(Action.UPDATE, Cause.REMOVED)
    return None


def _other_order(case: Case) -> Verdict:
    """Lists of plain values are sets to the service: addresses, keywords, topics."""
    path = next((case.change.path[:i] for i, s in enumerate(case.change.path) if _is_index(s)), ())
    place = tuple(segment for segment in path if isinstance(segment, str))
    wanted, actual = at(case.desired, place), at(case.live, place)
    if not (path and _plain(wanted) and _plain(actual)):
        return None
    # The service returns some of these lists in another order [serving-api 3.4].
    is_same = sorted(wanted) == sorted(actual)
    return FieldAction(Action.KEEP, Cause.OTHER_ORDER) if is_same else None


RULES: Final[tuple[Callable[[Case], Verdict], ...]] = (
    config_taken_away,
    made_anew,
    sent_for_one,
    legacy_table,
    nothing_on_both_sides,
    all_features,
    _off_on_both_sides,
    _table_taken_out,
    _table_moves,
    _other_order,
)


def _is_index(segment: str | Key) -> bool:
    return isinstance(segment, Key) and segment.value.isdecimal()


def _plain(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)
