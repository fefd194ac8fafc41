"""Rate limits of services. Source: databricks-sdk, ``RateLimit``."""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.routing import invalid
from provisioner.emulator.unity_catalog.service_shapes import KEY

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
        # rule(assumed): A key, a principal and a period have one limit. [databricks-sdk, RateLimit]
        if identity in seen:
            raise invalid("config.rate_limits: a limit is there twice.")
        seen.add(identity)
