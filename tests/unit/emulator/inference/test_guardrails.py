"""Guardrails: what is stopped, what is masked, and what merely looks like personal data."""

from __future__ import annotations

import json

import pytest


@pytest.fixture(scope="module", autouse=True)
def _endpoints(client, external):
    for side in ("input", "output"):
        for behavior in ("BLOCK", "MASK", "NONE"):
            rules = {"guardrails": {side: {"pii": {"behavior": behavior}}}}
            client.serve(f"{side}-{behavior.lower()}", external(), gateway=rules)
    words = {"guardrails": {"input": {"invalid_keywords": ["Secret Sauce"], "safety": True}}}
    client.serve("words", external(), gateway=words)
    client.serve("prompts", external(task="completions"), gateway=words)


PERSONAL = [
    pytest.param("write to ann@example.com please", "<EMAIL_ADDRESS>", id="an e-mail address"),
    pytest.param("my card is 4111 1111 1111 1111", "<CREDIT_CARD>", id="a card with blanks"),
    pytest.param("card 5500-0000-0000-0004!", "<CREDIT_CARD>", id="a card with hyphens"),
    pytest.param("amex 378282246310005", "<CREDIT_CARD>", id="a card of fifteen digits"),
    pytest.param("SSN 078-05-1120", "<US_SSN>", id="a social security number"),
]
HARMLESS = [
    pytest.param("order 4111 1111 1111 1112", id="a number with a wrong check digit"),
    pytest.param("call 555-0100", id="a short number"),
    pytest.param("version 1078-05-11201", id="longer than a social security number"),
    pytest.param("meet @ noon", id="an at sign"),
    pytest.param("on 2026-11-20 at 10:00", id="a date"),
]


def content(answer):
    assert answer.status == 200, answer.content
    return answer.json["choices"][0]["message"]["content"]


@pytest.mark.parametrize(("text", "mask"), PERSONAL)
def test_personal_data_in_a_question_is_blocked(client, text, mask):
    answer = client.ask("input-block", text)
    assert (answer.status, answer.json["error_code"]) == (400, "BAD_REQUEST")
    said = json.loads(answer.json["message"])
    assert said["finishReason"] == "input_guardrail_triggered"
    assert said["usage"]["prompt_tokens"] > 0
    (row,) = said["input_guardrail"]
    assert (row["flagged"], row["pii_detection"]) == (True, True)
    assert mask in row["anonymized_input"]
    assert set(row) == {
        "flagged",
        "categories",
        "category_scores",
        "pii_detection",
        "anonymized_input",
    }


@pytest.mark.parametrize(("text", "mask"), PERSONAL)
@pytest.mark.parametrize("side", ["input", "output"])
def test_personal_data_is_masked(client, side, text, mask):
    answer = content(client.ask(f"{side}-mask", text))
    assert mask in answer
    assert text not in answer


@pytest.mark.parametrize("text", HARMLESS)
@pytest.mark.parametrize("name", ["input-block", "output-block", "input-mask"])
def test_what_only_looks_like_personal_data_passes(client, name, text):
    assert text in content(client.ask(name, text))


def test_personal_data_passes_where_nothing_is_to_be_done(client):
    for name in ("input-none", "output-none"):
        assert "ann@example.com" in content(client.ask(name, "ann@example.com"))


def test_personal_data_in_an_answer_is_blocked(client):
    answer = client.ask("output-block", "ann@example.com")
    said = json.loads(answer.json["message"])
    assert answer.status == 400
    assert said["finishReason"] == "output_guardrail_triggered"
    assert said["output_guardrail"][0]["pii_detection"] is True
    assert said["usage"]["completion_tokens"] > 0


def test_every_message_is_looked_at(client):
    messages = [
        {"role": "system", "content": "ann@example.com"},
        {"role": "user", "content": "hello"},
    ]
    answer = client.query("input-block", {"messages": messages})
    rows = json.loads(answer.json["message"])["input_guardrail"]
    assert [row["flagged"] for row in rows] == [True, False]


def test_a_forbidden_word_is_found_without_regard_to_case(client):
    said = json.loads(client.ask("words", "what is the SECRET sauce?").json["message"])
    (row,) = said["input_guardrail"]
    assert (row["flagged"], row["pii_detection"]) == (True, False)
    assert row["categories"] == {"invalid_keywords": True}


def test_prompts_are_guarded_as_messages_are(client):
    answer = client.query("prompts", {"prompt": ["fine", "secret sauce"]})
    assert answer.status == 400
    assert client.query("prompts", {"prompt": "fine"}).status == 200


def test_a_masked_stream_holds_no_personal_data(client):
    body = {"messages": [{"role": "user", "content": "ann@example.com"}], "stream": True}
    streamed = client.query("output-mask", body).content
    assert b"ann@example" not in streamed
    assert b"EMAIL" in streamed
