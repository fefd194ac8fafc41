"""The metastore of the workspace. Source: [serving-api 10.21: documented]."""

from __future__ import annotations

from provisioner.emulator.http.routing import (
    ApiRequest,
    ApiResponse,
    ApiRoute,
    EmulatedWorkspace,
)
from provisioner.emulator.identity.authentication import WORKSPACE_ID

BASE = "/api/2.1/unity-catalog"
METASTORE_ID = "7c1f9c1e-0000-4000-8000-000000000001"
NAME = "local"
DEFAULT_CATALOG = "main"


def summary(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """What it is called, and where it is: nowhere."""
    return ApiResponse(
        {
            "metastore_id": METASTORE_ID,
            "name": NAME,
            "cloud": "local",
            "region": "local",
            "global_metastore_id": f"local:local:{METASTORE_ID}",
            "owner": "System user",
            "privilege_model_version": "1.0",
        }
    )


def assignment(workspace: EmulatedWorkspace, request: ApiRequest) -> ApiResponse:
    """That the workspace has it."""
    return ApiResponse(
        {
            "metastore_id": METASTORE_ID,
            "workspace_id": int(WORKSPACE_ID),
            "default_catalog_name": DEFAULT_CATALOG,
        }
    )


ROUTES = (
    ApiRoute("GET", f"{BASE}/metastore_summary", summary),
    ApiRoute("GET", f"{BASE}/current-metastore-assignment", assignment),
)
