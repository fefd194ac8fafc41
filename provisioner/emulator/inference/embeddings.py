"""Made-up embeddings: unit vectors of the model's real length, the same for the same text.

Similar texts do not get similar vectors; what is stored and searched with them is for show.
"""

from __future__ import annotations

import base64
import hashlib
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.emulator.http.routing import invalid
from provisioner.emulator.inference import tokens
from provisioner.emulator.inference.questions import wrong_task

# rules(client): Queries of embeddings are checked as OpenAI's API describes them. [serving-api 6.1,
#     9.4]

# Part of a model's name, blanks and underscores as hyphens -> the length of its vectors.
# The first that matches counts. Source: the providers' model pages.
LENGTHS: Mapping[str, int] = {
    "text-embedding-3-large": 3072,
    "text-embedding-3-small": 1536,
    "text-embedding-ada-002": 1536,
    "gte-large-en": 1024,
    "bge-large-en": 1024,
    "qwen3-embedding": 1024,
    "embed-english-light-v3": 384,
    "embed-multilingual-light-v3": 384,
    "embed-english-v3": 1024,
    "embed-multilingual-v3": 1024,
    "embed-english-v2": 4096,
    "titan-embed-text-v2": 1024,
    "titan-embed-text-v1": 1536,
    "titan-embed-g1-text": 1536,
    "textembedding-gecko": 768,
    "text-embedding-004": 768,
    "text-embedding-005": 768,
}
DEFAULT_LENGTH = 1024


@dataclass(frozen=True, slots=True)
class EmbeddingQuery:
    """A valid embeddings query. ``length`` 0 is the model's own."""

    texts: tuple[str, ...]
    as_base64: bool
    length: int = 0


def read(body: Mapping[str, Any]) -> EmbeddingQuery:
    """Reads an embeddings query. Raises ApiError 400."""
    encoding = body.get("encoding_format") or "float"
    if encoding not in ("float", "base64"):
        raise invalid(f"encoding_format must be 'float' or 'base64', not {encoding!r}")
    length = body.get("dimensions") or 0
    if type(length) is not int or length < 0:
        raise invalid("dimensions must be a positive whole number")
    return EmbeddingQuery(_texts(body.get("input")), encoding == "base64", length)


def _texts(given: Any) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, list) or not given:
        raise wrong_task("input", "embeddings")
    if all(isinstance(item, str) for item in given):
        return tuple(given)
    # OpenAI clients may send token numbers: one list of them is one input.
    if all(type(item) is int for item in given):
        return (_of_numbers(given),)
    if all(isinstance(item, list) and item and type(item[0]) is int for item in given):
        return tuple(_of_numbers(item) for item in given)
    raise invalid("input must hold strings only")


def _of_numbers(numbers: Sequence[Any]) -> str:
    return " ".join(map(str, numbers))


def is_embeddings_model(model: str) -> bool:
    """Returns whether the name is that of an embeddings model."""
    return _known_length(model) > 0


def length_of(model: str) -> int:
    """Returns the length of a model's vectors."""
    return _known_length(model) or DEFAULT_LENGTH


def _known_length(model: str) -> int:
    name = model.lower().replace("_", "-").replace(" ", "-")
    return next((length for part, length in LENGTHS.items() if part in name), 0)


def answer(query: EmbeddingQuery, model: str) -> dict[str, Any]:
    """Returns the answer in OpenAI's shape.

    Raises ApiError 400 for more dimensions than the model has.
    """
    length = query.length or length_of(model)
    if length > length_of(model):
        raise invalid(f"dimensions must be at most {length_of(model)} for {model}")
    spent = tokens.count(query.texts)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _encode(query, model, index)}
            for index, _ in enumerate(query.texts)
        ],
        "model": model,
        "usage": {"prompt_tokens": spent, "total_tokens": spent},
    }


def _encode(query: EmbeddingQuery, model: str, index: int) -> list[float] | str:
    packed = _pack(query.texts[index], model, query.length or length_of(model))
    if query.as_base64:
        return base64.b64encode(packed).decode()
    return list(struct.unpack(f"<{len(packed) // 4}f", packed))


def _pack(text: str, model: str, length: int) -> bytes:
    """Returns the vector as little-endian float32, so that both encodings hold the same numbers."""
    noise = hashlib.shake_256(f"{model}\n{text}".encode(errors="surrogatepass"))
    raw = struct.unpack(f"<{length}i", noise.digest(4 * length))
    norm = math.hypot(*raw) or 1.0
    return struct.pack(f"<{length}f", *(number / norm for number in raw))
