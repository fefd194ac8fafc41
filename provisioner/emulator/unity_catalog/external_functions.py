"""Calls through a connection of Unity Catalog. [serving-api 1.1, 10.18]

Nothing leaves the local workspace: the answer repeats what would have been sent, without headers,
which may hold secrets. A connection need not exist, since a local workspace has none.
"""

from __future__ import annotations

import json

from provisioner.emulator.http.routing import (
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
    invalid,
)
from provisioner.emulator.http.shape import choice, record, text

BASE = "/api/2.0/external-function"
METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
CALL = record(
    {
        "connection_name": text,
        "method": choice(*METHODS),
        "path": text,
        "headers": text,
        "json": text,
        "params": text,
    },
    needed=("connection_name", "method", "path"),
)
NOTE = "Made up by the local workspace: no request was sent."


def call(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """Returns what would have been sent."""
    sent = CALL(request.json(), "")
    shown = {key: sent[key] for key in ("connection_name", "method", "path")}
    # rule(documented): json and params are JSON in a text. [SDK: text of http_request]
    try:
        shown |= {key: json.loads(sent[key]) for key in ("json", "params") if sent.get(key)}
    except ValueError as error:
        raise invalid("json and params must be valid JSON.") from error
    return ApiResponse(shown | {"note": NOTE})


ROUTES = (ApiRoute("POST", BASE, call),)
