"""What a check expects of an answer: whether it holds, and the words where it does not."""

from __future__ import annotations

import math
import time

import pytest

from provisioner.kinds.model_serving_endpoints.invocation.expectations import (
    NothingThereError,
    unmet,
    value_at,
)
from provisioner.kinds.model_serving_endpoints.invocation.replies import text_of
from provisioner.model.connection import Reply

CHAT = {
    "choices": [{"message": {"content": "Paris, of course."}, "finish_reason": "stop"}],
    "usage": {"total_tokens": 42},
}
SCORES = {"predictions": [0.2, 0.9, True, None]}
REFUSED = {"error_code": "BAD_REQUEST", "message": "input_guardrail_triggered"}


def embeddings(*vectors):
    return {"data": [{"embedding": list(vector)} for vector in vectors]}


def message(expect, document, status=200, duration_ms=120):
    return "; ".join(unmet(expect, Reply(status, document, duration_ms)))


HOLDS = [
    pytest.param({}, CHAT, id="any answer, where nothing is expected"),
    pytest.param({"contains": "Paris"}, CHAT, id="text that is contained"),
    pytest.param({"contains": ["Paris", "course"]}, CHAT, id="each of several texts"),
    pytest.param({"not_contains": ["Rome", "paris"]}, CHAT, id="text that is not contained"),
    pytest.param({"pattern": r"(?i)^paris\b"}, CHAT, id="a pattern that is found"),
    pytest.param({"json": [{"path": "choices[0].finish_reason"}]}, CHAT, id="a path that is there"),
    pytest.param({"json": [{"path": "usage.total_tokens", "equals": 42}]}, CHAT, id="equal"),
    pytest.param({"json": [{"path": "predictions[1]", "min": 0.9, "max": 1}]}, SCORES, id="within"),
    pytest.param({"json": [{"path": "predictions[-1]", "equals": None}]}, SCORES, id="null"),
    pytest.param({"contains": "0.9"}, SCORES, id="predictions are looked at as JSON"),
    pytest.param({"latency_ms": 120}, CHAT, id="just in time"),
    pytest.param({"total_tokens": 42}, CHAT, id="just cheap enough"),
    pytest.param({"dimension": 2, "normalized": True}, embeddings((0.6, 0.8)), id="a unit vector"),
    pytest.param({"normalized": True}, embeddings((0.6006, 0.8)), id="within the tolerance"),
    pytest.param({"normalized": False}, embeddings((3, 4)), id="a vector of another length"),
]


@pytest.mark.parametrize(("expect", "document"), HOLDS)
def test_what_holds_says_nothing(expect, document):
    assert message(expect, document) == ""


FAILS = [
    pytest.param({}, {}, "expected an answer, got an empty one", id="nothing at all"),
    pytest.param(
        {"contains": ["Paris", "Rome"]},
        CHAT,
        "expected text with `Rome`, got `Paris, of course.`",
        id="one of the texts is missing",
    ),
    pytest.param(
        {"not_contains": "course"},
        CHAT,
        "expected text without `course`, got `Paris, of course.`",
        id="a text that must not be there",
    ),
    pytest.param(
        {"pattern": "^Rome"},
        CHAT,
        "expected text like `^Rome`, got `Paris, of course.`",
        id="a pattern that is not found",
    ),
    pytest.param(
        {"json": [{"path": "choices[0].finish_reason", "equals": "length"}]},
        CHAT,
        'expected `choices[0].finish_reason` to be `"length"`, got `"stop"`',
        id="another value",
    ),
    pytest.param(
        {"json": [{"path": "predictions[2]", "equals": 1}]},
        SCORES,
        "expected `predictions[2]` to be `1`, got `true`",
        id="true is not 1",
    ),
    pytest.param(
        {"json": [{"path": "predictions[2]", "max": 1}]},
        SCORES,
        "expected `predictions[2]` to be at most 1, got `true`",
        id="true is no number",
    ),
    pytest.param(
        {"json": [{"path": "predictions[0]", "min": 0.5}]},
        SCORES,
        "expected `predictions[0]` to be at least 0.5, got `0.2`",
        id="too little",
    ),
    pytest.param(
        {"json": [{"path": "predictions[9]"}]},
        SCORES,
        "expected `predictions[9]` in the answer, but `predictions` is a list of 4",
        id="an index that is not there",
    ),
    pytest.param(
        {"json": [{"path": "choices[0].mesage.content"}]},
        CHAT,
        "expected `choices[0].mesage.content` in the answer, but `choices[0]` has no `mesage`",
        id="a field that is not there",
    ),
    pytest.param(
        {"latency_ms": 100},
        CHAT,
        "expected an answer within 100 ms, it took 120 ms",
        id="too slow",
    ),
    pytest.param(
        {"total_tokens": 41}, CHAT, "expected at most 41 tokens, got 42", id="too expensive"
    ),
    pytest.param(
        {"total_tokens": 41, "contains": "0"},
        SCORES,
        "expected at most 41 tokens, but the answer does not contain the number of tokens",
        id="a price that is not told",
    ),
    pytest.param(
        {"dimension": 3},
        embeddings((0.6, 0.8), (1, 0, 0)),
        "expected embeddings of 3 numbers, got 2, 3",
        id="vectors of several lengths",
    ),
    pytest.param(
        {"dimension": 3}, CHAT, "expected embeddings of 3 numbers, got no embedding", id="no vector"
    ),
    pytest.param(
        {"normalized": True},
        embeddings((1, 0), (0.3, 0.4)),
        "expected embeddings with a norm of 1, got 0.5000",
        id="the second vector is short",
    ),
    pytest.param(
        {"normalized": False},
        embeddings((1, 0)),
        "expected embeddings with a norm other than 1, got 1.0000",
        id="a unit vector that should be none",
    ),
]


@pytest.mark.parametrize(("expect", "document", "said"), FAILS)
def test_what_does_not_hold_is_said(expect, document, said):
    assert message(expect, document) == said


def test_a_refusal_is_told_and_nothing_else_is_looked_at():
    said = message({"contains": "x", "latency_ms": 1}, REFUSED, status=400)
    assert said == "expected status 200, got 400: input_guardrail_triggered"


def test_a_refusal_that_is_expected_is_looked_into():
    expect = {"status": 400, "contains": "guardrail", "json": [{"path": "error_code"}]}
    assert message(expect, REFUSED, status=400) == ""
    assert message(expect, CHAT) == "expected status 400, got 200: Paris, of course."


def test_a_rate_limit_is_named_with_the_time_to_wait():
    reply = Reply(429, {"message": "too many"}, 3, wait_s=17.0)
    (said,) = unmet({}, reply)
    assert (
        said
        == "expected status 200, got 429: the rate limit was reached; try again in 17 s: too many"
    )


def test_a_pattern_that_would_run_for_years_is_stopped():
    document = {"choices": [{"text": "a" * 200 + "b"}]}
    start = time.monotonic()
    said = message({"pattern": "(a|aa)+$"}, document)
    assert said == "the pattern `(a|aa)+$` took longer than 1 s: make it simpler"
    assert time.monotonic() - start < 20


def test_all_that_fails_is_told_at_once():
    said = unmet({"contains": "x", "latency_ms": 1, "total_tokens": 1}, Reply(200, CHAT, 9))
    assert len(said) == 3


def test_long_answers_are_shortened():
    said = message({"contains": "x"}, {"choices": [{"text": "word \n" * 500}]})
    assert len(said) < 150
    assert "\n" not in said


PATHS = [
    pytest.param('a["b c"][0]', {"a": {"b c": [7]}}, 7, id="a key that is quoted"),
    pytest.param("a[b]", {"a": {"b": 1}}, 1, id="a key in brackets"),
    pytest.param("a.0", {"a": {"0": 1}}, 1, id="a field that looks like a number"),
    pytest.param("[1]", [1, 2], 2, id="an index at the beginning"),
]


@pytest.mark.parametrize(("path", "document", "value"), PATHS)
def test_paths_lead_to_values(path, document, value):
    assert value_at(document, path) == value


@pytest.mark.parametrize("path", ["a[2]", "a[-3]", "a[x]", "a[0].b", "c"])
def test_paths_that_lead_nowhere(path):
    with pytest.raises(NothingThereError):
        value_at({"a": [1, 2]}, path)


TEXTS = [
    pytest.param({"choices": [{"text": "x"}]}, "x", id="completions"),
    pytest.param({"choices": [{"message": {"content": "x"}}]}, "x", id="chat"),
    pytest.param(
        {"choices": [{"message": {"content": [{"type": "reasoning"}, {"text": "x"}]}}]},
        "x",
        id="a model that reasons",
    ),
    pytest.param(
        {"choices": [{"message": {"content": None, "tool_calls": [{"id": "1"}]}}]},
        '[{"id": "1"}]',
        id="a call of a tool",
    ),
    pytest.param({"messages": [{"content": "a"}, {"content": "x"}]}, "x", id="a chat agent"),
    pytest.param({"output": [{"content": [{"text": "x"}]}]}, "x", id="a responses agent"),
    pytest.param({"outputs": [{"price": 1}]}, '[{"price": 1}]', id="features"),
    pytest.param({"data": [{"embedding": "AAAA"}]}, None, id="a vector in base64"),
    pytest.param({"choices": "x"}, None, id="something else"),
]


@pytest.mark.parametrize(("answer", "text"), TEXTS)
def test_the_text_of_an_answer(answer, text):
    assert text_of(answer) == text


def test_a_vector_is_told_in_a_line():
    text = text_of(embeddings([1 / math.sqrt(8)] * 8))
    assert text == "[0.3536, 0.3536, 0.3536, 0.3536, ...]  (8 numbers, norm 1.000)"
