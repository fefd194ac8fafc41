"""What a check expects of an answer, and in words what came instead. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.invocation.replies import (
    excerpt,
    norm,
    refusal,
    text_of,
    tokens_of,
    vectors_of,
)
from provisioner.model.connection import Reply
from provisioner.model.paths import Key, parse_path

OK: Final = 200
TOLERANCE: Final = 1e-3
"""Of a norm that counts as 1. Source: `is_normalized` of Databricks' tutorial on embeddings."""

_READING: Final = frozenset(("contains", "not_contains", "pattern", "json", "dimension"))
"""Expectations that look into the answer: without them there has to be one at all."""

PATTERN_TIMEOUT_S: Final = 1.0
LONGEST_TEXT: Final = 1_000_000


class NothingThereError(Exception):
    """The answer has no value at a path; the text says how far it goes."""


def unmet(expect: Mapping[str, Any], reply: Reply) -> tuple[str, ...]:
    """What of ``expect`` does not hold for ``reply``; none where all does.

    With another status than the expected one nothing else is looked at.
    """
    wanted = expect.get("status", OK)
    if reply.status != wanted:
        text = excerpt(text_of(reply.document) or "") if reply.status == OK else refusal(reply)
        return (f"expected status {wanted}, got {reply.status}: {text}".removesuffix(": "),)
    if wanted == OK and not _READING.intersection(expect) and not _text(reply).strip():
        return ("expected an answer, got an empty one",)
    messages = (
        message
        for name, holds in EXPECTATIONS.items()
        if name in expect
        for message in holds(expect[name], reply)
    )
    return tuple(messages)


def _text(reply: Reply) -> str:
    text = reply.document.get("message", "") if reply.status != OK else text_of(reply.document)
    return str(text or "")[:LONGEST_TEXT]


def _contains(wanted: Any, reply: Reply) -> Iterator[str]:
    text = _text(reply)
    for part in _listed(wanted):
        if part not in text:
            yield f"expected text with `{part}`, got {_quoted(text)}"


def _not_contains(unwanted: Any, reply: Reply) -> Iterator[str]:
    text = _text(reply)
    for part in _listed(unwanted):
        if part in text:
            around = text[max(0, text.index(part) - 30) :]
            yield f"expected text without `{part}`, got {_quoted(around)}"


def _pattern(pattern: str, reply: Reply) -> Iterator[str]:
    # The standard library's `re` cannot be stopped, and one pattern can take it for years.
    import regex

    text = _text(reply)
    try:
        if not regex.search(pattern, text, timeout=PATTERN_TIMEOUT_S):
            yield f"expected text like `{pattern}`, got {_quoted(text)}"
    except TimeoutError:
        yield f"the pattern `{pattern}` took longer than {PATTERN_TIMEOUT_S:g} s: make it simpler"


def _json(conditions: list[Mapping[str, Any]], reply: Reply) -> Iterator[str]:
    for condition in conditions:
        path = condition["path"]
        try:
            value = value_at(reply.document, path)
        except NothingThereError as error:
            yield f"expected `{path}` in the answer, but {error}"
            continue
        if "equals" in condition and not _same(value, condition["equals"]):
            yield f"expected `{path}` to be {_shown(condition['equals'])}, got {_shown(value)}"
        yield from _within(condition, path, value)


def _within(condition: Mapping[str, Any], path: str, value: Any) -> Iterator[str]:
    for name, word, holds in (("min", "at least", _at_least), ("max", "at most", _at_most)):
        limit = condition.get(name)
        if limit is None:
            continue
        if type(value) not in (int, float) or not holds(value, limit):
            yield f"expected `{path}` to be {word} {limit:g}, got {_shown(value)}"


def _latency(most_ms: int, reply: Reply) -> Iterator[str]:
    if reply.duration_ms > most_ms:
        yield f"expected an answer within {most_ms} ms, it took {reply.duration_ms} ms"


def _tokens(most: int, reply: Reply) -> Iterator[str]:
    spent = tokens_of(reply.document)
    if spent is None:
        yield (
            f"expected at most {most} tokens, but the answer does not contain the number of tokens"
        )
    elif spent > most:
        yield f"expected at most {most} tokens, got {spent}"


def _dimension(wanted: int, reply: Reply) -> Iterator[str]:
    lengths = sorted({len(vector) for vector in vectors_of(reply.document)})
    if lengths != [wanted]:
        got = ", ".join(map(str, lengths)) if lengths else "no embedding"
        yield f"expected embeddings of {wanted} numbers, got {got}"


def _normalized(wanted: bool, reply: Reply) -> Iterator[str]:
    norms = [norm(vector) for vector in vectors_of(reply.document)]
    if not norms:
        yield "expected embeddings, got none"
    odd = [norm for norm in norms if (abs(norm - 1) < TOLERANCE) is not wanted]
    if odd:
        word = "of" if wanted else "other than"
        yield f"expected embeddings with a norm {word} 1, got {odd[0]:.4f}"


EXPECTATIONS: Final[Mapping[str, Callable[[Any, Reply], Iterator[str]]]] = {
    "contains": _contains,
    "not_contains": _not_contains,
    "pattern": _pattern,
    "json": _json,
    "dimension": _dimension,
    "normalized": _normalized,
    "total_tokens": _tokens,
    "latency_ms": _latency,
}


def value_at(document: Any, path: str) -> Any:
    """The value at ``path``, where brackets hold an index of a list or a key of a mapping.

    An index below 0 counts from the end. Raises NothingThereError, and ValueError for what is
    no path.
    """
    value, done = document, ""
    for step in parse_path(path):
        name = step.value if isinstance(step, Key) else step
        value = _inside(value, name, done or "it")
        done += str(step) if isinstance(step, Key) else f".{step}".removeprefix("" if done else ".")
    return value


def _inside(value: Any, name: str, where: str) -> Any:
    if isinstance(value, dict):
        if name in value:
            return value[name]
        raise NothingThereError(f"{_named(where)} has no `{excerpt(name)}`")
    if isinstance(value, list):
        index = int(name) if name.removeprefix("-").isdecimal() else None
        if index is not None and -len(value) <= index < len(value):
            return value[index]
        raise NothingThereError(f"{_named(where)} is a list of {len(value)}")
    raise NothingThereError(f"{_named(where)} is {_shown(value)}")


def _named(where: str) -> str:
    return where if where == "it" else f"`{where}`"


def _listed(wanted: Any) -> list[str]:
    return [wanted] if isinstance(wanted, str) else list(wanted)


def _same(left: Any, right: Any) -> bool:
    # For Python True is 1; for JSON it is not.
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _at_least(value: float, limit: float) -> bool:
    return value >= limit


def _at_most(value: float, limit: float) -> bool:
    return value <= limit


def _quoted(text: str) -> str:
    return f"`{excerpt(text)}`" if text.strip() else "none"


def _shown(value: Any) -> str:
    return f"`{excerpt(json.dumps(value, ensure_ascii=False))}`"
