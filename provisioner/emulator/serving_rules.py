"""What the parts of an endpoint beside its configuration and gateway must look like."""

from __future__ import annotations

import re
from typing import Any

from provisioner.emulator.routing import ApiError, invalid
from provisioner.emulator.shape import list_of, record, text

# [serving-api 3.6: derived from the documented length and the wording of an observed message]
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
RESERVED_PREFIX = "databricks-"
MAX_DESCRIPTION = 1000
MAX_ENDPOINTS = 1000

TAG = record({"key": text, "value": text}, needed=("key",))
NOTIFICATIONS = record({"on_update_success": list_of(text), "on_update_failure": list_of(text)})


def check_name(name: Any) -> str:
    """Raises ApiError. The reserved prefix is documented, though customers' endpoints with it were
    seen: who avoids it is right under both. [serving-api 3.6, 8.30]
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise invalid(
            "Endpoint name must be at most 63 characters, alphanumeric with hyphens and"
            " underscores in between."
        )
    if name.startswith(RESERVED_PREFIX):
        raise invalid(f"Endpoint names that begin with {RESERVED_PREFIX} are reserved.")
    return name


def read_tags(value: Any, where: str) -> list[dict[str, str]]:
    """The tags, each key once. Raises ApiError."""
    found: list[dict[str, str]] = list_of(TAG)(value, where)
    if len({tag["key"] for tag in found}) < len(found):
        raise invalid(f"{where} holds a key more than once.")
    return found


def read_notifications(value: Any) -> dict[str, list[str]]:
    found = NOTIFICATIONS(value, "email_notifications")
    return {event: addresses for event, addresses in found.items() if addresses}


def read_description(value: Any) -> str:
    description = text(value, "description")
    if len(description) > MAX_DESCRIPTION:
        raise invalid(f"description takes at most {MAX_DESCRIPTION} characters.")
    return description


def check_idle(endpoint: dict[str, Any]) -> None:
    """Raises ApiError RESOURCE_CONFLICT. Only the text for telemetry is known. [serving-api 8.2]"""
    if endpoint["update"] == "IN_PROGRESS":
        raise ApiError(
            409, "RESOURCE_CONFLICT", f"Endpoint {endpoint['name']} is currently updating."
        )


def check_not_stopped(endpoint: dict[str, Any]) -> None:
    """What the service does with an update of a stopped endpoint is not known, nor which of its
    calls count as one: here config, gateway and telemetry do. Refused: neither does a stopped
    endpoint begin to cost, nor does anybody wait for it to become ready.
    """
    if endpoint["suspended"]:
        raise ApiError(
            400, "BAD_REQUEST", f"Endpoint {endpoint['name']} is stopped: start it before."
        )


def check_not_system(endpoint: dict[str, Any]) -> None:
    """Databricks' own endpoints are nobody's to change; how they say so is not known."""
    if endpoint["system"]:
        raise ApiError(
            403, "PERMISSION_DENIED", f"Endpoint {endpoint['name']} is managed by Databricks."
        )
