"""What is to be said of an endpoint's step as a whole, beside its single changes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from provisioner.errors.wording import listed
from provisioner.kinds.model_serving_endpoints.document import parts_of
from provisioner.kinds.model_serving_endpoints.planning.bodies import whole_config
from provisioner.kinds.model_serving_endpoints.planning.config_actions import CAPTURE
from provisioner.model.kind import Intent
from provisioner.model.live import Phase
from provisioner.model.paths import path_text
from provisioner.model.plan import ABSENT, NOT_DONE, Action

WHILE_STOPPED: Final = ("config", "ai_gateway", "telemetry_config")
"""What is not sent to a stopped endpoint. Which calls one takes is not documented: whatever
is about serving waits for the start, so that no call is refused after others went through.
"""
Precondition = tuple[str, str] | None
"""Why not, and what to do about it; None where nothing is in the way."""


def precondition(intent: Intent) -> Precondition:
    """Why the service would refuse the calls for ``intent``, or serve nothing after them."""
    return next((refusal for look in PRECONDITIONS if (refusal := look(intent))), None)


def _stopped(intent: Intent) -> Precondition:
    fields = [field for field in WHILE_STOPPED if field in _touched(intent)]
    if not fields or intent.live is None or intent.live.readiness.phase is not Phase.STOPPED:
        return None
    start = f"databricks api post /api/2.0/serving-endpoints/{intent.name}/config:start"
    what = listed(fields)
    return (
        f"it is stopped, and {what} can be changed only while it runs",
        f"start it ({start}) and plan again, or ignore the fields with "
        f"`lifecycle: {{ignore_changes: [{', '.join(fields)}]}}`",
    )


def _nothing_to_serve(intent: Intent) -> Precondition:
    if "config" not in _touched(intent):
        return None
    body = whole_config(intent)
    names = {entity.get("name") for entity in body.get("served_entities", ())}
    if not names:
        return (
            "no served entity would remain: lifecycle.ignore_changes excludes all of them",
            "ignore a field of the entities, or the whole `config`",
        )
    routes = parts_of({"config": body}, ("config", "traffic_config", "routes"))
    reached = (route.value.get("served_entity_name") for route in routes)
    gone = sorted({str(name) for name in reached if name not in names})
    if not gone:
        return None
    return (
        f"traffic that lifecycle.ignore_changes keeps goes to {', '.join(gone)}, which would no "
        "longer be served",
        "declare the routes and remove them from `ignore_changes`, or keep the entity",
    )


def _touched(intent: Intent) -> set[str]:
    return {str(change.path[0]) for change in intent.changes if change.action is not Action.KEEP}


PRECONDITIONS: Final[tuple[Callable[[Intent], Precondition], ...]] = (_stopped, _nothing_to_serve)


def warnings(intent: Intent) -> Iterator[str]:
    """What the manifest says and is not done, and no `ignore_changes` names."""
    for change in intent.changes:
        written = change.after is not ABSENT or change.path[: len(CAPTURE)] == CAPTURE
        if change.action is Action.KEEP and change.cause in NOT_DONE and written:
            yield f"not done: {path_text(change.path)}: {change.reason}"
