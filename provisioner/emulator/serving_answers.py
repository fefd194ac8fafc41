"""Endpoints as one caller sees them: what the record says, and what only this request knows."""

from __future__ import annotations

import json
from typing import Any

from provisioner.emulator import access, idleness, views
from provisioner.emulator.endpoints import Record
from provisioner.emulator.identity import WORKSPACE_ID
from provisioner.emulator.routing import Answer, Request, Workspace


def detailed(workspace: Workspace, request: Request, record: Record) -> Answer:
    """ServingEndpointDetailed, the answer to create, get and every update of the config."""
    seen = idleness.marked(workspace.store, record)
    shown = views.detailed(seen, request.caller)
    shown["permission_level"] = access.level(workspace.store, request.caller, record)
    if record["route_optimized"]:
        shown |= _data_plane(request, record)
    return Answer(shown)


def listed(workspace: Workspace, request: Request, record: Record) -> dict[str, Any] | None:
    """An entry of the list, or None: it hides what the caller cannot see. [serving-api 8.29]"""
    if not access.level(workspace.store, request.caller, record):
        return None
    return views.summary(record, request.caller)


def _data_plane(request: Request, record: Record) -> dict[str, Any]:
    """Where queries go, and what a token for them has to be asked for. [serving-api 1.14, 2.10]

    The path is the documented one; the details are as on the service's page about such queries.
    """
    url = f"{request.base_url}/{WORKSPACE_ID}/serving-endpoints/{record['name']}/invocations"
    details = {
        "type": "workspace_permission",
        "object_type": "serving-endpoints",
        "object_path": f"/serving-endpoints/{record['id']}",
        "actions": ["query_inference_endpoint"],
    }
    query = {"endpoint_url": url, "authorization_details": json.dumps([details])}
    return {"endpoint_url": url, "data_plane_info": {"query_info": query}}
