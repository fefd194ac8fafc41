"""Changes to a SCIM resource, as PATCH sends them. Source: RFC 7644, 3.5.2. Pure.

A resource is a JSON object; its multi-valued attributes are lists of objects with a ``value``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from provisioner.emulator.http.routing import invalid
from provisioner.emulator.http.shape import anything, list_of, record, text

Resource = dict[str, Any]

# ``members``, or ``members[value eq "7"]`` for one value of it.
PATH = re.compile(r'(\w+)(?:\[value eq "([^"]*)"\])?', re.IGNORECASE)
OPERATION = record({"op": text, "path": text, "value": anything}, needed=("op",))
PATCH = record({"Operations": list_of(OPERATION)}, needed=("Operations",))


def apply_operations(resource: Resource, body: Any, known: Mapping[str, Any]) -> Resource:
    """The resource after all operations of ``body``. Raises ApiError.

    ``known`` are the attributes that may be changed; what they may hold is not checked here.
    """
    operations = PATCH(body, "")["Operations"]
    # rule(documented): A PATCH has at least one operation. [RFC 7644, 3.5.2]
    if not operations:
        raise invalid("Operations must hold at least one operation.")
    changed = dict(resource)
    for operation in operations:
        changed = _apply(changed, operation, known)
    return changed


def _apply(resource: Resource, operation: Mapping[str, Any], known: Mapping[str, Any]) -> Resource:
    verb, path, value = operation["op"].lower(), operation.get("path"), operation.get("value")
    # rule(documented): An operation adds, replaces or removes. [RFC 7644, 3.5.2]
    if verb not in ("add", "replace", "remove"):
        raise invalid(f"Operation {operation['op']} is not add, replace or remove.")
    if not path and verb != "remove" and isinstance(value, dict):
        # Without a path the value is a part of the resource.
        named = {attribute: value[attribute] for attribute in known if attribute in value}
    else:
        match = PATH.fullmatch(path or "")
        # rule(local): A path is an attribute, or one value of it; a removal has a path.
        if not match or match[1] not in known:
            raise invalid(f"Path {path} is not supported.")
        if verb == "remove":
            return _remove(resource, match[1], match[2], value)
        named = {match[1]: value}
    for attribute, given in named.items():
        resource = _set(resource, attribute, given, extends=verb == "add")
    return resource


def _set(resource: Resource, attribute: str, value: Any, *, extends: bool) -> Resource:
    before = resource.get(attribute)
    if extends and isinstance(before, list) and isinstance(value, list):
        value = [*before, *(entry for entry in value if _value(entry) not in map(_value, before))]
    return resource | {attribute: value}


def _remove(resource: Resource, attribute: str, wanted: str | None, value: Any) -> Resource:
    """The attribute, the one value of it that the path names, or those that are sent."""
    gone = [wanted] if wanted is not None else []
    gone += [_value(entry) for entry in value] if isinstance(value, list) else []
    before = resource.get(attribute)
    if not gone or not isinstance(before, list):
        return {key: kept for key, kept in resource.items() if key != attribute}
    return resource | {attribute: [entry for entry in before if _value(entry) not in gone]}


def _value(entry: Any) -> Any:
    return entry.get("value") if isinstance(entry, dict) else entry
