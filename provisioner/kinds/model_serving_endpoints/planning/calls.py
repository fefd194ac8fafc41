"""Which calls bring an endpoint to its document, decided before any call. Pure.

The service has a call of its own for each group of fields, and none that takes them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from provisioner.kinds.model_serving_endpoints.document import at, mapping, parts_of
from provisioner.kinds.model_serving_endpoints.live.read import ROLLOUT, ownership_tags
from provisioner.kinds.model_serving_endpoints.planning import permissions
from provisioner.kinds.model_serving_endpoints.planning.bodies import (
    create_body,
    has_units,
    merged,
    whole_config,
    with_live_values,
)
from provisioner.kinds.model_serving_endpoints.planning.field_actions import TABLE, moves_table
from provisioner.model.kind import Intent, OwnCall
from provisioner.model.live import Ownership, Phase
from provisioner.model.paths import Document, Key
from provisioner.model.plan import Action, FieldChange, Operation

ROOT: Final = "/api/2.0/serving-endpoints"
ROOT_OF_UNITS: Final = f"{ROOT}/pt"
CREATES: Final = frozenset(("create", "create_provisioned_throughput"))

FIELDS_OF_CALL: Final[Mapping[str, tuple[str, ...]]] = {
    "set_permissions": ("permissions",),
    "patch_tags": ("tags",),
    "update_notifications": ("email_notifications",),
    "update_config": ("config",),
    "put_ai_gateway": ("ai_gateway",),
    "patch_telemetry_config": ("telemetry_config",),
}
"""Every field that can be changed, once, in the order of the calls: what does not depend
on the config first; the gateway after it, for its fallback may mean new entities; then
telemetry, which needs an endpoint that is idle.
"""

OWN_CALLS: Final = {
    "create": OwnCall("POST", ROOT, "name"),
    "create_provisioned_throughput": OwnCall("POST", ROOT_OF_UNITS, "name"),
    "delete": OwnCall("DELETE", f"{ROOT}/{{name}}"),
    "set_permissions": OwnCall("PUT", f"{permissions.PERMISSIONS_ROOT}/{{id}}"),
    "patch_tags": OwnCall("PATCH", f"{ROOT}/{{name}}/tags"),
    "update_notifications": OwnCall("PATCH", f"{ROOT}/{{name}}/notifications"),
    "update_config": OwnCall("PUT", f"{ROOT}/{{name}}/config"),
    "update_provisioned_throughput_config": OwnCall("PUT", f"{ROOT_OF_UNITS}/{{name}}/config"),
    "put_ai_gateway": OwnCall("PUT", f"{ROOT}/{{name}}/ai-gateway"),
    "patch_telemetry_config": OwnCall("PATCH", f"{ROOT}/{{name}}/telemetry-config"),
}
"""Every call that a plan of an endpoint may hold."""

INSTEAD_WITH_UNITS: Final = {"update_config": "update_provisioned_throughput_config"}
CALLS_OF_FIELD: Final[Mapping[str, tuple[str, ...]]] = {
    field: (call, INSTEAD_WITH_UNITS[call]) if call in INSTEAD_WITH_UNITS else (call,)
    for call, fields in FIELDS_OF_CALL.items()
    for field in fields
}
"""The same by field, with the call that takes the place of another one."""


def operations(intent: Intent) -> tuple[Operation, ...]:
    """The calls for ``intent``, in order."""
    match intent.action:
        case Action.CREATE:
            return _created(intent)
        case Action.REPLACE:
            return (_delete(intent), *_created(intent))
        case Action.DELETE:
            return (_delete(intent),)
        case Action.UPDATE | Action.ADOPT:
            return (*_updates(intent), *_ownership(intent))
        case Action.KEEP | Action.ORPHAN | Action.BLOCKED:
            return ()


def endpoint_path(name: str) -> str:
    """The path of the endpoint ``name``."""
    return f"{ROOT}/{in_path(name)}"


def in_path(name: str) -> str:
    """``name`` as one segment of a path: a live one may hold what a path must not."""
    return quote(name, safe="")


def _create(intent: Intent) -> Operation:
    desired = intent.desired or {}
    body = create_body(desired)
    ours = [{"key": key, "value": value} for key, value in ownership_tags(intent.ownership).items()]
    if ours:
        body["tags"] = [*body.get("tags", ()), *ours]
    if has_units(desired):
        return Operation("create_provisioned_throughput", "POST", ROOT_OF_UNITS, body, wait=True)
    return Operation("create", "POST", ROOT, body, wait=True)


def _created(intent: Intent) -> tuple[Operation, ...]:
    """The create, and what it does not take as soon as the id is known: waiting comes last."""
    # Permissions are keyed by the id that the create returns [serving-api 1.11]. Waiting is left to
    # the last call: permissions do not need an endpoint that is ready.
    calls = (_create(intent), *permissions.after_create(intent))
    return tuple(replace(call, wait=call is calls[-1]) for call in calls)


def _delete(intent: Intent) -> Operation:
    return Operation("delete", "DELETE", endpoint_path(intent.name))


def _made(intent: Intent) -> list[FieldChange]:
    return [change for change in intent.changes if change.action is not Action.KEEP]


def _updates(intent: Intent) -> Iterator[Operation]:
    touched = {change.path[0] for change in intent.changes if change.action is not Action.KEEP}
    if "config" in touched:
        yield from _rollout(intent)
    for call, fields in FIELDS_OF_CALL.items():
        if touched.intersection(fields):
            yield from CALLS[call](intent)


def _rollout(intent: Intent) -> Iterator[Operation]:
    """The tag of a rollout comes before the traffic: an interrupted move has to be seen."""
    wanted = intent.ownership.rollout
    actual = intent.live.ownership.rollout if intent.live else ""
    if wanted and wanted != actual:
        yield _patch(intent, [{"key": ROLLOUT, "value": wanted}], [])


def _patch_tags(intent: Intent) -> Iterator[Operation]:
    """The service has no call that sets all tags, so the patch is what the plan changes."""
    wanted = {tag.value.get("key"): dict(tag.value) for tag in _desired_tags(intent)}
    changed = dict.fromkeys(
        change.path[1].value
        for change in intent.changes
        if change.action is not Action.KEEP
        and change.path[0] == "tags"
        and isinstance(change.path[1], Key)
    )
    add = [wanted[key] for key in changed if key in wanted]
    delete = [key for key in changed if key not in wanted]
    yield _patch(intent, add, delete)


def _desired_tags(intent: Intent) -> Iterator[Any]:
    return parts_of(intent.desired or {}, ("tags",))


def _patch(intent: Intent, add: list[Document], delete: list[str]) -> Operation:
    # An empty list is left out: whether the service takes one is not documented.
    payload = {"add_tags": add, "delete_tags": delete}
    body = {name: value for name, value in payload.items() if value}
    return Operation("patch_tags", "PATCH", f"{endpoint_path(intent.name)}/tags", body)


def _update_notifications(intent: Intent) -> Iterator[Operation]:
    wanted = with_live_values(intent, "email_notifications")
    live = mapping(at(_live(intent), ("email_notifications",)))
    # A list that is left out may stay as it is; an empty one surely clears it.
    payload = {"email_notifications": {name: [] for name in live} | dict(mapping(wanted))}
    path = f"{endpoint_path(intent.name)}/notifications"
    yield Operation("update_notifications", "PATCH", path, payload)


def _update_config(intent: Intent) -> Iterator[Operation]:
    body = whole_config(intent)
    updating = intent.live is not None and intent.live.readiness.phase is Phase.UPDATING
    call, path = "update_config", f"{endpoint_path(intent.name)}/config"
    if has_units(intent.desired or {}):
        # Endpoints with model units have an update of their own, which nests the config
        # [serving-api 1.3].
        call = INSTEAD_WITH_UNITS[call]
        path, body = f"{ROOT_OF_UNITS}/{in_path(intent.name)}/config", {"config": body}
    yield Operation(call, "PUT", path, body, wait=True, after_idle=updating)


def _put_ai_gateway(intent: Intent) -> Iterator[Operation]:
    wanted = merged(with_live_values(intent, "ai_gateway"))
    path = f"{endpoint_path(intent.name)}/ai-gateway"
    if moves_table({"ai_gateway": wanted}, _live(intent)):
        # The names of the table can be changed only while it is off [serving-api 2.8], so a move is
        # two calls: off under the old names, then as wanted.
        off = {**mapping(at(_live(intent), TABLE)), "enabled": False}
        yield Operation("put_ai_gateway", "PUT", path, wanted | {TABLE[-1]: off})
    yield Operation("put_ai_gateway", "PUT", path, wanted)


def _patch_telemetry(intent: Intent) -> Iterator[Operation]:
    wanted = with_live_values(intent, "telemetry_config")
    # serving-endpoints/patchtelemetryconfig: a body without the field takes telemetry away.
    body = {"telemetry_config": wanted} if wanted else {}
    path = f"{endpoint_path(intent.name)}/telemetry-config"
    # A PATCH while an update is in progress is refused with 409.
    yield Operation("patch_telemetry_config", "PATCH", path, body, after_idle=True)


def _ownership(intent: Intent) -> Iterator[Operation]:
    """Ours last: a crash before them leaves a difference that the next run sees."""
    wanted = ownership_tags(intent.ownership)
    actual = ownership_tags(intent.live.ownership if intent.live else Ownership())
    if any(change.path[0] == "config" for change in _made(intent)) and intent.ownership.rollout:
        wanted.pop(ROLLOUT)  # It is there already.
        actual.pop(ROLLOUT, None)
    add = [{"key": k, "value": v} for k, v in wanted.items() if actual.get(k) != v]
    delete = [key for key in actual if key not in wanted]
    if add or delete:
        yield _patch(intent, add, delete)


def _live(intent: Intent) -> Document:
    return intent.live.document if intent.live else {}


CALLS: Final = {
    "set_permissions": permissions.set_permissions,
    "patch_tags": _patch_tags,
    "update_notifications": _update_notifications,
    "update_config": _update_config,
    "put_ai_gateway": _put_ai_gateway,
    "patch_telemetry_config": _patch_telemetry,
}
