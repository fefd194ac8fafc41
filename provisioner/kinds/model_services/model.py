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

# rule(documented): A target has at most 64 types of APIs, of 1 to 256 characters each.
#     [databricks-sdk, native_api_types]
NativeType = Annotated[str, StringConstraints(min_length=1, max_length=256)]


# rule(documented): A target names a model. [databricks-sdk,
#     ModelProviderServiceConfigModelTargetConfig]
class DestinationTarget(CatalogSpec):
    """The model of the provider."""

    model: str = Field(min_length=1, description="The name of the model at the provider.")
    # rule(documented): A target has at most 64 types of APIs, of 1 to 256 characters each.
    #     [databricks-sdk, native_api_types]
    native_api_types: tuple[NativeType, ...] | None = Field(
        default=None, min_length=1, max_length=64, description="The APIs that the model supports."
    )


# rule(documented): A destination at a provider names the service and the model. [databricks-sdk,
#     ModelServiceConfigDestinationConfig]
class ExternalModelDestination(CatalogSpec):
    """A model of a model provider service."""

    # rule(documented): A provider service is named `model-provider-services/CATALOG.SCHEMA.NAME`.
    #     [databricks-sdk, ModelServiceConfigDestinationConfig]
    model_provider_service: str = Field(
        pattern=r"^model-provider-services/[^\s./]+\.[^\s./]+\.[^\s./]+$",
        description="The service, as `model-provider-services/CATALOG.SCHEMA.NAME`.",
    )
    target: DestinationTarget = Field(description="The model.")


class PayPerTokenDestination(CatalogSpec):
    """A pay-per-token model of Databricks."""

    # rule(documented): A pay-per-token model is named `models/CATALOG.SCHEMA.NAME`.
    #     [databricks-sdk, ModelServiceConfigDestinationConfig]
    model: str = Field(
        pattern=r"^models/[^\s./]+\.[^\s./]+\.[^\s/]+$",
        description="The model, as `models/CATALOG.SCHEMA.NAME`.",
    )


class ProvisionedThroughputDestination(CatalogSpec):
    """A serving endpoint with provisioned throughput."""

    # rule(documented): An endpoint is named `serving-endpoints/NAME`. [databricks-sdk,
    #     ModelServiceConfigDestinationConfig]
    model_serving_endpoint: str = Field(
        pattern=r"^serving-endpoints/\S+$", description="The endpoint, as `serving-endpoints/NAME`."
    )


# rule(documented): A destination has one of three types. [databricks-sdk,
#     ModelServiceConfigDestinationConfig]
class FallbackDestination(CatalogSpec):
    """A fallback destination."""

    # rule(tool): The name of a destination is not empty and holds no brackets: paths of a plan name
    #     it as `destinations[NAME]`.
    name: str = Field(
        pattern=r"^[^\[\]]+$", description="The name of the destination within this service."
    )
    destination_type: Literal[
        "DESTINATION_TYPE_EXTERNAL_FOUNDATION_MODEL",
        "DESTINATION_TYPE_PAY_PER_TOKEN_FOUNDATION_MODEL",
        "DESTINATION_TYPE_PROVISIONED_THROUGHPUT_FOUNDATION_MODEL",
    ] = Field(
        description=(
            "The type of the destination. It decides which of the three config blocks is set."
        )
    )
    external_model_config: ExternalModelDestination | None = Field(
        default=None, description="A model of an external provider."
    )
    pay_per_token_config: PayPerTokenDestination | None = Field(
        default=None, description="A pay-per-token model of Databricks."
    )
    provisioned_throughput_config: ProvisionedThroughputDestination | None = Field(
        default=None, description="A serving endpoint with provisioned throughput."
    )


class ServiceDestination(FallbackDestination):
    """A destination of requests."""

    # rule(documented): A share of the traffic is from 0 to 100. [databricks-sdk,
    #     traffic_percentage]
    traffic_percentage: Annotated[int | None, ServerDefault(SDK, only=(100,))] = Field(
        default=None,
        ge=0,
        le=100,
        description=(
            "The percentage of the requests. The percentages of all destinations add up to 100."
        ),
    )


class ServiceFallback(CatalogSpec):
    """The destinations to use if a request fails."""

    # rule(documented): A fallback has 1 to 5 destinations. [databricks-sdk, fallback destinations]
    destinations: tuple[FallbackDestination, ...] = Field(
        min_length=1, max_length=5, description="The fallback destinations, in order."
    )


class ServiceRouting(CatalogSpec):
    """A destination of requests."""

    # rule(documented): A service has 1 to 10 destinations. [databricks-sdk, destinations]
    destinations: Annotated[tuple[ServiceDestination, ...], KeyedBy(SDK, key=("name",))] = Field(
        min_length=1,
        max_length=10,
        description="The destinations. Requests are distributed by percentage.",
    )
    fallback: ServiceFallback | None = Field(
        default=None, description="The destinations to use if a request fails."
    )


# rule(documented): A config has a routing. [databricks-sdk, ModelServiceConfig]
class ModelServiceConfig(CatalogSpec):
    """Routing, rate limits and the inference table."""

    routing: ServiceRouting = Field(description="The destinations and the fallback.")
    rate_limits: RateLimits = LIMITS
    inference_table: Annotated[
        ServiceInferenceTable | None,
        NotUpdatable(
            SDK,
            remedy="an inference table cannot move: remove the block and apply, then add the new "
            "block and apply again",
        ),
    ] = TABLE


class ModelService(CatalogSpec):
    """A model service, which callers query.

    They need EXECUTE on it, and no privilege on its destinations.
    """

    parent: Parent = PARENT_FIELD
    # rule(tool): A name holds lower-case letters, digits, `-` and `_`: the catalog stores names in
    #     lower case, and a name with other characters has to be quoted everywhere.
    model_service_id: Parent = Field(pattern=NAME, description="The service's name, in lower case.")
    existing: bool = EXISTING
    comment: str | None = COMMENT
    config: ModelServiceConfig | None = Field(
        default=None, description="The configuration of the service."
    )
    grants: Grants = GRANTS
    checks: Annotated[tuple[Check, ...] | None, KeyedBy(OURS, key=("name",))] = Field(
        default=None,
        description=(
            "Requests and expected responses for `provisioner verify`. They are not "
            "part of the service and cause no changes in a plan."
        ),
    )
    lifecycle: CatalogLifecycle | None = LIFECYCLE
