"""Legacy inference tables of an endpoint's configuration. Sources: [serving-api 2.5, 3.4, 3.7]."""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.routing import invalid
from provisioner.emulator.http.shape import flag, record, text

AutoCapture = dict[str, Any]

NAMES = ("catalog_name", "schema_name", "table_name_prefix")
READER = record(dict.fromkeys(NAMES, text) | {"enabled": flag})


def read(sent: AutoCapture, before: AutoCapture | None, where: str) -> AutoCapture:
    """Returns the whole block. Raises ApiError.

    ``before`` is the last block that the endpoint had, also in an earlier config. [serving-api 2.5]
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
    # rule(assumed, always): An enabled auto_capture_config names its catalog and schema, as the
    #     gateway's table does, because the local workspace has no other place to write to.
    #     [serving-api 2.8]
    if whole["enabled"] and not (whole.get("catalog_name") and whole.get("schema_name")):
        raise invalid(f"{where} takes catalog_name and schema_name when enabled.")
    return whole


# rule(assumed): The computed prefix is the endpoint's name, as for the gateway's table.
#     [serving-api 3.4]
def with_table_prefix(sent: AutoCapture, endpoint: str) -> AutoCapture:
    """Returns the block with the prefix that the service computes. [serving-api 3.4]"""
    return sent if sent.get("table_name_prefix") else sent | {"table_name_prefix": endpoint}


# rule(assumed): A block that a config update leaves out is off, and stays off: both are documented,
#     but not that they hold together. A client that never leaves the block out is right either way.
#     [serving-api 2.5, 3.3]
def after_update(active: dict[str, Any], before: AutoCapture | None) -> AutoCapture | None:
    """Returns the block that the endpoint remembers, once the config ``active`` serves."""
    if "auto_capture" in active:
        current: AutoCapture = active["auto_capture"]
        return current
    return before | {"enabled": False} if before else None


def view(block: AutoCapture) -> AutoCapture:
    """Returns the block with the state of its table; the service's values of it are not known."""
    if not block["enabled"]:
        return dict(block)
    name = "{catalog_name}.{schema_name}.{table_name_prefix}_payload".format(**block)
    table = {"name": name, "status": "READY", "status_message": ""}
    return block | {"state": {"payload_table": table}}
