"""AI Gateway: limits, guardrails, fallback, usage tracking and inference tables.

One call replaces all of it, so a block that is missing is a block that is switched off.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from provisioner.kinds.model_serving_endpoints.model.config import API
from provisioner.kinds.model_serving_endpoints.model.external import SDK, Raw, Spec
from provisioner.model.field_rules import KeyedBy, ServerDefault, WriteOnly

# Telemetry of custom models: logs, traces and metrics as tables of Unity Catalog.

PATCH = f"{API}/patchtelemetryconfig"
CLI_DRIFT = "databricks/cli acceptance/bundle/resources/model_serving_endpoints/drift"


class TelemetryInferenceTable(Spec):
    """The sampling of requests for the inference table."""

    # rule(documented): A sampling fraction is from 0 to 1. [serving-api 2.9]
    sampling_fraction: Annotated[float | None, ServerDefault(SDK, only=(1,))] = Field(
        default=None, ge=0, le=1, description="The fraction of the requests to store, from 0 to 1."
    )


class TelemetryTables(Spec):
    """The tables of a new telemetry profile."""

    annotations_table: str | None = Field(
        default=None, description="The table for annotations, as `catalog.schema.table`."
    )
    logs_table: str | None = Field(
        default=None, description="The table for logs, as `catalog.schema.table`."
    )
    metrics_table: str | None = Field(
        default=None, description="The table for metrics, as `catalog.schema.table`."
    )
    traces_table: str | None = Field(
        default=None, description="The table for traces, as `catalog.schema.table`."
    )


# rule(documented): Telemetry has four features. [serving-api 2.9]
class TelemetryConfig(Spec):
    """The telemetry of the endpoint and its tables."""

    enabled_telemetry_features: (
        tuple[
            Literal[
                "TELEMETRY_FEATURE_INFERENCE_TABLE",
                "TELEMETRY_FEATURE_LOGS",
                "TELEMETRY_FEATURE_METRICS",
                "TELEMETRY_FEATURE_TRACES",
            ],
            ...,
        ]
        | None
    ) = Field(default=None, description="The telemetry to write. By default, all of it.")
    inference_table_config: TelemetryInferenceTable | None = Field(
        default=None, description="Which requests are stored."
    )
    table_names: Annotated[TelemetryTables | None, WriteOnly(CLI_DRIFT)] = Field(
        default=None,
        description=(
            "The tables to write to. Databricks creates a telemetry profile for them. "
            "Set either this or `telemetry_profile_id`."
        ),
    )
    telemetry_profile_id: Annotated[str | None, ServerDefault(CLI_DRIFT)] = Field(
        default=None,
        min_length=1,
        description=("The id of an existing telemetry profile. Set either this or `table_names`."),
    )


# The service was seen to fill in these switches where no client had set them.
FILLED_IN = "terraform-provider-databricks resource_model_serving_provisioned_throughput.go"
MLFLOW = "https://mlflow.org/docs/latest/python_api/mlflow.deployments.html"


# rule(documented): A rate limit has one of four keys, and the period `minute`. [serving-api 2.8]
class RateLimit(Spec):
    """A rate limit of requests or tokens.

    With both `calls` and `tokens`, the stricter limit applies.
    """

    key: Annotated[
        Literal["endpoint", "user", "user_group", "service_principal"] | None,
        ServerDefault(SDK, only=("endpoint",)),
    ] = Field(
        default=None,
        description=(
            "What the limit applies to: the `endpoint` (the default), each `user`, a "
            "`user_group` or a `service_principal`."
        ),
    )
    principal: str | None = Field(
        default=None,
        description=(
            "A user's e-mail address, the name of a group, or the application id of a "
            "service principal. Without it, a limit for `user` applies to each user."
        ),
    )
    renewal_period: Literal["minute"] = Field(description="The period of the limit.")
    calls: int | None = Field(default=None, ge=0, description="Requests per period.")
    tokens: int | None = Field(default=None, ge=0, description="Tokens per period.")


# rule(documented): Personal data is blocked, masked or left alone. [serving-api 2.8]
class Pii(Spec):
    """How personal data (PII) is handled."""

    behavior: Annotated[
        Literal["BLOCK", "MASK", "NONE"] | None, ServerDefault(FILLED_IN, only=("NONE",))
    ] = Field(
        default=None,
        description=(
            "`BLOCK` refuses the request or the response, `MASK` masks the data, and "
            "`NONE` does nothing."
        ),
    )


class GuardrailParameters(Spec):
    """The guardrails for requests or for responses."""

    safety: Annotated[bool | None, ServerDefault(FILLED_IN, only=(False,))] = Field(
        default=None, description="Whether unsafe content is refused."
    )
    pii: Pii | None = Field(default=None, description="How personal data (PII) is handled.")
    invalid_keywords: tuple[str, ...] | None = Field(
        default=None,
        description="Words that are refused. Deprecated by Databricks: prefer `safety`.",
    )
    valid_topics: tuple[str, ...] | None = Field(
        default=None,
        description="Topics that are allowed. Deprecated by Databricks: prefer `safety`.",
    )


class Guardrails(Spec):
    """AI guardrails for requests and responses."""

    input: GuardrailParameters | None = Field(
        default=None, description="The guardrails for requests."
    )
    output: GuardrailParameters | None = Field(
        default=None, description="The guardrails for responses."
    )


class InferenceTableConfig(Spec):
    """The inference table: a table in Unity Catalog that stores requests and responses."""

    enabled: Annotated[bool | None, ServerDefault(SDK)] = Field(
        default=None, description="Whether requests and responses are written to the table."
    )
    catalog_name: str | None = Field(default=None, description="The catalog of the table.")
    schema_name: str | None = Field(default=None, description="The schema of the table.")
    table_name_prefix: Annotated[str | None, ServerDefault(MLFLOW)] = Field(
        default=None,
        description="The prefix of the table name. Default: the name of the endpoint.",
    )


# rule(documented): A fallback is on or off. [serving-api 2.8]
class FallbackConfig(Spec):
    """Fallback to other served entities if a request fails."""

    enabled: bool = Field(
        description=(
            "Whether a request that fails with 429 or 5xx is sent to the other served "
            "entities, in the order of the list."
        )
    )


class UsageTrackingConfig(Spec):
    """Usage tracking in the system tables."""

    enabled: Annotated[bool | None, ServerDefault(FILLED_IN, only=(False,))] = Field(
        default=None, description="Whether usage is tracked."
    )


class AiGateway(Spec):
    """AI Gateway: the settings between callers and models."""

    rate_limits: Annotated[
        tuple[RateLimit, ...] | None,
        # One limit of calls and one of tokens go together, in one entry or in two.
        KeyedBy(
            SDK,
            key=("key", "principal"),
            default=(("key", "endpoint"), ("principal", "")),
            split=("calls", "tokens"),
        ),
    ] = Field(default=None, description="At most 20 limits, 5 of them for groups.")
    guardrails: Guardrails | None = Field(
        default=None, description="AI guardrails: content to refuse or to mask."
    )
    fallback_config: FallbackConfig | None = Field(
        default=None, description="Fallback to other served entities."
    )
    usage_tracking_config: UsageTrackingConfig | None = Field(
        default=None, description="Usage tracking in the system tables."
    )
    inference_table_config: InferenceTableConfig | None = Field(
        default=None, description="The inference table, which stores requests and responses."
    )
    raw: Raw = Field(
        default=None,
        description=(
            "Fields of AI Gateway that `provisioner` does not know. They are sent unchanged."
        ),
    )
