"""What is in the answers of a model, whatever its task: text, vectors, tokens. Pure.

Answers are told apart by their shape, since the task of a live endpoint may not be known.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeGuard

from provisioner.kinds.model_serving_endpoints.document import mapping
from provisioner.model.connection import Reply

SERVED_BY: Final = "served-model-name"
"""The header that names the served entity. Source: databricks-sdk service/serving.py `query`."""

PREDICTIONS: Final = ("predictions", "outputs")
LONGEST_EXCERPT: Final = 80


def text_of(answer: Mapping[str, Any]) -> str | None:
    """What the model said, or its predictions as JSON; None where there is nothing of it."""
    for read in READERS:
        text = read(answer)
        if text is not None:
            return text
    return None


def _choice(answer: Mapping[str, Any]) -> str | None:
    first = mapping(_end(answer.get("choices"), 0))
    if "message" in first:
        return _said(mapping(first["message"]))
    return first["text"] if isinstance(first.get("text"), str) else None


def _turn(answer: Mapping[str, Any]) -> str | None:
    """The last turn of an agent: `messages` of a chat agent, `output` of a responses agent."""
    last = mapping(_end(answer.get("messages") or answer.get("output"), -1))
    return _said(last) if last else None


def _said(message: Mapping[str, Any]) -> str | None:
    content = message.get("content")
    if isinstance(content, list):
        # Models that reason answer in parts, and only some of them are the answer.
        return "".join(str(mapping(part).get("text", "")) for part in content)
    if isinstance(content, str):
        return content
    calls = message.get("tool_calls")
    return json.dumps(calls, ensure_ascii=False) if calls else None


def _predictions(answer: Mapping[str, Any]) -> str | None:
    predictions = [answer[name] for name in PREDICTIONS if name in answer]
    return json.dumps(predictions[0], ensure_ascii=False) if predictions else None


def _embedding(answer: Mapping[str, Any]) -> str | None:
    vectors = vectors_of(answer)
    return embedding_text(vectors[0]) if vectors else None


READERS: Final[tuple[Callable[[Mapping[str, Any]], str | None], ...]] = (
    _choice,
    _turn,
    _predictions,
    _embedding,
)


def vectors_of(answer: Mapping[str, Any]) -> list[list[float]]:
    """The embeddings; none where a row of them is something else than numbers."""
    rows = answer.get("data")
    embeddings = [mapping(row).get("embedding") for row in (rows if isinstance(rows, list) else ())]
    vectors = [embedding for embedding in embeddings if is_vector(embedding)]
    return vectors if len(vectors) == len(embeddings) else []


def is_vector(value: Any) -> TypeGuard[list[float]]:
    """Whether ``value`` is a list of numbers."""
    return isinstance(value, list) and all(type(number) in (int, float) for number in value)


def norm(vector: list[float]) -> float:
    """The Euclidean length of ``vector``."""
    return math.hypot(*vector)


def embedding_text(vector: list[float]) -> str:
    """A vector in a line: its first numbers, how many there are, its norm."""
    start = ", ".join(f"{number:.4f}" for number in vector[:4])
    return f"[{start}, ...]  ({len(vector)} numbers, norm {norm(vector):.3f})"


def tokens_of(answer: Mapping[str, Any]) -> int | None:
    """How many tokens question and answer took, where the answer tells."""
    total = mapping(answer.get("usage")).get("total_tokens")
    return total if type(total) is int else None


def served_by(reply: Reply) -> str:
    """The served entity that answered, ``""`` where the answer does not tell."""
    return reply.headers.get(SERVED_BY, "")


def refusal(reply: Reply) -> str:
    """Why the question was refused, in a line."""
    message = excerpt(str(reply.document.get("message", "")), 300)
    if reply.status != 429:
        return message
    wait = f"; try again in {reply.wait_s:.0f} s" if reply.wait_s else ""
    return f"the rate limit was reached{wait}: {message}"


def excerpt(text: str, longest: int = LONGEST_EXCERPT) -> str:
    """The beginning of ``text``, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _end(value: Any, index: int) -> Any:
    return value[index] if isinstance(value, list) and value else None
