"""Update masks: which fields of an object a PATCH changes, and to what.

A mask names paths, separated by commas. A path that the body does not hold is cleared.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

from provisioner.emulator.http.routing import ApiRequest, invalid, refuse_if_strict
from provisioner.emulator.unity_catalog.service_shapes import KEY

Json = dict[str, Any]
EVERYTHING = "*"


def paths_of(request: ApiRequest, known: Collection[str], body: Json) -> list[str]:
    """Returns the paths that a PATCH names. ``known`` are those that can be changed.

    Raises ApiError.
    """
    mask = request.query.get("update_mask", "")
    # rule(documented): An update names the fields that it changes. [databricks-sdk, update_mask]
    if not mask:
        raise invalid("update_mask must be given.")
    if mask == EVERYTHING:
        return _everything(known, body)
    paths = mask.split(",")
    for path in paths:
        # rule(documented): A mask names single fields: containers such as `config.routing` and
        #     fields that cannot change are refused. [databricks-sdk, update_model_service]
        if path not in known:
            raise invalid(f"update_mask: '{path}' cannot be updated.")
    return paths


def _everything(known: Collection[str], body: Json) -> list[str]:
    # rule(assumed, strict): The mask `*` changes all fields that are sent, as the bundle client
    #     expects; whether the service accepts the mask is not known.
    #     [databricks/cli, model_service.go]
    refuse_if_strict("update_mask: '*' is not supported.")
    return [path for path in known if value_at(body, path) is not None]


def value_at(body: Any, path: str) -> Any:
    """Returns what is at a dotted path; None where nothing is."""
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body


def merged(stored: Json, sent: Json, paths: Collection[str]) -> Json:
    """Returns the stored object with the fields at ``paths`` as they are sent."""
    result = copy.deepcopy(stored)
    for path in paths:
        *outer, last = path.split(".")
        place, value = result, value_at(sent, path)
        for name in outer:
            place = place.setdefault(name, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = copy.deepcopy(value)
    return result


# Rate limits of services. Source: databricks-sdk, ``RateLimit``.

# rule(recorded): A service has at most 20 limits, 5 of them for groups. [public deployments]
MOST, MOST_FOR_GROUPS = 20, 5
NAMING = ("USER", "USER_GROUP", "SERVICE_PRINCIPAL")


def check(limits: list[dict[str, Any]] | None) -> None:
    """Refuses limits that the service would not take. Raises ApiError."""
    seen = set()
    groups = [each for each in limits or () if each["key"] == f"{KEY}USER_GROUP"]
    # rule(recorded): A service has at most 20 limits, 5 of them for groups. [public deployments]
    if len(limits or ()) > MOST or len(groups) > MOST_FOR_GROUPS:
        raise invalid("config.rate_limits: at most 20 limits, 5 of them for groups.")
    for limit in limits or ():
        is_naming = limit["key"].removeprefix(KEY) in NAMING
        # rule(documented): A limit for one principal names it, and no other does. [databricks-sdk,
        #     RateLimit]
        if is_naming != bool(limit.get("principal")):
            raise invalid("config.rate_limits: principal does not fit the key.")
        identity = (limit["key"], limit.get("principal", ""), limit["renewal_period"])
        # rule(assumed, strict): A key, a principal and a period have one limit; of two both act.
        #     [databricks-sdk, RateLimit]
        if identity in seen:
            refuse_if_strict("config.rate_limits: a limit occurs twice.")
        seen.add(identity)
