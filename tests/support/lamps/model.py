"""What a manifest may say of a lamp."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from provisioner.model.field_rules import Immutable, ServerDefault

SOURCE = "the lamp shop"


class LampLifecycle(BaseModel):
    """What may happen to a lamp."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prevent_destroy: bool = Field(default=False, description="Never delete the lamp.")
    ignore_changes: tuple[str, ...] = Field(default=(), description="Paths to leave alone.")


class Lamp(BaseModel):
    """A lamp."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Immutable(SOURCE)] = Field(description="Its name.")
    socket: Annotated[str | None, Immutable(SOURCE)] = Field(default=None, description="E27.")
    color: Annotated[str | None, ServerDefault(SOURCE)] = Field(
        default=None, description="Chosen by the shop where it is not written."
    )
    watts: int | None = Field(default=None, description="The power that it takes.")
    comment: str | None = Field(default=None, description="For people.")
    scope: str | None = Field(default=None, description="The secret scope with its key.")
    lifecycle: LampLifecycle | None = Field(default=None, description="What may happen to it.")
