"""Who may see, query and manage an endpoint."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from provisioner.kinds.model_serving_endpoints.model_external import Spec

Level = Literal["CAN_VIEW", "CAN_QUERY", "CAN_MANAGE"]


class Permission(Spec):
    """What one principal may do: a level, and exactly one of the three names.

    Upper and lower case of names are the same. Inherited permissions, those of the
    endpoint's creator and those of whoever runs `apply` are never taken away.
    """

    level: Level = Field(description="Each level holds the ones before it: view, query, manage.")
    group_name: str | None = Field(default=None, min_length=1, description="A group.")
    user_name: str | None = Field(
        default=None, min_length=1, description="A user, by the address of the login."
    )
    service_principal_name: str | None = Field(
        default=None, min_length=1, description="A service principal, by its application id."
    )
