"""A model service as its author describes it. Field names are those of the REST API."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from provisioner.kinds.model_serving_endpoints.model.checks import OURS, Check
from provisioner.kinds.unity_catalog.model import (
    COMMENT,
    EXISTING,
    GRANTS,
    LIFECYCLE,
    LIMITS,
    NAME,
    PARENT_FIELD,
    SDK,
    TABLE,
    CatalogLifecycle,
    CatalogSpec,
    Grants,
    Parent,
    RateLimits,
    ServiceInferenceTable,
)
from provisioner.model.field_rules import KeyedBy, NotUpdatable, ServerDefault

NativeType = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class DestinationTarget(CatalogSpec):
    """Which model of the provider is asked."""

    model: str = Field(min_length=1, description="The provider's own name of the model.")
    native_api_types: tuple[NativeType, ...] | None = Field(
        default=None, min_length=1, max_length=64, description="The APIs that it speaks."
    )


class ExternalModelDestination(CatalogSpec):
    """A model of a model provider service."""

    model_provider_service: str = Field(
        pattern=r"^model-provider-services/[^\s./]+\.[^\s./]+\.[^\s./]+$",
        description="The service, as `model-provider-services/CATALOG.SCHEMA.NAME`.",
    )
    target: DestinationTarget = Field(description="The model.")


class PayPerTokenDestination(CatalogSpec):
    """A model that Databricks serves and bills by token."""

    model: str = Field(
        pattern=r"^models/system\.ai\.[^\s/]+$",
        description="The model, as `models/system.ai.NAME`.",
    )


class ProvisionedThroughputDestination(CatalogSpec):
    """A serving endpoint with provisioned throughput."""

    model_serving_endpoint: str = Field(
        pattern=r"^serving-endpoints/\S+$", description="The endpoint, as `serving-endpoints/NAME`."
    )


class FallbackDestination(CatalogSpec):
    """Where requests go after the destinations before it have failed."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$", description="Its name in this service.")
    destination_type: Literal[
        "DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL",
        "DESTINATION_TYPE_PAY_PER_TOKEN_FOUNDATION_MODEL",
        "DESTINATION_TYPE_PROVISIONED_THROUGHPUT_FOUNDATION_MODEL",
    ] = Field(description="Which of the three blocks it has.")
    external_model_config: ExternalModelDestination | None = Field(
        default=None, description="A model of a provider."
    )
    pay_per_token_config: PayPerTokenDestination | None = Field(
        default=None, description="A model of Databricks."
    )
    provisioned_throughput_config: ProvisionedThroughputDestination | None = Field(
        default=None, description="A serving endpoint."
    )


class ServiceDestination(FallbackDestination):
    """Where requests go."""

    traffic_percentage: Annotated[int | None, ServerDefault(SDK, only=(100,))] = Field(
        default=None, ge=0, le=100, description="Its share. With several, all sum up to 100."
    )


class ServiceFallback(CatalogSpec):
    """What is asked after a failure."""

    destinations: tuple[FallbackDestination, ...] = Field(
        min_length=1, max_length=5, description="In this order."
    )


class ServiceRouting(CatalogSpec):
    """Where requests go."""

    destinations: Annotated[tuple[ServiceDestination, ...], KeyedBy(SDK, key=("name",))] = Field(
        min_length=1, max_length=10, description="They share the requests."
    )
    fallback: ServiceFallback | None = Field(
        default=None, description="What is asked after a failure."
    )


class ModelServiceConfig(CatalogSpec):
    """Routing, limits and logs."""

    routing: ServiceRouting = Field(description="The destinations, and what follows a failure.")
    rate_limits: RateLimits = LIMITS
    inference_table: Annotated[
        ServiceInferenceTable | None,
        NotUpdatable(
            SDK,
            remedy="an inference table cannot move: take the block out and apply, then write the "
            "new one and apply again",
        ),
    ] = TABLE


class ModelService(CatalogSpec):
    """What callers ask. They need EXECUTE on it, and nothing on what it routes to."""

    parent: Parent = PARENT_FIELD
    model_service_id: Parent = Field(pattern=NAME, description="The service's name, in lower case.")
    existing: bool = EXISTING
    comment: str | None = COMMENT
    config: ModelServiceConfig | None = Field(default=None, description="What the service does.")
    grants: Grants = GRANTS
    checks: Annotated[tuple[Check, ...] | None, KeyedBy(OURS, key=("name",))] = Field(
        default=None,
        description="Questions that prove the service, for `provisioner verify`. Not sent when "
        "it is applied, and no difference of any plan.",
    )
    lifecycle: CatalogLifecycle | None = LIFECYCLE
