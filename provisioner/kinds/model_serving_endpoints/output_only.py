"""Fields of the service's answers that nobody can set: neither compared nor unknown.

Sources: service/serving.py (classes ``...Output`` and ``ServingEndpointDetailed``), and for
what is in no schema, captured answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

IDENTITY = "identifies the endpoint; the service gives it"
HISTORY = "when and by whom; the service keeps it"
STATE = "where it stands; read as the endpoint's readiness"
DERIVED = "follows from what is served"
CALLER = "about the caller, not the endpoint"
ADDRESS = "where to query it; follows from the name and from `route_optimized`"
REPEATED = "repeats `served_entities` in the words of before 2023"

OUTPUT_ONLY: Final[Mapping[tuple[str, ...], Mapping[str, str]]] = {
    (): {
        "id": IDENTITY,
        "creator": HISTORY,
        "creator_display_name": HISTORY,
        "creator_kind": HISTORY,
        "creation_timestamp": HISTORY,
        "last_updated_timestamp": HISTORY,
        "state": STATE,
        "pending_config": STATE,
        "task": DERIVED,
        "endpoint_type": DERIVED,
        "resource_credential_strategy": DERIVED,
        "permission_level": CALLER,
        "endpoint_url": ADDRESS,
        "data_plane_info": ADDRESS,
        "effective_budget_policy_id": "the workspace may choose another policy than the one asked",
        "usage_policy_id": "in lists alone, and no call takes it",
    },
    ("config",): {
        "config_version": STATE,
        "start_time": STATE,
        "served_models": REPEATED,
    },
    ("config", "served_entities"): {
        "state": STATE,
        "creator": HISTORY,
        "creation_timestamp": HISTORY,
        "foundation_model": "what Databricks itself serves; no call takes it",
        "type": DERIVED,
        "batching_config": DERIVED,
        "min_dbus": DERIVED,
        "max_dbus": DERIVED,
    },
    ("config", "auto_capture_config"): {"state": "the table that the service made"},
    ("telemetry_config", "inference_table_config"): {"name": "the table that the service made"},
}
"""By place in the endpoint: name of the field to the reason why it is left out."""
