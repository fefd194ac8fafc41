"""The build and server logs of a served entity."""

from __future__ import annotations

from typing import Final

from provisioner.kinds.model_serving_endpoints.planning.calls import endpoint_path, in_path
from provisioner.model.connection import Connection
from provisioner.model.serving import LogSource

ROUTES: Final = {LogSource.BUILD: "build-logs", LogSource.SERVER: "logs"}


def read_log(connection: Connection, name: str, entity: str, source: LogSource) -> str:
    """Returns one log of the served entity ``entity`` of the endpoint ``name``.

    [serving-api 1.12] Raises WorkspaceError, also where the endpoint has no such entity.
    """
    path = f"{endpoint_path(name)}/served-models/{in_path(entity)}/{ROUTES[source]}"
    text = (connection.get(path) or {}).get("logs")
    return text if isinstance(text, str) else ""
