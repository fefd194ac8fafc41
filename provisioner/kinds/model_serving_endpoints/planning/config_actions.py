"""What no marker can say about a change of what is served. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    ROUTES,
    at,
    mapping,
    parts_of,
)
from provisioner.kinds.model_serving_endpoints.planning.replacement import (
    must_replace,
    other_sort,
    other_task,
)
from provisioner.model.paths import Document, Key
from provisioner.model.plan import ABSENT, Action, Cause, FieldAction, FieldChange

Verdict = FieldAction | None
"""None for no opinion."""


# Without slots: the names are made once, and many rules ask for them.
@dataclass(frozen=True)
class Case:
    """``live`` is the live document, ``desired`` the manifest's."""

    change: FieldChange
    desired: Document
    live: Document

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names on the path, without the keys of entries."""
        return tuple(segment for segment in self.change.path if isinstance(segment, str))


CAPTURE: Final = ("config", "auto_capture_config")
TABLE_NAMES: Final = ("catalog_name", "schema_name", "table_name_prefix")
LEFT_OFF: Final = (
    "the legacy inference table was disabled and cannot be enabled again: write `enabled: false`, "
    "and use "
    "`ai_gateway.inference_table_config`"
)
FEATURES: Final = ("telemetry_config", "enabled_telemetry_features")
# service/serving.py TelemetryFeature. Empty means all of them.
ALL_FEATURES: Final = frozenset(
    f"TELEMETRY_FEATURE_{name}" for name in ("INFERENCE_TABLE", "LOGS", "METRICS", "TRACES")
)
# The JSON form of protocol buffers may leave these out where they say nothing.
SAYS_NOTHING: Final = {
    "min_provisioned_throughput": 0,
    "min_provisioned_concurrency": 0,
    "scale_to_zero_enabled": False,
    "route_optimized": False,
}


def config_taken_away(case: Case) -> Verdict:
    if case.names[0] == "config" and not at(case.desired, ("config",)):
        detail = "no call removes the config of an endpoint: add `config`, or delete the endpoint"
        return FieldAction(Action.BLOCKED, Cause.NOT_UPDATABLE, detail)
    return None


def made_anew(case: Case) -> Verdict:
    if case.names[:2] != ENTITIES:
        return None
    why = other_sort(case.desired, case.live)
    if not why and (len(case.names) == len(ENTITIES) or case.names[-1] == "task"):
        why = other_task(case.desired, case.live)
    return FieldAction(Action.REPLACE, Cause.FIXED_AT_CREATION, why) if why else None


def sent_for_one(case: Case) -> Verdict:
    """What a config of one entity is sent with though the manifest is silent (``whole_config``)."""
    about_routes, about_name = case.names[:2] == ROUTES[:2], case.names == (*ENTITIES, "name")
    if case.change.after is not ABSENT or not (about_routes or about_name):
        return None
    if len(list(parts_of(case.desired, ENTITIES))) != 1:
        return None
    if about_routes and not at(case.desired, ROUTES[:2]):
        (only,) = parts_of(case.desired, ENTITIES)
        # The route of the one entity needs no manifest: 100 % go there. A live route to another
        # entity is a difference, and `_with_all_traffic` sends the route that replaces it.
        is_its = only.value.get("name", _reached(case)) == _reached(case)
        return FieldAction(Action.KEEP, Cause.IMPLIED) if is_its else None
    if about_name and len(list(parts_of(case.live, ENTITIES))) == 1:
        return FieldAction(Action.KEEP, Cause.IMPLIED, "the name is kept")
    return None


def _reached(case: Case) -> str:
    """The entity of the route that the change is about; ``""`` for all of the routes."""
    keys = [segment.value for segment in case.change.path if isinstance(segment, Key)]
    return keys[0] if keys else ""


def legacy_table(case: Case) -> Verdict:
    """service/serving.py AutoCaptureConfigInput, and Terraform's page on the endpoint: its
    names are fixed once it is there, and what was switched off stays off.
    """
    if case.names[:2] != CAPTURE:
        return None
    wanted, actual = mapping(at(case.desired, CAPTURE)), mapping(at(case.live, CAPTURE))
    # A table that is not there yet can have any name: nothing is fixed.
    if not actual:
        return FieldAction(Action.UPDATE, Cause.DIFFERS)
    if not wanted:
        return _table_without_manifest(case)
    if case.names[-1] != "enabled" or actual.get("enabled") is not False:
        return None
    if _is_renamed(wanted, actual):
        # Other names are another endpoint, whose table is on from the start.
        return FieldAction(Action.REPLACE, Cause.SET_ANEW)
    if case.change.after is ABSENT:
        return FieldAction(Action.KEEP, Cause.STAYS_OFF, LEFT_OFF)
    if case.change.after is True:
        detail = (
            "a disabled legacy inference table cannot be enabled again: write "
            "`enabled: false`, and use `ai_gateway.inference_table_config`"
        )
        return FieldAction(Action.BLOCKED, Cause.NOT_UPDATABLE, detail)
    return None


def _table_without_manifest(case: Case) -> FieldAction:
    # Taking the block out of the manifest means to stop capturing. The table cannot be taken away,
    # so it is switched off, and its names stay [serving-api 2.5].
    if case.names[-1] == "enabled" and case.change.before is True:
        detail = "disabled: an endpoint keeps the names of its table"
        return FieldAction(Action.UPDATE, Cause.SWITCHED_OFF, detail)
    detail = "the table is disabled, and an endpoint keeps its names"
    return FieldAction(Action.KEEP, Cause.OFF_ON_BOTH_SIDES, detail)


def _is_renamed(wanted: Mapping[str, Any], actual: Mapping[str, Any]) -> bool:
    return any(name in wanted and wanted[name] != actual.get(name) for name in TABLE_NAMES)


def never_served(desired: Document, pending: Document) -> str:
    """Why an endpoint whose first config failed cannot get ``desired``; ``""`` if it can.

    ``pending`` holds that config. It never served, but it settled what the endpoint is.
    """
    wanted, actual = mapping(at(desired, CAPTURE)), mapping(at(pending, CAPTURE))
    switched = actual.get("enabled") is False and wanted.get("enabled") is not False
    if wanted and actual and (switched or _is_renamed(wanted, actual)):
        return "the legacy inference table of its first config is fixed"
    return must_replace(desired, pending)


def nothing_on_both_sides(case: Case) -> Verdict:
    # `min_provisioned_throughput: 0` in the manifest and no field in the answer are equal: a plan
    # that showed a change here would never become empty.
    nothing = SAYS_NOTHING.get(case.names[-1], ABSENT)
    sides = [side for side in (case.change.before, case.change.after) if side is not ABSENT]
    if nothing is not ABSENT and len(sides) == 1 and sides[0] is nothing:
        return FieldAction(Action.KEEP, Cause.OFF_ON_BOTH_SIDES)
    return None


def all_features(case: Case) -> Verdict:
    # Not an entry of the list, which may stand elsewhere in it.
    silent = case.change.path == FEATURES and case.change.after is ABSENT
    if not silent or not isinstance(at(case.desired, FEATURES[:1]), dict):
        return None
    # Empty means all features, and an answer spells them out: both are the same choice.
    if _texts(case.change.before) == ALL_FEATURES:
        return FieldAction(Action.KEEP, Cause.CHOSEN_BY_SERVICE)
    return FieldAction(Action.UPDATE, Cause.REMOVED)


def _texts(value: Any) -> set[str]:
    entries = value if isinstance(value, list) else ()
    return {entry for entry in entries if isinstance(entry, str)}
