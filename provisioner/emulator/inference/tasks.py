"""Prepares a query by its task: reads it, applies the guardrails, and writes the answer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from provisioner.emulator.http.routing import ApiError, invalid
from provisioner.emulator.inference import answers as streams
from provisioner.emulator.inference import embeddings, responses, tokens
from provisioner.emulator.inference.active import ActiveEndpoint
from provisioner.emulator.inference.answers import (
    AnswerSource,
    ModelReply,
    chat_json,
    completions_json,
    make_reply,
)
from provisioner.emulator.inference.guardrails import apply
from provisioner.emulator.inference.questions import (
    TextQuery,
    read_chat,
    read_completions,
    with_texts,
)
from provisioner.emulator.unity_catalog.catalog import is_feature_spec

CHAT = "llm/v1/chat"
COMPLETIONS = "llm/v1/completions"
EMBEDDINGS = "llm/v1/embeddings"
# Not a task of endpoints: how their chats can be asked, too.
RESPONSES = "llm/v1/responses"
CUSTOM = ""
FEATURES = "features"

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """An answer and the tokens that it is charged with. With ``chunks`` it is streamed.

    ``tally`` holds what is known after the last chunk only, in place of ``json`` and ``tokens``.
    """

    json: dict[str, Any]
    tokens: int = 0
    chunks: Iterator[dict[str, Any]] | None = None
    tally: Tally | None = None
    made_up: bool = True


@dataclass(slots=True)
class Tally:
    """The part of a streamed answer that has arrived."""

    chunks: list[dict[str, Any]] = field(default_factory=list)
    tokens: int = 0


Writer = Callable[[AnswerSource, int], ModelAnswer]
"""Writes the answer, given where it comes from and the time in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """A valid query that the guardrails let pass. ``write`` makes an answer up.

    A provider is sent ``body`` (None: there is no provider), and its answer is checked by the rules
    ``output``.
    """

    write: Writer
    body: Body | None = None
    output: Body = field(default_factory=dict)
    question: str = ""
    stream: bool = False
    # Puts an answer, made up or not, into the shape that was asked for.
    finish: Callable[[ModelAnswer], ModelAnswer] = lambda written: written


@dataclass(frozen=True, slots=True)
class TextTask:
    """How chat and completions differ."""

    prefix: str
    read: Callable[[Body], TextQuery]
    json: Callable[[ModelReply], dict[str, Any]]
    chunks: Callable[[ModelReply, bool], Iterator[dict[str, Any]]]


CHAT_SHAPE = TextTask("chatcmpl-", read_chat, chat_json, streams.chat_chunks)
COMPLETIONS_SHAPE = TextTask(
    "cmpl-", read_completions, completions_json, streams.completions_chunks
)


def prepare(task: str, body: Body, guardrails: Body) -> PreparedQuery:
    """Reads a query and applies the input guardrails.

    Raises ApiError 400 for a query that does not fit the task or that a guardrail stops.
    """
    return PREPARE[task](body, guardrails)


def _prepare_text(shape: TextTask, body: Body, guardrails: Body) -> PreparedQuery:
    query = shape.read(body)
    spent = tokens.usage(tokens.count(query.texts), 0)
    texts = apply(guardrails.get("input") or {}, "input", query.texts, spent)
    rules = guardrails.get("output") or {}
    write = partial(_write_text, shape, replace(query, texts=texts), rules)
    sent = with_texts(body, query.texts, texts)
    return PreparedQuery(write, sent, rules, " ".join(texts), query.stream)


def _write_text(
    shape: TextTask, query: TextQuery, rules: Body, source: AnswerSource, created: int
) -> ModelAnswer:
    made = make_reply(query, source, created, shape.prefix)
    texts = apply(rules, "output", [choice.text for choice in made.choices], made.usage)
    made = replace(
        made,
        choices=tuple(
            replace(choice, text=text) for choice, text in zip(made.choices, texts, strict=True)
        ),
    )
    chunks = shape.chunks(made, query.include_usage) if query.stream else None
    return ModelAnswer(shape.json(made), made.usage["total_tokens"], chunks)


def _prepare_embeddings(body: Body, _: Body) -> PreparedQuery:
    query = embeddings.read(body)

    def write(source: AnswerSource, _: int) -> ModelAnswer:
        made = embeddings.answer(query, source.model)
        return ModelAnswer(made, made["usage"]["total_tokens"])

    return PreparedQuery(write, body)


def _prepare_responses(body: Body, guardrails: Body) -> PreparedQuery:
    """Prepares a chat that is not streamed; the events of a streamed response follow its end."""
    inner = _prepare_text(CHAT_SHAPE, responses.chat_of(body), guardrails)

    def finish(written: ModelAnswer) -> ModelAnswer:
        response = responses.response_of(written.json, body)
        events = responses.events(response) if body.get("stream") is True else None
        return replace(written, json=response, chunks=events)

    return replace(inner, finish=finish)


def _prepare_predictions(body: Body, guardrails: Body) -> PreparedQuery:
    # Agents are custom models, too. What a model takes is in its signature, which is not known
    # here, so messages get an answer.
    if "messages" in body:
        return replace(_prepare_text(CHAT_SHAPE, body, guardrails), body=None)
    if "input" in body:
        return replace(_prepare_responses(body, guardrails), body=None)
    rows = read_rows(body)
    return PreparedQuery(lambda source, _: ModelAnswer(predict(rows, source.entity)))


def _prepare_features(body: Body, _: Body) -> PreparedQuery:
    rows = read_rows(body)
    return PreparedQuery(lambda source, _: ModelAnswer(compute_features(rows, source.entity)))


PREPARE: Mapping[str, Callable[[Body, Body], PreparedQuery]] = {
    CHAT: partial(_prepare_text, CHAT_SHAPE),
    COMPLETIONS: partial(_prepare_text, COMPLETIONS_SHAPE),
    EMBEDDINGS: _prepare_embeddings,
    RESPONSES: _prepare_responses,
    CUSTOM: _prepare_predictions,
    FEATURES: _prepare_features,
}


def task_of(endpoint: ActiveEndpoint, body: Body) -> str:
    """Returns the task of a query, a key of ``PREPARE``.

    Language models with provisioned throughput have no declared task: they complete a prompt and
    answer messages alike.
    """
    if endpoint.task in PREPARE and endpoint.task != CUSTOM:
        return endpoint.task
    first = endpoint.entities[0]
    if is_feature_spec(first):
        return FEATURES
    if not _is_language_model(first):
        return CUSTOM
    if embeddings.is_embeddings_model(model_of(first)):
        return EMBEDDINGS
    return COMPLETIONS if "prompt" in body else CHAT


def _is_language_model(entity: Body) -> bool:
    marks = ("provisioned_model_units", "min_provisioned_throughput", "max_provisioned_throughput")
    return any(mark in entity for mark in marks) or model_of(entity).startswith("system.ai.")


def source_of(endpoint: ActiveEndpoint, entity: Body, task: str) -> AnswerSource:
    """Returns the source of an answer.

    In the captured answers chat names the endpoint, the other tasks the provider's model.
    """
    model = endpoint.name if task in (CHAT, RESPONSES) else model_of(entity)
    return AnswerSource(endpoint.name, str(entity["name"]), model)


def model_of(entity: Body) -> str:
    """Returns the name of an entity's model."""
    model = entity.get("external_model") or entity.get("foundation_model") or {}
    return str(model.get("name") or entity.get("entity_name") or entity["name"])


# Made-up predictions of custom models: a number for each row that was sent.

# rules(documented): A query of a custom model has one of the four documented forms of input.
#     [serving-api 6.1]

MADE_UP = "made_up_feature"


def read_rows(body: Mapping[str, Any]) -> list[Any]:
    """Returns the rows of a query. Raises ApiError 400 unless it has one form of input.
    [serving-api 6.1]
    """
    given = [field for field in READERS if field in body]
    if len(given) != 1:
        raise ApiError(
            400,
            "BAD_REQUEST",
            "Invalid input. The body must hold exactly one of 'dataframe_split', "
            f"'dataframe_records', 'instances' and 'inputs'; it holds {given or 'none of them'}.",
        )
    return READERS[given[0]](body[given[0]])


def predict(rows: Sequence[Any], entity: str) -> dict[str, Any]:
    """Returns a prediction for each row."""
    return {"predictions": [_prediction(row, entity) for row in rows]}


def compute_features(rows: Sequence[Any], entity: str) -> dict[str, Any]:
    """Returns what feature serving answers: an object for each row. [serving-api 6.2]"""
    outputs = [
        {**(row if isinstance(row, Mapping) else {}), MADE_UP: _prediction(row, entity)}
        for row in rows
    ]
    return {"outputs": outputs}


def _prediction(row: Any, entity: str) -> float:
    """Returns the same number from 0 to 1 for the same row and served entity."""
    text = json.dumps([entity, row], sort_keys=True)
    return int(hashlib.sha256(text.encode()).hexdigest()[:6], 16) / 16**6


def _split(frame: Any) -> list[Any]:
    if not isinstance(frame, Mapping) or not isinstance(frame.get("data"), list):
        raise invalid("dataframe_split must be an object with 'columns' and 'data'")
    columns = frame.get("columns")
    rows: list[Any] = frame["data"]
    if columns is None:
        return rows
    if not isinstance(columns, list):
        raise invalid("dataframe_split.columns must be a list of names")
    for index, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(columns):
            raise invalid(f"dataframe_split.data[{index}] must be a list of {len(columns)} values")
    return rows


def _records(records: Any) -> list[Any]:
    if not isinstance(records, list) or not all(isinstance(row, Mapping) for row in records):
        raise invalid("dataframe_records must be a list of objects")
    return records


def _instances(rows: Any) -> list[Any]:
    if not isinstance(rows, list) or not rows:
        raise invalid("instances must be a list that is not empty")
    return rows


def _inputs(given: Any) -> list[Any]:
    """Reads a tensor by rows, or an object of columns of the same length."""
    if isinstance(given, list) and given:
        return given
    if not isinstance(given, Mapping) or not given:
        raise invalid("inputs must be a list or an object that is not empty")
    columns = [value if isinstance(value, list) else [value] for value in given.values()]
    if len({len(column) for column in columns}) != 1:
        raise invalid("inputs must hold columns of the same length")
    return [list(row) for row in zip(*columns, strict=True)]


READERS: Mapping[str, Callable[[Any], list[Any]]] = {
    "dataframe_split": _split,
    "dataframe_records": _records,
    "instances": _instances,
    "inputs": _inputs,
}
