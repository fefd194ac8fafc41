"""Telemetry of custom models: logs, traces and metrics as tables of Unity Catalog."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from provisioner.kinds.model_serving_endpoints.model.config import API
from provisioner.kinds.model_serving_endpoints.model.external import SDK, Spec
from provisioner.model.field_rules import ServerDefault, WriteOnly

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
