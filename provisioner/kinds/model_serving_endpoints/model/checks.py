"""Checks of an endpoint: questions, and what their answers must be like. Never sent as config."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from provisioner.kinds.model_serving_endpoints.model.external import Spec
from provisioner.model.field_rules import KeyedBy

OURS = "extension of provisioner"

Text = Annotated[str, Field(min_length=1)]
Texts = Text | Annotated[tuple[Text, ...], Field(min_length=1)]


class Message(Spec):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"] = Field(description="Who says it.")
    content: str = Field(description="What is said.")


class JsonExpectation(Spec):
    """A value inside the answer. Without a condition it only has to be there."""

    path: str = Field(
        min_length=1,
        max_length=500,
        description="Where it is: `choices[0].finish_reason`, `predictions[-1]`.",
    )
    equals: Any = Field(default=None, description="What it has to be.")
    min: float | None = Field(default=None, description="The least it may be.")
    max: float | None = Field(default=None, description="The most it may be.")


class Expectation(Spec):
    """What the answer must be like. All of it has to hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"minProperties": 1})

    status: int | None = Field(
        default=None,
        ge=200,
        le=599,
        description="The HTTP status. 200 where nothing is written; 400 proves that a "
        "guardrail refuses.",
    )
    contains: Texts | None = Field(
        default=None, description="Text that has to be in the answer, or a list of such texts."
    )
    not_contains: Texts | None = Field(
        default=None, description="Text that must not be in the answer, or a list of such texts."
    )
    pattern: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        description="A regular expression that has to be found in the answer's text.",
    )
    json_: Annotated[tuple[JsonExpectation, ...] | None, KeyedBy(OURS, key=("path",))] = Field(
        default=None, alias="json", description="Values inside the answer."
    )
    latency_ms: int | None = Field(
        default=None, ge=1, description="The answer has to be complete within this time."
    )
    total_tokens: int | None = Field(
        default=None, ge=1, description="Question and answer together may cost this many tokens."
    )
    dimension: int | None = Field(
        default=None, ge=1, description="How many numbers each embedding has."
    )
    normalized: bool | None = Field(
        default=None, description="Whether each embedding has a norm of 1, give or take 0.001."
    )


class Check(Spec):
    """A question to the live endpoint: exactly one of the fields from `prompt` to `cases`."""

    name: str = Field(
        min_length=1, max_length=100, description="What is checked; once in an endpoint."
    )
    prompt: str | None = Field(
        default=None, min_length=1, description="The question, for chat and completions."
    )
    messages: tuple[Message, ...] | None = Field(
        default=None, min_length=1, description="A whole conversation, for chat."
    )
    input: Texts | None = Field(
        default=None, description="The text or the texts to embed, for embeddings."
    )
    dataframe_split: dict[str, Any] | None = Field(
        default=None, description="Rows with `columns` and `data`, for custom models."
    )
    dataframe_records: tuple[dict[str, Any], ...] | None = Field(
        default=None, min_length=1, description="Rows as mappings, for custom models."
    )
    instances: tuple[Any, ...] | None = Field(
        default=None, min_length=1, description="Tensors by row, for custom models."
    )
    inputs: tuple[Any, ...] | dict[str, Any] | None = Field(
        default=None, description="Tensors by column, for custom models."
    )
    request: dict[str, Any] | None = Field(
        default=None,
        description="The whole body of the request, for what the other fields cannot say.",
    )
    cases: str | None = Field(
        default=None,
        pattern=r"\.jsonl$",
        description="A file of the project with a question on each line, as JSON: one of the "
        "fields from `prompt` to `request`, and `expect`, which is laid over that of the check.",
        examples=["checks/capitals.jsonl"],
    )
    pass_rate: str | None = Field(
        default=None,
        pattern=r"^(100|[0-9]{1,2})(\.[0-9]+)?%$",
        description="The share of the `cases` that has to pass; without it, all of them.",
        examples=["95%"],
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="The most tokens to answer with; chat and completions."
    )
    temperature: float | None = Field(
        default=None,
        ge=0,
        le=2,
        description="0 for answers that hardly vary; chat and completions.",
    )
    entity: str | None = Field(
        default=None,
        min_length=1,
        description="The served entity to ask, instead of the one that the traffic split chooses.",
    )
    expect: Expectation | None = Field(
        default=None, description="What the answer must be like; without it: an answer at all."
    )
