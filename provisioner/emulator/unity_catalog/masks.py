"""Update masks: which fields of an object a PATCH changes, and to what.

A mask names paths, separated by commas. A path that the body does not hold is cleared.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from typing import Any

from provisioner.emulator.http.routing import ApiRequest, EmulatedWorkspace, invalid

Json = dict[str, Any]
EVERYTHING = "*"


def paths_of(
    workspace: EmulatedWorkspace, request: ApiRequest, known: Collection[str], body: Json
) -> list[str]:
    """Returns the paths that a PATCH names. ``known`` are those that can be changed.

    Raises ApiError.
    """
    mask = request.query.get("update_mask", "")
    # rule(documented): An update names the fields that it changes. [databricks-sdk, update_mask]
    if not mask:
        raise invalid("update_mask must be given.")
    if mask == EVERYTHING:
        return _everything(workspace, known, body)
    paths = mask.split(",")
    for path in paths:
        # rule(documented): A mask names single fields: containers such as `config.routing` and
        #     fields that cannot change are refused. [databricks-sdk, update_model_service]
        if path not in known:
            raise invalid(f"update_mask: '{path}' cannot be updated.")
    return paths


def _everything(workspace: EmulatedWorkspace, known: Collection[str], body: Json) -> list[str]:
    # rule(assumed): The mask `*` changes all fields that are sent, as the bundle client expects;
    #     with `strict` it is refused, because nobody has seen the service take it.
    #     [databricks/cli, model_service.go]
    if workspace.settings.strict:
        raise invalid("update_mask: '*' is not supported.")
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
