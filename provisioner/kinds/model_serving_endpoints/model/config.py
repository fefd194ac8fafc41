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
    """A model that the endpoint serves: an external model, or a model of Unity Catalog."""

    model_config = output_only("config", "served_entities")

    # rule(documented): The name of a served entity holds letters, digits, `-` and `_`.
    #     [serving-api 3.6]
    name: Annotated[str | None, ServerDefault(SDK)] = Field(
        default=None,
        pattern=ENTITY_NAME,
        description=(
            "The name that traffic routes refer to. Required if there are several entities."
        ),
    )
    external_model: ExternalModel | None = Field(
        default=None,
        description=("A model that an external provider runs. Set either this or `entity_name`."),
    )
    entity_name: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "A registered model or a feature spec: `catalog.schema.name` in Unity "
            "Catalog, or the name of a model in the workspace model registry."
        ),
        examples=["main.fraud.classifier"],
    )
    # rule(documented): The version of a model is a number, written without leading zeros.
    #     [docs.databricks.com/api, Model Versions]
    entity_version: str | None = Field(
        default=None,
        pattern=VERSION,
        description="The version of the model. A feature spec has no version.",
    )
    workload_size: Annotated[str | None, Chosen] = Field(
        default=None,
        min_length=1,
        description=(
            "The provisioned compute: `Small`, `Medium`, `Large` or another size that "
            "the workspace offers. Set either this or provisioned concurrency. "
            "Default: `Small`."
        ),
        examples=["Small", "Medium", "Large"],
    )
    # rule(documented): A workload type is one of the listed ones. [serving-api 2.2]
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
    ] = Field(default=None, description="The compute type. Default: `CPU`.")
    scale_to_zero_enabled: Annotated[bool | None, ServerDefault(ECHOED)] = Field(
        default=None,
        description=(
            "Whether the entity scales to zero while there are no requests. Required "
            "for custom models."
        ),
    )
    min_provisioned_concurrency: int | None = Field(
        default=None,
        ge=0,
        description="The minimum number of concurrent requests to provision for.",
    )
    max_provisioned_concurrency: int | None = Field(
        default=None, ge=0, description="The maximum number of concurrent requests to scale to."
    )
    min_provisioned_throughput: Annotated[int | None, ServerDefault(SDK, only=(0,))] = Field(
        default=None, ge=0, description="Provisioned throughput: the minimum tokens per second."
    )
    max_provisioned_throughput: int | None = Field(
        default=None,
        ge=0,
        description=(
            "Provisioned throughput: the maximum tokens per second of a foundation model."
        ),
    )
    provisioned_model_units: int | None = Field(
        default=None,
        ge=0,
        description=(
            "Provisioned throughput of a foundation model, in model units. Set it for "
            "all served entities of an endpoint or for none."
        ),
    )
    burst_scaling_enabled: Annotated[bool | None, WriteOnly(CLI)] = Field(
        default=None,
        description=(
            "Whether the entity may temporarily scale beyond its model units. Default: true."
        ),
    )
    environment_vars: dict[str, str] | None = Field(
        default=None,
        description=(
            "Environment variables of the model server. A value is plain text, or a "
            "reference `{{secrets/scope/key}}`. Every user who can view the endpoint "
            "can read them."
        ),
    )
    instance_profile_arn: str | None = Field(
        default=None, min_length=1, description="The AWS instance profile that the model uses."
    )
    raw: Raw = Field(
        default=None,
        description=(
            "Fields of a served entity that `provisioner` does not know. They are sent unchanged."
        ),
    )


class Route(Spec):
    """The percentage of the traffic for one served entity."""

    # rule(documented): A route names a served entity, in the characters of its name. [serving-api
    #     2.4, 3.6]
    served_entity_name: str = Field(
        pattern=ENTITY_NAME, description="The `name` of a served entity."
    )
    # rule(tool): A share of the traffic is from 0 to 100: plans, promotions and rollouts count in
    #     percent.
    traffic_percentage: int = Field(
        ge=0,
        le=100,
        description=(
            "The percentage of the requests. An entity with 0 gets no traffic and can "
            "be a fallback."
        ),
    )


class TrafficConfig(Spec):
    """The traffic split."""

    routes: Annotated[tuple[Route, ...] | None, KeyedBy(ECHOED, key=("served_entity_name",))] = (
        Field(
            default=None,
            description="One entry for each served entity. The percentages add up to 100.",
        )
    )


class AutoCaptureConfig(Spec):
    """The legacy inference table. Deprecated by Databricks: use AI Gateway."""

    model_config = output_only("config", "auto_capture_config")

    enabled: Annotated[bool | None, ServerDefault(TERRAFORM)] = Field(
        default=None,
        description=(
            "Whether requests and responses are written to the table. You cannot "
            "enable it again after you disabled it."
        ),
    )
    catalog_name: TableName = Field(default=None, description="The catalog of the table.")
    schema_name: TableName = Field(default=None, description="The schema of the table.")
    table_name_prefix: Annotated[str | None, Immutable(SDK), ServerDefault(TERRAFORM)] = Field(
        default=None,
        description="The prefix of the table name. By default, Databricks chooses it.",
    )


class Config(Spec):
    """The served entities and the traffic split."""

    model_config = output_only("config")

    # rule(tool): A config has a served entity. An endpoint that serves nothing has no config.
    served_entities: Annotated[tuple[ServedEntity, ...], KeyedBy(ECHOED, key=("name",))] = Field(
        min_length=1, description="The models that the endpoint serves."
    )
    traffic_config: Annotated[TrafficConfig | None, ServerDefault(ECHOED)] = Field(
        default=None,
        description="The traffic split. Required if there are several entities.",
    )
    auto_capture_config: AutoCaptureConfig | None = Field(
        default=None,
        description=(
            "The legacy inference table. Deprecated by Databricks: prefer "
            "`ai_gateway.inference_table_config`."
        ),
    )
    raw: Raw = Field(
        default=None,
        description=(
            "Fields of a config that `provisioner` does not know. They are sent unchanged."
        ),
    )
