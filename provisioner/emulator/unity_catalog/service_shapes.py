"""The bodies of services of Unity Gateway, as readers.

Source: databricks-sdk, dataclasses of ``service/catalog.py``.
"""

from __future__ import annotations

from typing import Any

from provisioner.emulator.http.routing import invalid
from provisioner.emulator.http.shape import (
    choice,
    described,
    flag,
    integer,
    list_of,
    record,
    text,
)

KEYS = ("SERVICE", "USER_DEFAULT", "USER", "USER_GROUP", "SERVICE_PRINCIPAL")
PERIODS = ("MINUTE", "HOUR")
TYPES = ("EXTERNAL", "PAY_PER_TOKEN", "PROVISIONED_THROUGHPUT")
KEY, PERIOD = "RATE_LIMIT_KEY_", "RATE_LIMIT_RENEWAL_PERIOD_"
DESTINATION = "DESTINATION_TYPE_{}_FOUNDATION_MODEL"
# Block of a provider -> the end of its provider type.
PROVIDERS = {
    "openai": "OPENAI",
    "azure_openai": "AZURE_OPENAI",
    "anthropic": "ANTHROPIC",
    "amazon_bedrock": "AMAZON_BEDROCK",
    "bedrock_mantle": "BEDROCK_MANTLE",
    "gemini_enterprise": "GEMINI_ENTERPRISE",
    "microsoft_foundry": "MICROSOFT_FOUNDRY",
    "custom": "CUSTOM",
}
PROVIDER_TYPE = "EXTERNAL_MODEL_PROVIDER_TYPE_"

LEAST_DISCOUNT, MOST_DISCOUNT = -(2**31), 10_000


@described({"type": "integer", "minimum": LEAST_DISCOUNT, "maximum": MOST_DISCOUNT})
def _discount(value: Any, where: str) -> int:
    """Reads a discount in hundredths of a percent."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    # rule(documented): A discount is at most 100 percent; a negative one is a markup.
    #     [databricks-sdk, default_discount_basis_points]
    if not is_number or not LEAST_DISCOUNT <= value <= MOST_DISCOUNT:
        raise invalid(f"{where} must be an integer from {LEAST_DISCOUNT} to {MOST_DISCOUNT}.")
    return int(value)


_NAMED = record({"name": text}, needed=("name",))
SECRET_VALUE = record({"plaintext": text, "secret_reference": _NAMED})
_ENTRA = record({"tenant_id": text, "client_id": text, "client_secret": SECRET_VALUE})
_AWS = record({"access_key_id": text, "secret_access_key": SECRET_VALUE})
_HEADER = record({"api_key_name": text, "api_key_value": SECRET_VALUE})
_AZURE = record(
    {
        "base_url": text,
        "api_key": SECRET_VALUE,
        "entra_service_principal": _ENTRA,
        "service_credential": _NAMED,
    }
)
_BEDROCK = record({"region": text, "aws_access_key": _AWS, "service_credential": _NAMED})
_DIRECT = {
    "openai": record({"api_key": SECRET_VALUE, "base_url": text, "organization": text}),
    "azure_openai": _AZURE,
    "microsoft_foundry": _AZURE,
    "anthropic": record({"api_key": SECRET_VALUE}),
    "amazon_bedrock": _BEDROCK,
    "bedrock_mantle": _BEDROCK,
    "gemini_enterprise": record(
        {"project_id": text, "region": text, "api_key": SECRET_VALUE, "service_credential": _NAMED}
    ),
    "custom": record({"base_url": text, "api_key": SECRET_VALUE, "header_auth": _HEADER}),
}
_PROVIDER = {
    name: record({"direct": direct, **({"relayed": record({})} if name == "anthropic" else {})})
    for name, direct in _DIRECT.items()
}
RATE_LIMIT = record(
    {
        "key": choice(*(f"{KEY}{key}" for key in KEYS)),
        "renewal_period": choice(*(f"{PERIOD}{period}" for period in PERIODS)),
        "principal": text,
        "requests": integer,
        "tokens": integer,
    },
    needed=("key", "renewal_period"),
)
INFERENCE_TABLE = record({"parent": text, "table_name_prefix": text}, needed=("parent",))
TARGET = record(
    {"model": text, "endpoint_route": text, "native_api_types": list_of(text)}, needed=("model",)
)
PROVIDER_CONFIG = record(
    {
        "provider_type": choice(*(f"{PROVIDER_TYPE}{name}" for name in PROVIDERS.values())),
        **_PROVIDER,
        "targets": list_of(TARGET),
        "allow_all_targets": flag,
        "forward_headers": flag,
        "forward_query_parameters": flag,
        "forward_unmanaged_paths": flag,
        "rate_limits": list_of(RATE_LIMIT),
        "inference_table": INFERENCE_TABLE,
        "pricing": record({"default_discount_basis_points": _discount}),
    }
)
PROVIDER_SERVICE = record({"comment": text, "config": PROVIDER_CONFIG})
_DESTINATION = record(
    {
        "name": text,
        "destination_type": choice(*(DESTINATION.format(each) for each in TYPES)),
        "external_model_config": record(
            {"model_provider_service": text, "target": TARGET},
            needed=("model_provider_service", "target"),
        ),
        "pay_per_token_config": record({"model": text}, needed=("model",)),
        "provisioned_throughput_config": record(
            {"model_serving_endpoint": text}, needed=("model_serving_endpoint",)
        ),
        "traffic_percentage": integer,
    },
    needed=("name", "destination_type"),
)
MODEL_CONFIG = record(
    {
        "routing": record(
            {
                "destinations": list_of(_DESTINATION),
                "fallback": record({"destinations": list_of(_DESTINATION)}),
            }
        ),
        "rate_limits": list_of(RATE_LIMIT),
        "inference_table": INFERENCE_TABLE,
    }
)
MODEL_SERVICE = record({"comment": text, "config": MODEL_CONFIG})
MCP_CONFIG = record(
    {
        "source_connection": _NAMED,
        "include_tool_selectors": list_of(text),
        "rate_limits": list_of(RATE_LIMIT),
    }
)
MCP_SERVICE = record({"comment": text, "config": MCP_CONFIG})
