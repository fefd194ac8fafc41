"""Who may do what with a serving endpoint. Sources: [serving-api 1.11, 3.10, 8.29]."""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.routing import ApiError, Caller
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity import acls, directory

CAN_VIEW, CAN_QUERY, CAN_MANAGE = LEVELS = ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE")
ASKING = (CAN_QUERY, CAN_MANAGE)
NOTHING = ""
RANK = {level: rank for rank, level in enumerate((NOTHING, *LEVELS))}


def level(store: Store, caller: Caller, endpoint: dict[str, Any]) -> str:
    """The caller's level on an endpoint, a record. "" is none.

    Anybody may query what Databricks itself serves; only administrators change its gateway.
    """
    least = CAN_QUERY if endpoint["system"] else NOTHING
    return max(least, level_on(store, caller, endpoint["id"]), key=RANK.__getitem__)


def level_on(store: Store, caller: Caller, endpoint_id: str) -> str:
    """The highest level that the caller or one of its groups was granted on this id.

    Workspace administrators manage every endpoint. [serving-api 8.31: assumed] Who is none has
    the stricter answers, and the caller can be either.
    """
    if caller.is_admin:
        return CAN_MANAGE
    grants = acls.direct_grants(store, endpoint_id)
    held = [level for kind, name, level in grants if acls.is_named(caller, kind, name)]
    return max(held, key=RANK.__getitem__, default=NOTHING)


def require(store: Store, caller: Caller, endpoint: dict[str, Any], needed: str) -> None:
    """Raises ApiError PERMISSION_DENIED.

    That get answers so, and not with 404, is assumed: a client that takes 403
    for absent would create a second endpoint. [serving-api 8.29]
    """
    refuse_below(needed, level(store, caller, endpoint), caller, f"endpoint {endpoint['name']}")


def refuse_below(needed: str, held: str, caller: Caller, what: str) -> None:
    # rule(assumed): A call needs a level on the endpoint and answers 403 without it; 404 would make
    #     clients create a second endpoint. [serving-api 8.29]
    if RANK[held] < RANK[needed]:
        message = f"User {caller.name} does not have {needed} permission on {what}."
        raise ApiError(403, "PERMISSION_DENIED", message)


def check_creator(store: Store, endpoint: dict[str, Any]) -> None:
    """An endpoint runs as its creator; nobody updates it once that one has left.

    Raises ApiError PERMISSION_DENIED. [serving-api 3.5; the text is not known]
    """
    # rule(documented): An endpoint whose creator has left the workspace cannot be updated; the text
    #     is not known. [serving-api 3.5]
    if directory.find(store, endpoint["creator"]) is None:
        raise ApiError(
            403,
            "PERMISSION_DENIED",
            f"The creator of endpoint {endpoint['name']} is no longer in this workspace.",
        )
