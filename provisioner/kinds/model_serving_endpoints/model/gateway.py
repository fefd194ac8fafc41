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
    """How many requests are kept in the table of payloads."""

    sampling_fraction: Annotated[float | None, ServerDefault(SDK, only=(1,))] = Field(
        default=None, ge=0, le=1, description="The share of the requests that is kept; 1 is all."
    )


class TelemetryTables(Spec):
    """The tables that a new telemetry profile writes to, each by its full name."""

    annotations_table: str | None = Field(
        default=None, description="For annotations, as `catalog.schema.table`."
    )
    logs_table: str | None = Field(default=None, description="For logs, as `catalog.schema.table`.")
    metrics_table: str | None = Field(
        default=None, description="For metrics, as `catalog.schema.table`."
    )
    traces_table: str | None = Field(
        default=None, description="For traces, as `catalog.schema.table`."
    )


class TelemetryConfig(Spec):
    """What the endpoint writes about itself, and where."""

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
    ) = Field(default=None, description="What is written. Without it everything is.")
    inference_table_config: TelemetryInferenceTable | None = Field(
        default=None, description="Which requests are kept."
    )
    table_names: Annotated[TelemetryTables | None, WriteOnly(CLI_DRIFT)] = Field(
        default=None,
        description="The tables to write to; the service makes a telemetry profile of them. "
        "Either this or `telemetry_profile_id`.",
    )
    telemetry_profile_id: Annotated[str | None, ServerDefault(CLI_DRIFT)] = Field(
        default=None,
        min_length=1,
        description="A telemetry profile that exists. Either this or `table_names`.",
    )


# The service was seen to fill in these switches where nobody had set them.
FILLED_IN = "terraform-provider-databricks resource_model_serving_provisioned_throughput.go"
MLFLOW = "https://mlflow.org/docs/latest/python_api/mlflow.deployments.html"


class RateLimit(Spec):
    """How many requests may be sent. With both `calls` and `tokens` the stricter one acts."""

    key: Annotated[
        Literal["endpoint", "user", "user_group", "service_principal"] | None,
        ServerDefault(SDK, only=("endpoint",)),
    ] = Field(
        default=None,
        description="Who is counted: the whole `endpoint` (the default), each `user`, a "
        "`user_group` or a `service_principal`.",
    )
    principal: str | None = Field(
        default=None,
        description="Who is meant: a user's e-mail address, a group's name or a service "
        "principal's application id. Without it, `user` means every user.",
    )
    renewal_period: Literal["minute"] = Field(description="The period that is counted.")
    calls: int | None = Field(default=None, ge=0, description="Requests per period.")
    tokens: int | None = Field(default=None, ge=0, description="Tokens per period.")


class Pii(Spec):
    """What happens to personal data."""

    behavior: Annotated[
        Literal["BLOCK", "MASK", "NONE"] | None, ServerDefault(FILLED_IN, only=("NONE",))
    ] = Field(
        default=None,
        description="`BLOCK` refuses the request or the answer, `MASK` makes the data "
        "unreadable, `NONE` lets it pass.",
    )


class GuardrailParameters(Spec):
    """What is looked for in one direction."""

    safety: Annotated[bool | None, ServerDefault(FILLED_IN, only=(False,))] = Field(
        default=None, description="Whether unsafe content is refused."
    )
    pii: Pii | None = Field(default=None, description="How personal data is treated.")
    invalid_keywords: tuple[str, ...] | None = Field(
        default=None,
        description="Words that are refused. Deprecated by the service: prefer `safety`.",
    )
    valid_topics: tuple[str, ...] | None = Field(
        default=None,
        description="Topics that are allowed. Deprecated by the service: prefer `safety`.",
    )


class Guardrails(Spec):
    """What may go in and what may come out."""

    input: GuardrailParameters | None = Field(
        default=None, description="What is looked for in requests."
    )
    output: GuardrailParameters | None = Field(
        default=None, description="What is looked for in answers."
    )


class InferenceTableConfig(Spec):
    """A table in Unity Catalog that keeps requests and answers."""

    enabled: Annotated[bool | None, ServerDefault(SDK)] = Field(
        default=None, description="Whether requests and answers are written to the table."
    )
    catalog_name: str | None = Field(default=None, description="The catalog of the table.")
    schema_name: str | None = Field(default=None, description="The schema of the table.")
    table_name_prefix: Annotated[str | None, ServerDefault(MLFLOW)] = Field(
        default=None,
        description="How the table's name begins. The service takes the endpoint's name "
        "where nothing is said.",
    )


class FallbackConfig(Spec):
    """Asking the endpoint's other models where one fails."""

    enabled: bool = Field(
        description="Whether a request that one model answers with 429 or 5xx goes on to the "
        "others, in the order in which they are listed."
    )


class UsageTrackingConfig(Spec):
    """Counting who asks how much, in the system tables."""

    enabled: Annotated[bool | None, ServerDefault(FILLED_IN, only=(False,))] = Field(
        default=None, description="Whether usage is counted."
    )


class AiGateway(Spec):
    """What stands between the endpoint's users and its models."""

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
        default=None, description="Content that is refused or masked."
    )
    fallback_config: FallbackConfig | None = Field(
        default=None, description="Whether the other models answer where one fails."
    )
    usage_tracking_config: UsageTrackingConfig | None = Field(
        default=None, description="Whether usage is counted in the system tables."
    )
    inference_table_config: InferenceTableConfig | None = Field(
        default=None, description="Where requests and answers are kept."
    )
    raw: Raw = Field(
        default=None,
        description="Fields of the gateway that provisioner does not know. Sent as they are.",
    )
