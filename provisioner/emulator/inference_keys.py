"""The key that an endpoint asks its provider with, as headers. Never shown, never logged."""

from __future__ import annotations

from typing import Any

from provisioner.emulator.secret_values import is_reference, value_of
from provisioner.emulator.store import Store

# Of each provider the one secret that is a bearer token. Bedrock signs and Vertex logs in: there
# is nothing that an OpenAI-compatible server would take.
TOKENS = (
    "openai_api_key",
    "anthropic_api_key",
    "cohere_api_key",
    "ai21labs_api_key",
    "palm_api_key",
    "databricks_api_token",
)


def headers_of(store: Store, entity: dict[str, Any]) -> dict[str, str]:
    """What the entity's provider is to be sent; nothing for models that need no key."""
    model = entity.get("external_model") or {}
    for name, block in model.items():
        if not isinstance(block, dict):
            continue
        if name == "custom_provider_config":
            return _custom(store, block)
        for token in TOKENS:
            if key := _secret(store, block, token):
                return {"Authorization": f"Bearer {key}"}
    return {}


def _custom(store: Store, block: dict[str, Any]) -> dict[str, str]:
    bearer = _secret(store, block.get("bearer_token_auth") or {}, "token")
    if bearer:
        return {"Authorization": f"Bearer {bearer}"}
    pair = block.get("api_key_auth") or {}
    return {str(pair["key"]): _secret(store, pair, "value")} if "key" in pair else {}


def _secret(store: Store, block: dict[str, Any], name: str) -> str:
    """The value behind a reference, or the one given in plain text; "" where there is neither."""
    given = block.get(name)
    if is_reference(given):
        return value_of(store, str(given))
    return str(block.get(f"{name}_plaintext") or "")
