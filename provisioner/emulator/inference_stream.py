"""Answers in pieces: the chunks of a streamed chat or completions answer, a token each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioner.emulator import inference_tokens as tokens
from provisioner.emulator.inference_answers import Choice, Reply, tool_call

Chunk = dict[str, Any]


def chat_chunks(answers: Reply, include_usage: bool) -> Iterator[Chunk]:
    """The role first, then the tokens, then why it ended; usage in a last chunk of its own."""
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


def completions_chunks(answers: Reply, include_usage: bool) -> Iterator[Chunk]:
    for index, choice in enumerate(answers.choices):
        for piece in tokens.pieces(choice.text):
            yield _chunk(answers, "text_completion", _text_choice(index, piece, None))
        last = _text_choice(index, "", choice.finish_reason)
        yield _chunk(answers, "text_completion", last)
    if include_usage:
        yield _usage(answers, "text_completion")


def _text_choice(index: int, text: str, reason: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "finish_reason": reason, "logprobs": None}


def _chunk(answers: Reply, kind: str, *choices: dict[str, Any]) -> Chunk:
    return {
        "id": answers.id,
        "object": kind,
        "created": answers.created,
        "model": answers.model,
        "choices": list(choices),
    }


def _usage(answers: Reply, kind: str) -> Chunk:
    return {**_chunk(answers, kind), "usage": answers.usage}
