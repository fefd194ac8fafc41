"""A serving endpoint as its author describes it.

Field names are those of the REST API. Only the schema files are made from these models:
nothing else loads them, and live data is never checked against them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from provisioner.kinds.model_serving_endpoints.model.checks import OURS, Check
from provisioner.kinds.model_serving_endpoints.model.config import API, CLI, Config
from provisioner.kinds.model_serving_endpoints.model.external import (
    SDK,
    TERRAFORM,
    Raw,
    Spec,
    output_only,
)
from provisioner.kinds.model_serving_endpoints.model.gateway import AiGateway, TelemetryConfig
from provisioner.kinds.model_serving_endpoints.rollout.model import RolloutBlock
from provisioner.model.field_rules import Immutable, KeyedBy, NotUpdatable, ServerDefault, WriteOnly

Level = Literal["CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"]


class Permission(Spec):
    """What one principal may do: a level, and exactly one of the three names.

    Upper and lower case of names are the same. Inherited permissions, those of the
    endpoint's creator and those of the user of `apply` are never taken away.
    """

    level: Level = Field(description="Each level holds the ones before it: view, query, manage.")
    group_name: str | None = Field(default=None, min_length=1, description="A group.")
    user_name: str | None = Field(
        default=None, min_length=1, description="A user, by the address of the login."
    )
    service_principal_name: str | None = Field(
        default=None, min_length=1, description="A service principal, by its application id."
    )


PERMISSIONS = f"{API}/setpermissions"

ENDPOINT_NAME = r"^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$"

Address = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$")]


class Tag(Spec):
    """A label, for cost reports for example."""

    key: str = Field(min_length=1, description="The name of the tag.")
    value: Annotated[str | None, ServerDefault(SDK, only=("",))] = Field(
        default=None, description="Its value; may be left out."
    )


class EmailNotifications(Spec):
    """Who gets an email about updates."""

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
    """An endpoint that serves models: external ones, or those of Unity Catalog."""

    model_config = output_only()

    name: Annotated[str, Immutable(f"{API}/create")] = Field(
        pattern=ENDPOINT_NAME,
        description="The name in the URL and in clients' `model`. 1 to 63 letters, digits, "
        "`-` and `_`, with a letter or digit at both ends.",
    )
    existing: bool = Field(
        default=False,
        description="The endpoint is created elsewhere, such as the pay-per-token endpoints "
        "`databricks-...`: it is never created, reconfigured, tagged or deleted. Of the "
        "blocks that are written, `ai_gateway` and `email_notifications` are managed as a whole; "
        "of `tags` and `permissions` only the entries that are written.",
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
    email_notifications: EmailNotifications | None = Field(
        default=None, description="Who gets an email about updates."
    )
    permissions: Annotated[
        tuple[Permission, ...] | None,
        ServerDefault(PERMISSIONS),
        KeyedBy(PERMISSIONS, key=("group_name", "user_name", "service_principal_name")),
    ] = Field(
        default=None,
        description="Who may do what: all direct permissions, one entry for each principal. "
        "Left out, they are left alone; `[]` takes them all away, but never an inherited one, "
        "the creator's or the caller's own.",
    )
    route_optimized: Annotated[
        bool | None, Immutable(TERRAFORM), ServerDefault(CLI, only=(False,))
    ] = Field(
        default=None,
        description="Whether requests take a shorter way, by a URL of their own. Custom models "
        "only.",
    )
    telemetry_config: Annotated[TelemetryConfig | None, ServerDefault(CLI)] = Field(
        default=None,
        description="Which logs, traces and metrics are written to tables. Custom models only.",
    )
    budget_policy_id: Annotated[
        str | None,
        WriteOnly(CLI),
        NotUpdatable(
            CLI,
            remedy="the service has no call that changes the budget policy of an endpoint and "
            "does not show it: put the old id back, or leave it alone with "
            "`lifecycle: {ignore_changes: [budget_policy_id]}`",
        ),
    ] = Field(
        default=None,
        min_length=1,
        description="The budget policy that is billed. Can be set only when the endpoint is "
        "created.",
    )
    raw: Annotated[
        Raw,
        NotUpdatable(
            "extension of provisioner",
            remedy="fields of the endpoint itself are sent only when it is created: put the old "
            "ones back, or leave them alone with `lifecycle: {ignore_changes: [raw]}`",
        ),
    ] = Field(
        default=None,
        description="Fields of an endpoint that provisioner does not know. Sent as they are, "
        "and only when the endpoint is created.",
    )
    checks: Annotated[tuple[Check, ...] | None, KeyedBy(OURS, key=("name",))] = Field(
        default=None,
        description="Questions that prove the endpoint, for `provisioner verify`. Not sent when "
        "it is applied, and no difference of any plan.",
    )
    rollout: RolloutBlock | None = Field(
        default=None,
        description="How a new version goes live, step by step. Not sent; without it a new "
        "version gets all of the traffic at once.",
    )
    lifecycle: Lifecycle | None = Field(
        default=None, description="Protection, and what is not to be touched."
    )
