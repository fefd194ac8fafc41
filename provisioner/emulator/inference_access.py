"""Who may query an endpoint, and by which of its two addresses. Sources: serving-api 1.14, 3.10."""

from __future__ import annotations

from provisioner.emulator import access
from provisioner.emulator.active import Active
from provisioner.emulator.identity import WORKSPACE_ID
from provisioner.emulator.routing import ApiError, Request
from provisioner.emulator.store import Store

# Of route-optimised endpoints, as their endpoint_url says.
DATA_PLANE = f"/{WORKSPACE_ID}/serving-endpoints"


def check(store: Store, endpoint: Active, request: Request) -> None:
    """Raises ApiError.

    The service's pages: route-optimised endpoints made since September 2025 are queried at their
    own address alone, which takes OAuth tokens alone. The statuses are guesses.
    """
    place = {"name": endpoint.name, "id": endpoint.id, "system": endpoint.system}
    access.require(store, request.caller, place, access.CAN_QUERY)
    is_data_plane = request.path.startswith(f"{DATA_PLANE}/")
    if is_data_plane and not endpoint.route_optimized:
        message = f"Endpoint '{endpoint.name}' has no address of its own."
        raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)
    if is_data_plane and not request.caller.has_login:
        message = "Route-optimized endpoints take OAuth tokens, not personal access tokens."
        raise ApiError(401, "UNAUTHENTICATED", message)
    if endpoint.route_optimized and not is_data_plane:
        message = f"Endpoint '{endpoint.name}' is route-optimized: query its endpoint_url."
        raise ApiError(400, "BAD_REQUEST", message)
