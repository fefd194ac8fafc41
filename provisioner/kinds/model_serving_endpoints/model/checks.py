"""Checks of an endpoint: questions, and what their answers must be like. Never sent as config."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from provisioner.kinds.model_serving_endpoints.model.external import Spec
from provisioner.model.field_rules import KeyedBy

# rules(tool): Checks are an extension of the tool, and so are the limits of their fields.

OURS = "extension of provisioner"

Text = Annotated[str, Field(min_length=1)]
Texts = Text | Annotated[tuple[Text, ...], Field(min_length=1)]


class Message(Spec):
    """One message of a chat."""

    role: Literal["system", "user", "assistant"] = Field(description="The role of the message.")
    content: str = Field(description="The text of the message.")


class JsonExpectation(Spec):
    """A value in the JSON response. Without a condition, it only has to exist."""

    path: str = Field(
        min_length=1,
        max_length=500,
        description=(
            "The path of the value, such as `choices[0].finish_reason` or `predictions[-1]`."
        ),
    )
    equals: Any = Field(default=None, description="The expected value.")
    min: float | None = Field(default=None, description="The minimum.")
    max: float | None = Field(default=None, description="The maximum.")


class Expectation(Spec):
    """The expectations on the response. All of them must be met."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"minProperties": 1})

    status: int | None = Field(
        default=None,
        ge=200,
        le=599,
        description=(
            "The expected HTTP status. Default: 200. Use 400 to test that a guardrail "
            "refuses the request."
        ),
    )
    contains: Texts | None = Field(
        default=None, description="One or more texts that the response must contain."
    )
    not_contains: Texts | None = Field(
        default=None, description="One or more texts that the response must not contain."
    )
    pattern: str | None = Field(
        default=None,
        min_length=1,
        max_length=500,
        description=("A regular expression that must match somewhere in the text of the response."),
    )
    json_: Annotated[tuple[JsonExpectation, ...] | None, KeyedBy(OURS, key=("path",))] = Field(
        default=None, alias="json", description="Expected values in the JSON response."
    )
    latency_ms: int | None = Field(
        default=None,
        ge=1,
        description="The maximum time until the response is complete, in milliseconds.",
    )
    total_tokens: int | None = Field(
        default=None,
        ge=1,
        description="The maximum number of tokens of request and response together.",
    )
    dimension: int | None = Field(
        default=None, ge=1, description="The number of dimensions of each embedding."
    )
    normalized: bool | None = Field(
        default=None, description="Whether each embedding must have a norm of 1 (tolerance 0.001)."
    )


class Check(Spec):
    """A request to the live endpoint. Set exactly one of the fields from `prompt` to `cases`."""

    name: str = Field(
        min_length=1, max_length=100, description="The name of the check, unique in the resource."
    )
    prompt: str | None = Field(
        default=None, min_length=1, description="The prompt, for chat and completions."
    )
    messages: tuple[Message, ...] | None = Field(
        default=None, min_length=1, description="The messages of a conversation, for chat."
    )
    input: Texts | None = Field(default=None, description="One or more texts, for embeddings.")
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
        description=(
            "The complete request body, for requests that the other fields cannot express."
        ),
    )
    cases: str | None = Field(
        default=None,
        pattern=r"\.jsonl$",
        description="A file of the project with one JSON object per line: one of the fields from "
        "`prompt` to `request`, and optionally `expect`, which overrides that of the check.",
        examples=["checks/capitals.jsonl"],
    )
    pass_rate: str | None = Field(
        default=None,
        pattern=r"^(100|[0-9]{1,2})(\.[0-9]+)?%$",
        description="The percentage of the `cases` that must pass. Default: 100 %.",
        examples=["95%"],
    )
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        description="The maximum number of tokens of the response, for chat and completions.",
    )
    temperature: float | None = Field(
        default=None,
        ge=0,
        le=2,
        description=(
            "The sampling temperature, for chat and completions. With 0, responses hardly vary."
        ),
    )
    entity: str | None = Field(
        default=None,
        min_length=1,
        description=(
            "The served entity that gets the request. By default, the traffic split decides."
        ),
    )
    expect: Expectation | None = Field(
        default=None,
        description=(
            "The expectations on the response. Without them, any successful response passes."
        ),
    )
