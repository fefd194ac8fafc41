"""What an endpoint serves: its entities, the traffic between them, the legacy table.

A served entity is an external model, a registered model or feature spec with a size, or a
foundation model with model units; which fields go with which is said in the relations.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from provisioner.kinds.model_serving_endpoints.model.external import (
    SDK,
    TERRAFORM,
    ExternalModel,
    Raw,
    Spec,
    output_only,
)
from provisioner.model.field_rules import Immutable, KeyedBy, ServerDefault, WriteOnly

API = "https://docs.databricks.com/api/workspace/servingendpoints"
# Seen in answers of the service: both route names, and 100 % for a single entity.
ECHOED = f"{API}/get"
CLI = "databricks/cli bundle/direct/dresources/resources.yml"
TERRAFORM_THROUGHPUT = f"{TERRAFORM} and pull request 5111"

# The alphabet is documented; the length is only assumed, so that `validate` warns of it.
# [serving-api 3.6, 8.22]
ENTITY_NAME = r"^[A-Za-z0-9_-]+$"
# Digits alone, so that a number in YAML can mean nothing but this text.
VERSION = r"^[1-9][0-9]*$"

Chosen = ServerDefault(TERRAFORM_THROUGHPUT)
TableName = Annotated[str | None, Immutable(SDK)]


class ServedEntity(Spec):
    """One model behind the endpoint: an external one, or one of Unity Catalog."""

    model_config = output_only("config", "served_entities")

    name: Annotated[str | None, ServerDefault(SDK)] = Field(
        default=None,
        pattern=ENTITY_NAME,
        description="The handle that traffic routes use. Needed where there are several.",
    )
    external_model: ExternalModel | None = Field(
        default=None,
        description="A model that runs outside Databricks. Either this or `entity_name`.",
    )
    entity_name: str | None = Field(
        default=None,
        min_length=1,
        description="A registered model or a feature spec: `catalog.schema.name` in Unity "
        "Catalog, or the name of a model of the workspace's registry.",
        examples=["main.fraud.classifier"],
    )
    entity_version: str | None = Field(
        default=None,
        pattern=VERSION,
        description="The version of the model. A feature spec has none.",
    )
    workload_size: Annotated[str | None, Chosen] = Field(
        default=None,
        min_length=1,
        description="How much is provisioned: `Small`, `Medium`, `Large` or a size of the "
        "workspace. Instead of provisioned concurrency; without both the service takes `Small`.",
        examples=["Small", "Medium", "Large"],
    )
    workload_type: Annotated[
        Literal[
            "CPU",
            "CPU_MEDIUM",
            "CPU_LARGE",
            "GPU_SMALL",
            "GPU_MEDIUM",
            "GPU_LARGE",
            "GPU_XLARGE",
            "GPU_XLARGE_8",
            "MULTIGPU_MEDIUM",
        ]
        | None,
        ServerDefault(SDK),
    ] = Field(default=None, description="The sort of machine. Without it `CPU`.")
    scale_to_zero_enabled: Annotated[bool | None, ServerDefault(ECHOED)] = Field(
        default=None,
        description="Whether the entity is switched off while no requests come. Required for "
        "custom models.",
    )
    min_provisioned_concurrency: int | None = Field(
        default=None, ge=0, description="Requests at a time that are always provisioned for."
    )
    max_provisioned_concurrency: int | None = Field(
        default=None, ge=0, description="Requests at a time that it grows to."
    )
    min_provisioned_throughput: Annotated[int | None, ServerDefault(SDK, only=(0,))] = Field(
        default=None, ge=0, description="Tokens per second that are always provisioned for."
    )
    max_provisioned_throughput: int | None = Field(
        default=None, ge=0, description="Tokens per second that a foundation model grows to."
    )
    provisioned_model_units: int | None = Field(
        default=None,
        ge=1,
        description="Model units of a foundation model. An endpoint has them for all of its "
        "entities or for none, and is created by a call of its own with them.",
    )
    burst_scaling_enabled: Annotated[bool | None, WriteOnly(CLI)] = Field(
        default=None,
        description="Whether it may grow beyond its model units for a while. Without it the "
        "service says yes.",
    )
    environment_vars: dict[str, str] | None = Field(
        default=None,
        description="Variables for the model's process: plain text, or a reference "
        "`{{secrets/scope/key}}` as the whole value. Everybody who may see the endpoint can "
        "read them.",
    )
    instance_profile_arn: str | None = Field(
        default=None, min_length=1, description="The AWS instance profile that the model uses."
    )
    raw: Raw = Field(
        default=None,
        description="Fields of a served entity that provisioner does not know. Sent as they are.",
    )


class Route(Spec):
    """How much of the traffic one entity gets."""

    served_entity_name: str = Field(
        pattern=ENTITY_NAME, description="The `name` of a served entity."
    )
    traffic_percentage: int = Field(
        ge=0, le=100, description="Its share. 0 keeps it in reserve, as a fallback."
    )


class TrafficConfig(Spec):
    """How the traffic is split."""

    routes: Annotated[tuple[Route, ...] | None, KeyedBy(ECHOED, key=("served_entity_name",))] = (
        Field(default=None, description="One entry per entity; the shares add up to 100.")
    )


class AutoCaptureConfig(Spec):
    """The legacy inference table. Deprecated by the service: prefer the gateway's."""

    model_config = output_only("config", "auto_capture_config")

    enabled: Annotated[bool | None, ServerDefault(TERRAFORM)] = Field(
        default=None,
        description="Whether requests and answers are written to the table. Once off it cannot "
        "be switched on again.",
    )
    catalog_name: TableName = Field(default=None, description="The catalog of the table.")
    schema_name: TableName = Field(default=None, description="The schema of the table.")
    table_name_prefix: Annotated[str | None, Immutable(SDK), ServerDefault(TERRAFORM)] = Field(
        default=None,
        description="How the table's name begins. The service chooses where nothing is said.",
    )


class Config(Spec):
    """What is served, and to whom the traffic goes."""

    model_config = output_only("config")

    served_entities: Annotated[tuple[ServedEntity, ...], KeyedBy(ECHOED, key=("name",))] = Field(
        min_length=1, description="The models behind the endpoint."
    )
    traffic_config: Annotated[TrafficConfig | None, ServerDefault(ECHOED)] = Field(
        default=None,
        description="The traffic split. A single entity gets everything; with several it has "
        "to be written.",
    )
    auto_capture_config: AutoCaptureConfig | None = Field(
        default=None,
        description="The legacy inference table. Deprecated by the service: prefer "
        "`ai_gateway.inference_table_config`.",
    )
    raw: Raw = Field(
        default=None,
        description="Fields of a config that provisioner does not know. Sent as they are.",
    )
