"""Streams: the exact lines that all clients read, and that the pieces are the whole."""

from __future__ import annotations

import json

import pytest

HELLO = {"messages": [{"role": "user", "content": "hello there"}]}
USAGE = {"stream_options": {"include_usage": True}}


@pytest.fixture(scope="module", autouse=True)
def _endpoints(client, external):
    client.serve("chat", external("gpt", "chat"))
    client.serve("text", external("instruct", "completions"))


@pytest.fixture
def chunks(client):
    def read(name, body):
        answer = client.query(name, {**body, "stream": True})
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["served-model-name"]
        *events, end = answer.content.decode().split("\n\n")
        assert end == ""
        assert all(event.startswith("data: ") and "\n" not in event for event in events)
        assert events.pop() == "data: [DONE]"
        return [json.loads(event.removeprefix("data: ")) for event in events]

    return read


def test_the_pieces_of_a_chat_answer_are_the_whole_answer(client, chunks):
    whole = client.query("chat", HELLO).json
    pieces = chunks("chat", HELLO)
    assert {piece["object"] for piece in pieces} == {"chat.completion.chunk"}
    assert {piece["model"] for piece in pieces} == {"chat"}
    assert len({piece["id"] for piece in pieces}) == 1
    assert pieces[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    text = "".join(piece["choices"][0]["delta"].get("content", "") for piece in pieces)
    assert text == whole["choices"][0]["message"]["content"]
    reasons = [piece["choices"][0]["finish_reason"] for piece in pieces]
    assert reasons == [None] * (len(pieces) - 1) + ["stop"]
    assert not any("usage" in piece for piece in pieces)


def test_the_pieces_of_a_completion_are_the_whole_answer(client, chunks):
    whole = client.query("text", {"prompt": "hello", "max_tokens": 5}).json
    pieces = chunks("text", {"prompt": "hello", "max_tokens": 5})
    assert {piece["object"] for piece in pieces} == {"text_completion"}
    assert len(pieces) == 6
    assert "".join(piece["choices"][0]["text"] for piece in pieces) == whole["choices"][0]["text"]
    assert pieces[-1]["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(("name", "body"), [("chat", HELLO), ("text", {"prompt": "hello"})])
def test_usage_comes_last_and_without_choices_where_it_is_wanted(client, chunks, name, body):
    *_, last = chunks(name, {**body, **USAGE})
    assert last["choices"] == []
    assert last["usage"] == client.query(name, body).json["usage"]


def test_each_of_several_answers_is_streamed_with_its_index(chunks):
    pieces = chunks("chat", {**HELLO, "n": 2, "max_tokens": 3})
    ends = [piece["choices"][0] for piece in pieces if piece["choices"][0]["finish_reason"]]
    assert [(end["index"], end["finish_reason"]) for end in ends] == [(0, "length"), (1, "length")]


def test_a_tool_call_is_streamed_whole(chunks):
    tools = [{"type": "function", "function": {"name": "now", "parameters": {}}}]
    first, last = chunks("chat", {**HELLO, "tools": tools, "tool_choice": "required"})
    (call,) = first["choices"][0]["delta"]["tool_calls"]
    assert (call["index"], call["function"]["name"]) == (0, "now")
    assert last["choices"][0]["finish_reason"] == "tool_calls"


def test_a_query_that_does_not_fit_is_refused_and_not_streamed(client):
    answer = client.query("chat", {"messages": [], "stream": True})
    assert (answer.status, answer.json["error_code"]) == (400, "BAD_REQUEST")
