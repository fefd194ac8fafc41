"""Registers model versions as a training job does, and checks endpoints against the registry.

The route is the emulator's own; no real workspace has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioner.emulator.http.routing import (
    CONTROL_PREFIX,
    ApiError,
    ApiRequest,
    ApiResponse,
    ApiRoute,
    Caller,
    EmulatedWorkspace,
    invalid,
    refuse_if_strict,
)
from provisioner.emulator.http.shape import choice, integer, record, text
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity import directory
from provisioner.emulator.unity_catalog import catalog, model_versions
from provisioner.emulator.unity_catalog.catalog import (
    FUNCTION,
    MODEL,
    is_feature_spec,
    is_full_name,
)

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


def register(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Registers a version of a model, or a function such as a feature spec.

    The model is made if need be. Without ``version`` it is the next number. An existing version
    stays, so that the alias can be moved to it.
    """
    sent = SENT(request.json(), "")
    is_function = sent.get("kind") == FUNCTION
    return ApiResponse(register_version(workspace.store, sent, is_function=is_function))


def register_version(store: Store, sent: dict[str, Any], *, is_function: bool) -> dict[str, Any]:
    """Registers ``sent`` for the local user. Raises ApiError.

    Returns its version (0: none) and whether it is new.
    """
    full_name, owner = sent["full_name"], directory.LOCAL_USER.name
    kind = FUNCTION if is_function else MODEL
    registered = catalog.find(store, full_name)
    # rule(local): Registering is a route of the local workspace: a name is a model or a function.
    if registered and registered.kind != kind:
        raise invalid(f"'{full_name}' is a {registered.kind}.")
    name = (registered or catalog.add(store, full_name, kind, owner)).full_name
    if is_function:
        return {"name": name, "version": 0, "alias": "", "is_new": not registered}
    alias = sent.get("alias", "")
    version = sent.get("version") or _last_version(store, name) + 1
    if is_new := not model_versions.exists(store, name, version):
        made = (name, version, sent.get("status", STATUSES[0]), "", owner, store.now_ms())
        store.change("INSERT INTO model_versions VALUES (?, ?, ?, ?, ?, ?)", *made)
    if alias:
        model_versions.point_alias(store, name, alias, version)
    return {"name": name, "version": version, "alias": alias, "is_new": is_new}


def _last_version(store: Store, name: str) -> int:
    row = store.row("SELECT max(version) FROM model_versions WHERE model = ?", name)
    return int(row[0]) if row and row[0] else 0


def check_entities(store: Store, creator: str, entities: Iterable[dict[str, Any]]) -> None:
    """Refuses entities that are not registered, or that ``creator`` may not execute.

    The service checks grants when an endpoint is created or updated (create-manage-serving-
    endpoints, "Served entity grants"). A catalog in which nothing was ever registered counts as
    full: a local workspace has no models to begin with, and manifests name those of a real one.
    Raises ApiError.
    """
    for entity in entities:
        name = str(entity.get("entity_name", ""))
        kind = FUNCTION if is_feature_spec(entity) else MODEL
        if is_full_name(name) and catalog.has_catalog(store, name, kind):
            securable = catalog.require_visible(store, _creator(store, creator), name, kind)
            if kind == MODEL:
                _check_version(store, securable.full_name, str(entity["entity_version"]))


def _creator(store: Store, name: str) -> Caller:
    return directory.find(store, name) or Caller(name, name)


def _check_version(store: Store, name: str, version: str) -> None:
    # rule(documented): A model version is a number. [docs.databricks.com/api, Model Versions]
    if not version.isdecimal():
        raise invalid(f"'{version}' is not the number of a model version.")
    sql = "SELECT status FROM model_versions WHERE model = ? AND version = ?"
    row = store.row(sql, name, int(version))
    # rule(assumed, always): An endpoint is refused when it names a version that is not registered,
    #     because there is nothing to serve; status and text are assumed. [serving-api 3.5]
    if row is None:
        message = f"Model version '{version}' of '{name}' does not exist."
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
    # rule(assumed, strict): An endpoint serves versions that are ready. [docs.databricks.com/api,
    #     Model Versions]
    if row[0] != STATUSES[0]:
        refuse_if_strict(f"Model version '{version}' of '{name}' is not ready: {row[0]}.")


ROUTES = (ApiRoute("POST", f"/{CONTROL_PREFIX}/models", register),)
