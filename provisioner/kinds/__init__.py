"""The kinds of resources there are: one folder here and one line below for each.

Importing this loads no library; what a kind needs is loaded when it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from provisioner.kinds import model_serving_endpoints, secret_scopes
from provisioner.model.kind import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "model_serving_endpoints": model_serving_endpoints.KIND,
    "secret_scopes": secret_scopes.KIND,
}
