"""Providers, their blocks of settings and their secrets, as tables.

Source: databricks-sdk service/serving.py, ExternalModel and the classes it names; a test
compares the tables with them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

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


def default_entity_name(model_name: str) -> str:
    """The name that the service gives to an external model without one (service/serving.py)."""
    return model_name.replace(".", "-").replace(":", "-")


def registered_entity_name(entity_name: str, version: object) -> str:
    """The name that the service gives to a registered model without one.

    As captured: with the last part of a full name. For what has no version it is not known.
    """
    return f"{entity_name.rpartition('.')[2]}-{version}" if isinstance(version, str) else ""
