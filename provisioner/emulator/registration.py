"""What a training job would leave behind, and what an endpoint asks of the registry.

The emulator's own route; no real workspace has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioner.emulator import catalog, directory, model_versions
from provisioner.emulator.catalog import FUNCTION, MODEL
from provisioner.emulator.control import PREFIX
from provisioner.emulator.entities import is_feature_spec, is_full_name
from provisioner.emulator.routing import (
    Answer,
    ApiError,
    Caller,
    Request,
    Route,
    Workspace,
    invalid,
)
from provisioner.emulator.shape import choice, integer, record, text
from provisioner.emulator.store import Store

STATUSES = ("READY", "PENDING_REGISTRATION", "FAILED_REGISTRATION")
SENT = record(
    {
        "full_name": text,
        "kind": choice(MODEL, FUNCTION),
        "version": integer,
        "alias": text,
        "status": choice(*STATUSES),
    },
    needed=("full_name",),
)


def register(workspace: Workspace, request: Request) -> Answer:
    """A new version of a model, which is made if need be; or a function, such as a feature spec.

    Without ``version`` the next number. One that is there already stays, so that the alias can
    be moved to it.
    """
    sent = SENT(request.json(), "")
    if sent.get("kind") == FUNCTION:
        if not catalog.find(workspace.store, sent["full_name"]):
            catalog.add(workspace.store, sent["full_name"], FUNCTION, request.caller.name)
        return Answer({"full_name": sent["full_name"]})
    return Answer(registered(workspace.store, request.caller.name, sent))


def registered(store: Store, owner: str, sent: dict[str, Any]) -> dict[str, Any]:
    """Register as ``register`` does; the number of the version, and whether it is new.

    Raises ApiError.
    """
    model = catalog.find(store, sent["full_name"])
    name = (model or catalog.add(store, sent["full_name"], MODEL, owner)).full_name
    row = store.row("SELECT max(version) FROM model_versions WHERE model = ?", name)
    version = sent.get("version") or ((row[0] if row else None) or 0) + 1
    if is_new := not model_versions.exists(store, name, version):
        made = (name, version, sent.get("status", STATUSES[0]), "", owner, store.now_ms())
        store.change("INSERT INTO model_versions VALUES (?, ?, ?, ?, ?, ?)", *made)
    if sent.get("alias"):
        model_versions.point(store, name, sent["alias"], version)
    return {"full_name": name, "version": version, "alias": sent.get("alias"), "is_new": is_new}


def check_entities(store: Store, creator: str, entities: Iterable[dict[str, Any]]) -> None:
    """Raise ApiError for an entity that is not registered, or that ``creator`` may not execute.

    A catalog in which nothing was ever registered counts as full: a local workspace has no
    models to begin with, and manifests name those of a real one.

    The service checks grants when an endpoint is created or updated (create-manage-serving-
    endpoints, "Served entity grants"). That a missing version is refused then, with 404 and this
    code, is a guess; its text is one too.
    """
    for entity in entities:
        name = str(entity.get("entity_name", ""))
        kind = FUNCTION if is_feature_spec(entity) else MODEL
        if is_full_name(name) and catalog.has_catalog(store, name, kind):
            found = catalog.visible(store, _creator(store, creator), name, kind)
            if kind == MODEL:
                _check_version(store, found.full_name, str(entity["entity_version"]))


def _creator(store: Store, name: str) -> Caller:
    return directory.find(store, name) or Caller(name, name)


def _check_version(store: Store, name: str, version: str) -> None:
    if not version.isdecimal():
        raise invalid(f"'{version}' is not the number of a model version.")
    sql = "SELECT status FROM model_versions WHERE model = ? AND version = ?"
    row = store.row(sql, name, int(version))
    if row is None:
        message = f"Model version '{version}' of '{name}' does not exist."
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
    if row[0] != STATUSES[0]:
        raise invalid(f"Model version '{version}' of '{name}' is not ready: {row[0]}.")


ROUTES = (Route("POST", f"/{PREFIX}/models", register),)
