"""Deployments: a pending configuration becomes active, or fails.

Everything is in the record: how often it has to be read and until when it takes. So another
process, or this one after a restart, goes on where the first one stopped.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from provisioner.emulator.faults import rules as faults
from provisioner.emulator.http.routing import EmulatedWorkspace
from provisioner.emulator.http.settings import Transition
from provisioner.emulator.http.store import Store
from provisioner.emulator.secrets.scope_acls import creators_problem
from provisioner.emulator.secrets.secret_values import problem_with, references_in
from provisioner.emulator.serving import auto_capture, endpoints
from provisioner.emulator.serving.endpoints import Record
from provisioner.emulator.unity_catalog import registration

# Captured from the service. [serving-api 3.1]
CREATING = {
    "deployment": "DEPLOYMENT_CREATING",
    "deployment_state_message": "Creating resources for served entity.",
}
# What an entity that is made to fail says unless the rule says something else. The second one
# is the beginning of a captured message. [serving-api 3.1]
FAILURES = {
    "DEPLOYMENT_FAILED": "A fault rule made the deployment fail.",
    "DEPLOYMENT_ABORTED": (
        "Served model creation aborted because the endpoint update timed out. A fault "
        "rule caused this."
    ),
}
READY = {"deployment": "DEPLOYMENT_READY", "deployment_state_message": ""}


def begin(workspace: EmulatedWorkspace, record: Record, config: dict[str, Any]) -> None:
    """Makes ``config`` the pending one. The record is not saved.

    Raises ApiError for an entity that is not registered.
    """
    store = workspace.store
    registration.check_entities(store, record["creator"], config["entities"])
    now_ms = store.now_ms()
    ordered = faults.take_deployment(store, record["name"])
    transition = Transition.parse(ordered.get("transition", workspace.settings.transition))
    # rule(assumed): Every accepted update uses up a version number, also one that fails. A client
    #     that counts versions itself is wrong under both readings. [serving-api 3.1, 8.15]
    record["last_version"] += 1
    record["update"] = endpoints.IN_PROGRESS
    record["updated_ms"] = endpoints.whole_second(now_ms)
    record["pending"] = config | {
        "version": record["last_version"],
        "start_time": endpoints.whole_second(now_ms),
        "polls_left": transition.polls,
        "due_ms": now_ms + round(transition.seconds * 1000),
        "ordered": ordered,
        "held": transition.on_command,
    }
    if "auto_capture" in config:
        completed = auto_capture.with_table_prefix(config["auto_capture"], record["name"])
        record["pending"]["auto_capture"] = completed
    for entity in config["entities"]:
        entity["creator"] = record["creator"]
        entity["creation_timestamp"] = endpoints.whole_second(now_ms)
        entity["state"] = CREATING


def settle(store: Store, record: Record, *, is_poll: bool) -> None:
    """Finishes the update if its time has come, and saves what changed.

    ``is_poll`` means that a client is reading the endpoint: that counts towards ``polls=N``.
    """
    if record["update"] != endpoints.IN_PROGRESS:
        return
    pending = record["pending"]
    if pending.get("held"):
        return
    if pending["polls_left"] > 0 or store.now_ms() < pending["due_ms"]:
        if is_poll and pending["polls_left"] > 0:
            pending["polls_left"] -= 1
            endpoints.save(store, record)
        return
    _finish(store, record)
    endpoints.save(store, record)


def release(store: Store, record: Record, ordered: dict[str, Any]) -> None:
    """Ends the update now, as ``ordered``: the fields of a deployment rule."""
    pending = record["pending"]
    pending |= {"held": False, "polls_left": 0, "due_ms": 0}
    pending["ordered"] |= ordered
    settle(store, record, is_poll=False)


def settle_all(store: Store) -> None:
    """Settles every endpoint that is updating, each counted as polled once."""
    for (name,) in store.rows("SELECT name FROM endpoints WHERE pending ORDER BY name"):
        settle(store, endpoints.require(store, name), is_poll=True)


def _finish(store: Store, record: Record) -> None:
    pending = record["pending"]
    for entity in pending["entities"]:
        entity["state"] = _outcome(store, record, entity)
    ordered_end = pending["ordered"].get("config_update")
    is_ready = all(entity["state"] == READY for entity in pending["entities"])
    record["updated_ms"] = endpoints.whole_second(store.now_ms())
    if is_ready and not ordered_end:
        kept = ("version", "start_time", "entities", "routes", "auto_capture")
        record["config"] = {key: pending[key] for key in kept if key in pending}
        record["auto_capture"] = auto_capture.after_update(
            record["config"], record.get("auto_capture")
        )
        record["pending"] = None
        record["starting"] = False
        record["update"] = endpoints.NOT_UPDATING
    else:
        # The old config goes on serving, the failed one stays to be looked at. [serving-api 3.1]
        record["update"] = ordered_end or "UPDATE_FAILED"


# rule(assumed): A secret that is missing fails the deployment, not the create: clients must be
#     prepared for that. Documented is only that references are resolved when the provider is
#     called. [serving-api 3.9, 8.9]
def _outcome(store: Store, record: Record, entity: dict[str, Any]) -> dict[str, str]:
    """Returns the deployment state in which an entity ends."""
    ordered = record["pending"]["ordered"]
    if "state" in ordered and fnmatchcase(entity["name"], ordered.get("entity", "*")):
        entity["log"] = ordered.get("log", "")
        message = ordered.get("message", FAILURES[ordered["state"]])
        return {"deployment": ordered["state"], "deployment_state_message": message}
    for reference in references_in(entity):
        problem = problem_with(store, reference) or creators_problem(store, record, reference)
        if problem:
            return {"deployment": "DEPLOYMENT_FAILED", "deployment_state_message": problem}
    return READY
