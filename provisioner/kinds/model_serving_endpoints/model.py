"""A serving endpoint as its author describes it.

Field names are those of the REST API. Only the schema files are made from these models:
nothing else loads them, and live data is never checked against them.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from provisioner.kinds.model_serving_endpoints.model_external import SDK, ExternalModel, Spec
from provisioner.kinds.model_serving_endpoints.model_gateway import AiGateway
from provisioner.semantics import Immutable, KeyedBy, NotUpdatable, ServerDefault

API = "https://docs.databricks.com/api/workspace/servingendpoints"
# Seen in answers of the service: both route names, and 100 % for a single entity.
ECHOED = f"{API}/get"

ENDPOINT_NAME = r"^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$"
ENTITY_NAME = r"^[A-Za-z0-9_-]{1,63}$"

Address = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$")]


class ServedEntity(Spec):
    """One model behind the endpoint."""

    name: Annotated[str | None, ServerDefault(SDK)] = Field(
        default=None,
        pattern=ENTITY_NAME,
        description="The handle that traffic routes use. Needed where there are several.",
    )
    external_model: ExternalModel = Field(description="A model that runs outside Databricks.")


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


class Config(Spec):
    """What is served, and to whom the traffic goes."""

    served_entities: Annotated[tuple[ServedEntity, ...], KeyedBy(ECHOED, key=("name",))] = Field(
        min_length=1, description="The models behind the endpoint."
    )
    traffic_config: Annotated[TrafficConfig | None, ServerDefault(ECHOED)] = Field(
        default=None,
        description="The traffic split. A single entity gets everything; with several it has "
        "to be written.",
    )


class Tag(Spec):
    """A label, for cost reports for example."""

    key: str = Field(min_length=1, description="The name of the tag.")
    value: Annotated[str | None, ServerDefault(SDK, only=("",))] = Field(
        default=None, description="Its value; may be left out."
    )


class EmailNotifications(Spec):
    """Who is told about updates."""

    on_update_success: tuple[Address, ...] | None = Field(
        default=None, description="Addresses that get a message when an update went through."
    )
    on_update_failure: tuple[Address, ...] | None = Field(
        default=None, description="Addresses that get a message when an update failed."
    )


class Lifecycle(Spec):
    """How the resource is treated. Not sent to the service."""

    prevent_destroy: bool = Field(
        default=False,
        description="Refuse to delete or to replace it, also once its manifest is gone.",
    )
    ignore_changes: tuple[str, ...] = Field(
        default=(),
        description="Paths that are left as they are, such as `ai_gateway.guardrails` or "
        "`tags[cost_center]`.",
    )


class ServingEndpoint(Spec):
    """An endpoint that serves external models."""

    name: Annotated[str, Immutable(f"{API}/create")] = Field(
        pattern=ENDPOINT_NAME,
        description="The name in the URL and in clients' `model`. 1 to 63 letters, digits, "
        "`-` and `_`, with a letter or digit at both ends.",
    )
    config: Config | None = Field(
        default=None,
        description="What the endpoint serves. Without it the endpoint is there and empty.",
    )
    ai_gateway: AiGateway | None = Field(
        default=None, description="Limits, guardrails, fallback, usage and inference tables."
    )
    tags: Annotated[tuple[Tag, ...] | None, KeyedBy(f"{API}/patch", key=("key",))] = Field(
        default=None, description="Labels of the endpoint."
    )
    description: Annotated[
        str | None,
        ServerDefault(f"{API}/create"),
        NotUpdatable(
            f"{API}/create",
            remedy="the service has no call that changes the description of an endpoint: put "
            "the old text back, or leave it alone with "
            "`lifecycle: {ignore_changes: [description]}`",
        ),
    ] = Field(
        default=None,
        max_length=1000,
        description="What the endpoint is for. Can be set only when the endpoint is created.",
    )
    email_notifications: EmailNotifications | None = Field(
        default=None, description="Who is told about updates."
    )
    lifecycle: Lifecycle | None = Field(
        default=None, description="Protection, and what is not to be touched."
    )
