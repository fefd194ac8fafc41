"""What is in the answers of a model, whatever its task: text, vectors, tokens. Pure.

Answers are told apart by their shape, since the task of a live endpoint may not be known.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from provisioner.kinds.model_serving_endpoints.parts import mapping
from provisioner.resource import Reply

SERVED_BY: Final = "served-model-name"
"""The header that names the served entity. Source: databricks-sdk service/serving.py `query`."""

PREDICTIONS: Final = ("predictions", "outputs")
LONGEST_EXCERPT: Final = 80


def text_of(answer: Mapping[str, Any]) -> str | None:
    """What the model said, or its predictions as JSON; None where there is nothing of it."""
    first = mapping(_first(answer.get("choices")))
    if "message" in first:
        return _said(mapping(first["message"]))
    if isinstance(first.get("text"), str):
        return str(first["text"])
    for name in PREDICTIONS:
        if name in answer:
            return json.dumps(answer[name], ensure_ascii=False)
    vectors = vectors_of(answer)
    return embedding_text(vectors[0]) if vectors else None


def _said(message: Mapping[str, Any]) -> str | None:
    content = message.get("content")
    if isinstance(content, list):
        # Models that reason answer in parts, and only some of them are the answer.
        return "".join(str(mapping(part).get("text", "")) for part in content)
    if isinstance(content, str):
        return content
    calls = message.get("tool_calls")
    return json.dumps(calls, ensure_ascii=False) if calls else None


def vectors_of(answer: Mapping[str, Any]) -> list[list[float]]:
    """The embeddings; none where a row of them is something else than numbers."""
    rows = answer.get("data")
    found = [mapping(row).get("embedding") for row in (rows if isinstance(rows, list) else ())]
    vectors = [one for one in found if is_vector(one)]
    return vectors if len(vectors) == len(found) else []


def is_vector(value: Any) -> TypeGuard[list[float]]:
    """Whether ``value`` is a list of numbers."""
    return isinstance(value, list) and all(type(one) in (int, float) for one in value)


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
    said = excerpt(str(reply.document.get("message", "")), 300)
    if reply.status != 429:
        return said
    wait = f"; try again in {reply.wait_s:.0f} s" if reply.wait_s else ""
    return f"the rate limit is reached{wait}: {said}"


def excerpt(text: str, longest: int = LONGEST_EXCERPT) -> str:
    """The beginning of ``text``, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else None
