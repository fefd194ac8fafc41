"""Made-up answers to chat and completions queries, in OpenAI's shapes.

They are the same for the same query and say that no model was asked. Pure: no clock, no store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from provisioner.emulator.inference import schema as schemas
from provisioner.emulator.inference import tokens
from provisioner.emulator.inference.questions import TextQuery, Truncation

ECHO_LENGTH = 200
Chunk = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AnswerSource:
    """Where an answer seems to come from. ``model`` is the value of its ``model`` field."""

    endpoint: str
    entity: str
    model: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer. With a ``tool``, ``text`` is the JSON of its arguments."""

    text: str
    finish_reason: Literal["stop", "length", "tool_calls"]
    tool: str = ""
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """All answers to a query. ``created`` is in seconds since the epoch."""

    id: str
    created: int
    model: str
    choices: tuple[Choice, ...]
    prompt_tokens: int

    @property
    def usage(self) -> dict[str, int]:
        """The ``usage`` block of the answer."""
        written = tokens.count(choice.text for choice in self.choices)
        return tokens.usage(self.prompt_tokens, written)


def make_reply(query: TextQuery, source: AnswerSource, created: int, prefix: str) -> ModelReply:
    """Makes up the answers to a query. ``prefix`` begins the id: ``chatcmpl-`` or ``cmpl-``."""
    # The id differs between queries and is the same for one, so that tests can compare.
    digest = _digest(source, created, query.texts)
    return ModelReply(
        id=prefix + digest,
        created=created,
        model=source.model,
        choices=tuple(
            _choice(query, source, place, which)
            for place in query.asked
            for which in range(query.cut.n)
        ),
        prompt_tokens=tokens.count(query.texts),
    )


def _choice(query: TextQuery, source: AnswerSource, place: int, which: int) -> Choice:
    text = _text(query.texts[place], source, which, query.cut.n)
    form = query.form
    if form.schema is not None:
        text = json.dumps(schemas.example(form.schema, text), ensure_ascii=False)
    if form.tool:
        call_id = "call_" + _digest(source, form.tool, which, query.texts)
        return Choice(text, "tool_calls", form.tool, call_id)
    return truncate(text, query.cut)


def _text(question: str, source: AnswerSource, which: int, n: int) -> str:
    number = f" {which + 1} of {n}" if n > 1 else ""
    start = " ".join(question.split())
    start = start if len(start) <= ECHO_LENGTH else start[:ECHO_LENGTH] + " ..."
    return (
        f"Made-up answer{number} from the local workspace; no model was queried. Endpoint "
        f"{source.endpoint}, served by {source.entity}. You asked: {start}"
    )


def truncate(text: str, cut: Truncation) -> Choice:
    """Cuts ``text`` at the first stop sequence, then at the largest number of tokens."""
    # The stop sequence that comes first in the text counts, not the first of the list.
    ends = [text.find(stop) for stop in cut.stop]
    text = text[: min((end for end in ends if end >= 0), default=len(text))]
    written = tokens.pieces(text)
    if cut.max_tokens and len(written) > cut.max_tokens:
        return Choice("".join(written[: cut.max_tokens]), "length")
    return Choice(text, "stop")


def _digest(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()[:29]


def chat_json(answers: ModelReply) -> dict[str, Any]:
    """Returns the answer to a chat query as JSON."""
    return {
        "id": answers.id,
        "object": "chat.completion",
        "created": answers.created,
        "model": answers.model,
        "choices": [
            {"index": index, "message": _message(choice), "finish_reason": choice.finish_reason}
            for index, choice in enumerate(answers.choices)
        ],
        "usage": answers.usage,
    }


def _message(choice: Choice) -> dict[str, Any]:
    if choice.tool:
        return {"role": "assistant", "content": None, "tool_calls": [tool_call(choice)]}
    return {"role": "assistant", "content": choice.text}


def tool_call(choice: Choice) -> Mapping[str, Any]:
    """Returns the tool call of an answer as JSON."""
    function = {"name": choice.tool, "arguments": choice.text}
    return {"id": choice.call_id, "type": "function", "function": function}


def completions_json(answers: ModelReply) -> dict[str, Any]:
    """Returns the answer to a completions query as JSON."""
    return {
        "id": answers.id,
        "object": "text_completion",
        "created": answers.created,
        "model": answers.model,
        "choices": [
            {
                "text": choice.text,
                "index": index,
                "finish_reason": choice.finish_reason,
                "logprobs": None,
            }
            for index, choice in enumerate(answers.choices)
        ],
        "usage": answers.usage,
    }


def chat_chunks(answers: ModelReply, include_usage: bool) -> Iterator[Chunk]:
    """Yields the role, then the tokens, then why it ended; usage in a last chunk of its own."""
    for index, choice in enumerate(answers.choices):
        for delta in _deltas(choice):
            yield _chunk(answers, "chat.completion.chunk", _chat_choice(index, delta, None))
        last = _chat_choice(index, {}, choice.finish_reason)
        yield _chunk(answers, "chat.completion.chunk", last)
    if include_usage:
        yield _usage(answers, "chat.completion.chunk")


def _deltas(choice: Choice) -> Iterator[dict[str, Any]]:
    if choice.tool:
        call = {"index": 0, **tool_call(choice)}
        yield {"role": "assistant", "content": None, "tool_calls": [call]}
        return
    yield {"role": "assistant", "content": ""}
    for piece in tokens.pieces(choice.text):
        yield {"content": piece}


def _chat_choice(index: int, delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "finish_reason": reason}


def completions_chunks(answers: ModelReply, include_usage: bool) -> Iterator[Chunk]:
    """Yields the tokens, then why it ended; usage in a last chunk of its own."""
    for index, choice in enumerate(answers.choices):
        for piece in tokens.pieces(choice.text):
            yield _chunk(answers, "text_completion", _text_choice(index, piece, None))
        last = _text_choice(index, "", choice.finish_reason)
        yield _chunk(answers, "text_completion", last)
    if include_usage:
        yield _usage(answers, "text_completion")


def _text_choice(index: int, text: str, reason: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "finish_reason": reason, "logprobs": None}


def _chunk(answers: ModelReply, kind: str, *choices: dict[str, Any]) -> Chunk:
    return {
        "id": answers.id,
        "object": kind,
        "created": answers.created,
        "model": answers.model,
        "choices": list(choices),
    }


def _usage(answers: ModelReply, kind: str) -> Chunk:
    return {**_chunk(answers, kind), "usage": answers.usage}
