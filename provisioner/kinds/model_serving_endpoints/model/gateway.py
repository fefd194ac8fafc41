"""AI Gateway: limits, guardrails, fallback, usage tracking and inference tables.

One call replaces all of it, so a block that is missing is a block that is switched off.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from provisioner.kinds.model_serving_endpoints.model.external import SDK, Raw, Spec
from provisioner.model.field_rules import KeyedBy, ServerDefault

# The service was seen to fill in these switches where nobody had set them.
FILLED_IN = "terraform-provider-databricks resource_model_serving_provisioned_throughput.go"
MLFLOW = "https://mlflow.org/docs/latest/python_api/mlflow.deployments.html"


class RateLimit(Spec):
    """How often somebody may ask. With both `calls` and `tokens` the stricter one acts."""

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
