"""Legacy inference tables of an endpoint's configuration. Sources: [serving-api 2.5, 3.4, 3.7]."""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.routing import invalid
from provisioner.emulator.http.shape import flag, record, text

AutoCapture = dict[str, Any]

NAMES = ("catalog_name", "schema_name", "table_name_prefix")
READER = record(dict.fromkeys(NAMES, text) | {"enabled": flag})


def read(sent: AutoCapture, before: AutoCapture | None, where: str) -> AutoCapture:
    """The whole block. Once on, its names are fixed; once off, it stays off. Raises ApiError.

    ``before`` is what the endpoint ever had. [serving-api 2.5]
    """
    now = {"enabled": True} | sent
    was = before or {}
    # rule(documented): Catalog, schema and prefix of auto_capture_config are fixed once set.
    #     [serving-api 3.7]
    if was and any(now.get(key, was.get(key)) != was.get(key) for key in NAMES):
        raise invalid("The names of auto_capture_config cannot be changed.")
    # rule(client): auto_capture_config cannot be enabled again once it is off. [serving-api
    #     2.5]
    if was and now["enabled"] and not was["enabled"]:
        raise invalid("auto_capture_config cannot be enabled again.")
    whole = was | now
    # rule(assumed): An enabled auto_capture_config names its catalog and schema, as the gateway's
    #     table does. [serving-api 2.8]
    # That the names are needed is a guess, by analogy with the gateway's table. [serving-api 2.8]
    if whole["enabled"] and not (whole.get("catalog_name") and whole.get("schema_name")):
        raise invalid(f"{where} takes catalog_name and schema_name when enabled.")
    return whole


def with_table_prefix(sent: AutoCapture, endpoint: str) -> AutoCapture:
    """With the prefix that the service computes. [serving-api 3.4]

    The endpoint's name is a guess: it is what the gateway's table gets.
    """
    return sent if sent.get("table_name_prefix") else sent | {"table_name_prefix": endpoint}


def after_update(active: dict[str, Any], before: AutoCapture | None) -> AutoCapture | None:
    """What the endpoint ever had, once the config ``active`` serves.

    A config update is a full replacement, so a block that is left out is off, and what is off
    stays off: both are documented, that they hold together is our reading. A client that never
    leaves the block out is right in any case.
    """
    if "auto_capture" in active:
        current: AutoCapture = active["auto_capture"]
        return current
    return before | {"enabled": False} if before else None


def view(block: AutoCapture) -> AutoCapture:
    """With the state of its table, which the values of the service are not known for."""
    if not block["enabled"]:
        return dict(block)
    name = "{catalog_name}.{schema_name}.{table_name_prefix}_payload".format(**block)
    table = {"name": name, "status": "READY", "status_message": ""}
    return block | {"state": {"payload_table": table}}
