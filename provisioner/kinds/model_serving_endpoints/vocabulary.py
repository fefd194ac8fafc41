"""Fields of the service's answers that no client can set: neither compared nor unknown.

Sources: service/serving.py (classes ``...Output`` and ``ServingEndpointDetailed``), and for
what is in no schema, captured answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

BLOCK_OF: Final = MappingProxyType(
    {
        "openai": "openai_config",
        "anthropic": "anthropic_config",
        "cohere": "cohere_config",
        "amazon-bedrock": "amazon_bedrock_config",
        "google-cloud-vertex-ai": "google_cloud_vertex_ai_config",
        "databricks-model-serving": "databricks_model_serving_config",
        "ai21labs": "ai21labs_config",
        "palm": "palm_config",
        "custom": "custom_provider_config",
    }
)
PROVIDER_OF: Final = MappingProxyType({block: name for name, block in BLOCK_OF.items()})

TASKS: Final = ("llm/v1/chat", "llm/v1/completions", "llm/v1/embeddings")

REFERENCES: Final = (
    "openai_api_key",
    "microsoft_entra_client_secret",
    "anthropic_api_key",
    "cohere_api_key",
    "aws_access_key_id",
    "aws_secret_access_key",
    "private_key",
    "databricks_api_token",
    "ai21labs_api_key",
    "palm_api_key",
    "value",
    "token",
)
"""Fields that hold a reference to a secret. ``value`` and ``token`` are a custom provider's."""


def plaintext_of(reference: str) -> str:
    """The name of the twin field that holds the value itself."""
    return f"{reference}_plaintext"


SECRET_FIELDS: Final = frozenset(plaintext_of(name) for name in REFERENCES)

REQUIRED_SECRET: Final = MappingProxyType(
    {
        "anthropic_config": "anthropic_api_key",
        "cohere_config": "cohere_api_key",
        "google_cloud_vertex_ai_config": "private_key",
        "databricks_model_serving_config": "databricks_api_token",
        "ai21labs_config": "ai21labs_api_key",
        "palm_config": "palm_api_key",
        "api_key_auth": "value",
        "bearer_token_auth": "token",
    }
)
"""Blocks with one secret that is always needed. OpenAI and Bedrock have rules of their own."""


# Documented for the names of endpoints only, hence a warning for entities.
LONGEST_ENTITY_NAME: Final = 63


def default_entity_name(entity: Mapping[str, Any]) -> str:
    """The name that the service gives to a served entity without one [serving-api 3.4].

    An external model is named after its model, a registered one after the last part of its
    full name, with its version where it has one (assumed for what has none). The service
    takes letters, digits, `-` and `_`: documented is that it replaces `.` and `:`, and assumed
    for every other character, because no other name could be sent.
    """
    model = entity.get("external_model")
    name = model.get("name") if isinstance(model, Mapping) else None
    if not isinstance(name, str):
        name = str(entity.get("entity_name") or "").rpartition(".")[2]
        version = entity.get("entity_version")
        name = f"{name}-{version}" if name and version else name
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)[:LONGEST_ENTITY_NAME]


IDENTITY = "identifies the endpoint; the service sets it"
HISTORY = "when and by whom; the service sets it"
STATE = "the state; shown as the readiness of the endpoint"
DERIVED = "depends on the served entities"
CALLER = "describes the caller, not the endpoint"
ADDRESS = "the URL for queries; depends on the name and on `route_optimized`"
REPEATED = "repeats `served_entities` in the format before 2023"

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
        "effective_budget_policy_id": "the workspace may choose another policy than the requested "
        "one",
        "usage_policy_id": "only in lists; no call accepts it",
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
        "foundation_model": "a model that Databricks serves; no call accepts it",
        "type": DERIVED,
        "batching_config": DERIVED,
        "min_dbus": DERIVED,
        "max_dbus": DERIVED,
    },
    ("config", "auto_capture_config"): {"state": "the table that the service created"},
    ("telemetry_config", "inference_table_config"): {"name": "the table that the service created"},
}
"""By place in the endpoint: name of the field to the reason why it is left out."""
