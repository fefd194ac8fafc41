"""The kinds of resources there are: one folder here and one line below for each.

Importing this loads no library; what a kind needs is loaded when it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from provisioner.kinds import (
    mcp_services,
    model_provider_services,
    model_services,
    model_serving_endpoints,
    registered_models,
    schemas,
    secret_scopes,
    secrets,
)
from provisioner.model.kind import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "model_serving_endpoints": model_serving_endpoints.KIND,
    "secret_scopes": secret_scopes.KIND,
    "schemas": schemas.KIND,
    "secrets": secrets.KIND,
    "registered_models": registered_models.KIND,
    "model_provider_services": model_provider_services.KIND,
    "model_services": model_services.KIND,
    "mcp_services": mcp_services.KIND,
}
