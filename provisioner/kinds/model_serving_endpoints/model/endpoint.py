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

# rule(documented): A permission has one of three levels. [serving-api 1.11]
Level = Literal["CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"]


# rule(documented): A permission has a level. [serving-api 1.11]
class Permission(Spec):
    """What one principal may do: a level, and exactly one of the three names.

    Upper and lower case of names are the same. Inherited permissions, those of the
    endpoint's creator and those of the user of `apply` are never taken away.
    """

    level: Level = Field(
        description=(
            "The permission level. `CAN_QUERY` includes `CAN_VIEW`, and `CAN_MANAGE` includes both."
        )
    )
    group_name: str | None = Field(default=None, min_length=1, description="The name of a group.")
    user_name: str | None = Field(
        default=None, min_length=1, description="A user's e-mail address."
    )
    service_principal_name: str | None = Field(
        default=None, min_length=1, description="The application id of a service principal."
    )


PERMISSIONS = f"{API}/setpermissions"

ENDPOINT_NAME = r"^[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$"

# rule(documented): A notification goes to an e-mail address, which has one `@` and no spaces.
#     [serving-api 2.9; RFC 5321, 4.1.2]
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$")]


class Tag(Spec):
    """A tag, for example for cost reports."""

    # rule(recorded): A tag has a key of at least one character. [serving-api 1.8]
    key: str = Field(min_length=1, description="The name of the tag.")
    value: Annotated[str | None, ServerDefault(SDK, only=("",))] = Field(
        default=None, description="The value of the tag. Optional."
    )


class EmailNotifications(Spec):
    """E-mail notifications about updates."""

    on_update_success: tuple[Address, ...] | None = Field(
        default=None, description="E-mail addresses to notify when an update succeeds."
    )
    on_update_failure: tuple[Address, ...] | None = Field(
        default=None, description="E-mail addresses to notify when an update fails."
    )


class Lifecycle(Spec):
    """How `provisioner` treats the resource. Never sent to Databricks."""

    prevent_destroy: bool = Field(
        default=False,
        description="Forbid deletion and replacement, also after the manifest is removed.",
    )
    ignore_changes: tuple[str, ...] = Field(
        default=(),
        description=(
            "Paths that `apply` does not change, such as `ai_gateway.guardrails` or "
            "`tags[cost_center]`."
        ),
    )


class ServingEndpoint(Spec):
    """An endpoint that serves external models, or models of Unity Catalog."""

    model_config = output_only()

    # rule(recorded): An endpoint has a name of 1 to 63 letters, digits, `-` and `_`, with a letter
    #     or digit at both ends. [serving-api 3.6]
    name: Annotated[str, Immutable(f"{API}/create")] = Field(
        pattern=ENDPOINT_NAME,
        description=(
            "The name of the endpoint, in its URL and as `model` in clients. 1 to 63 "
            "letters, digits, `-` and `_`, with a letter or digit at both ends."
        ),
    )
    existing: bool = Field(
        default=False,
        description=(
            "Whether the endpoint is created elsewhere, such as the pay-per-token "
            "endpoints `databricks-...`. `provisioner` then never creates, "
            "reconfigures or deletes it, and adds no ownership tags. It manages "
            "`ai_gateway` and `email_notifications` completely if the manifest has "
            "them, and only the declared entries of `tags` and `permissions`."
        ),
    )
    # rule(documented): A description has at most 1000 characters. [serving-api 3.6]
    description: Annotated[
        str | None,
        ServerDefault(f"{API}/create"),
        NotUpdatable(
            f"{API}/create",
            remedy="the service has no call that changes the description of an endpoint: restore "
            "the old text, or ignore the field with "
            "`lifecycle: {ignore_changes: [description]}`",
        ),
    ] = Field(
        default=None,
        max_length=1000,
        description=(
            "A description of the endpoint. Can be set only when the endpoint is created."
        ),
    )
    config: Config | None = Field(
        default=None,
        description="What the endpoint serves. Without it, the endpoint is empty.",
    )
    ai_gateway: AiGateway | None = Field(
        default=None,
        description=(
            "AI Gateway: rate limits, guardrails, fallback, usage tracking and inference table."
        ),
    )
    tags: Annotated[tuple[Tag, ...] | None, KeyedBy(f"{API}/patch", key=("key",))] = Field(
        default=None, description="The tags of the endpoint."
    )
    email_notifications: EmailNotifications | None = Field(
        default=None, description="E-mail notifications about updates."
    )
    permissions: Annotated[
        tuple[Permission, ...] | None,
        ServerDefault(PERMISSIONS),
        KeyedBy(PERMISSIONS, key=("group_name", "user_name", "service_principal_name")),
    ] = Field(
        default=None,
        description=(
            "All direct permissions, one entry for each principal. Without this "
            "field, permissions do not change. `[]` removes all of them, except "
            "inherited permissions and those of the creator and the caller."
        ),
    )
    route_optimized: Annotated[
        bool | None, Immutable(TERRAFORM), ServerDefault(CLI, only=(False,))
    ] = Field(
        default=None,
        description=(
            "Route optimization: requests take a faster route, with a separate URL. "
            "For custom models only. A change replaces the endpoint."
        ),
    )
    telemetry_config: Annotated[TelemetryConfig | None, ServerDefault(CLI)] = Field(
        default=None,
        description="The logs, traces and metrics to write to tables. For custom models only.",
    )
    budget_policy_id: Annotated[
        str | None,
        WriteOnly(CLI),
        NotUpdatable(
            CLI,
            remedy="the service has no call that changes the budget policy of an endpoint and "
            "does not show it: restore the old id, or ignore the field with "
            "`lifecycle: {ignore_changes: [budget_policy_id]}`",
        ),
    ] = Field(
        default=None,
        min_length=1,
        description=("The id of the budget policy. Can be set only when the endpoint is created."),
    )
    raw: Annotated[
        Raw,
        NotUpdatable(
            "extension of provisioner",
            remedy="fields of the endpoint itself are sent only when it is created: restore the "
            "old values, or ignore the fields with `lifecycle: {ignore_changes: [raw]}`",
        ),
    ] = Field(
        default=None,
        description=(
            "Fields of an endpoint that `provisioner` does not know. They are sent "
            "unchanged, and only when the endpoint is created."
        ),
    )
    checks: Annotated[tuple[Check, ...] | None, KeyedBy(OURS, key=("name",))] = Field(
        default=None,
        description=(
            "Requests and expected responses for `provisioner verify`. They are not "
            "part of the endpoint and cause no changes in a plan."
        ),
    )
    rollout: RolloutBlock | None = Field(
        default=None,
        description=(
            "The steps in which a new version gets traffic. Without this block, a new "
            "version gets all traffic at once. Never sent to Databricks."
        ),
    )
    lifecycle: Lifecycle | None = Field(
        default=None, description="Protection from deletion, and fields to ignore."
    )
