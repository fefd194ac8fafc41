"""Access to serving endpoints, by level. Sources: [serving-api 1.11, 3.10, 8.29]."""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.routing import ApiError, Caller
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity import acls, directory

CAN_VIEW, CAN_QUERY, CAN_MANAGE = LEVELS = ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE")
ASKING = (CAN_QUERY, CAN_MANAGE)
NOTHING = ""
RANK = {level: rank for rank, level in enumerate((NOTHING, *LEVELS))}


# rule(assumed): Everybody may query what Databricks provides. Get and list hide an endpoint from
#     callers without a level on it. [serving-api 8.29]
def level(store: Store, caller: Caller, endpoint: dict[str, Any]) -> str:
    """Returns the caller's level on an endpoint, a record; "" for none.

    Everybody may query the endpoints that Databricks provides; only admins change their gateway.
    """
    least = CAN_QUERY if endpoint["system"] else NOTHING
    return max(least, level_on(store, caller, endpoint["id"]), key=RANK.__getitem__)


def level_on(store: Store, caller: Caller, endpoint_id: str) -> str:
    """Returns the highest level that the caller or one of its groups has on this id."""
    # rule(assumed): Workspace admins manage every endpoint. Other callers get the stricter answers,
    #     and a client can be either. [serving-api 8.31]
    if caller.is_admin:
        return CAN_MANAGE
    grants = acls.direct_grants(store, endpoint_id)
    held = [level for kind, name, level in grants if acls.is_named(caller, kind, name)]
    return max(held, key=RANK.__getitem__, default=NOTHING)


def require(store: Store, caller: Caller, endpoint: dict[str, Any], needed: str) -> None:
    """Refuses callers with less than ``needed``. Raises ApiError PERMISSION_DENIED."""
    refuse_below(needed, level(store, caller, endpoint), caller, f"endpoint {endpoint['name']}")


def refuse_below(needed: str, held: str, caller: Caller, what: str) -> None:
    """Raises ApiError PERMISSION_DENIED where ``held`` is less than ``needed``."""
    # rule(assumed, always): A call needs a level on the endpoint, because the levels are
    #     documented; that it answers 403 and not 404 is assumed: 404 would make clients create a
    #     second endpoint. [serving-api 8.29]
    if RANK[held] < RANK[needed]:
        message = f"User {caller.name} does not have {needed} permission on {what}."
        raise ApiError(403, "PERMISSION_DENIED", message)


def check_creator(store: Store, endpoint: dict[str, Any]) -> None:
    """Refuses updates once the creator has left, because an endpoint runs as its creator.

    Raises ApiError PERMISSION_DENIED.
    """
    # rule(documented): An endpoint whose creator has left the workspace cannot be updated; the text
    #     is not known. [serving-api 3.5]
    if directory.find(store, endpoint["creator"]) is None:
        raise ApiError(
            403,
            "PERMISSION_DENIED",
            f"The creator of endpoint {endpoint['name']} is no longer in this workspace.",
        )
