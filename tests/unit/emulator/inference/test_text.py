"""Chat and completions: the shapes of answers, where they end, and what is refused."""

from __future__ import annotations

import base64

import pytest


@pytest.fixture(scope="module", autouse=True)
def _endpoints(client, external):
    client.serve("chat", external("gpt", "chat", "gpt-4o"))
    client.serve("text", external("instruct", "completions", "gpt-3.5-turbo-instruct"))
    client.serve("vectors", external("ada", "embeddings", "text-embedding-ada-002"))


def words_of(answer):
    return answer.json["choices"][0]["message"]["content"]


def test_a_chat_answer_has_the_shape_of_the_public_tutorials(client):
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": "What is a mixture of experts model?"},
    ]
    answer = client.query("chat", {"messages": messages, "max_tokens": 256}).json
    created, id_ = answer.pop("created"), answer.pop("id")
    content = answer["choices"][0]["message"].pop("content")
    usage = answer.pop("usage")
    assert answer == {
        "object": "chat.completion",
        "model": "chat",
        "choices": [{"index": 0, "message": {"role": "assistant"}, "finish_reason": "stop"}],
    }
    assert type(created) is int
    assert id_.startswith("chatcmpl-")
    assert set(usage) == {"prompt_tokens", "completion_tokens", "total_tokens"}
    for part in ("Made-up", "local workspace", "chat", "gpt", "What is a mixture of experts"):
        assert part in content


def test_a_completions_answer_has_the_shape_of_the_public_tutorials(client):
    body = {
        "prompt": "What is the capital of France?",
        "temperature": 0.1,
        "max_tokens": 10,
        "n": 2,
    }
    answer = client.query("text", body).json
    assert answer.pop("id").startswith("cmpl-")
    assert type(answer.pop("created")) is int
    texts = [choice.pop("text") for choice in answer["choices"]]
    assert answer == {
        "object": "text_completion",
        "model": "gpt-3.5-turbo-instruct",
        "choices": [
            {"index": 0, "finish_reason": "length", "logprobs": None},
            {"index": 1, "finish_reason": "length", "logprobs": None},
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 20, "total_tokens": 27},
    }
    assert texts[0] != texts[1]


def test_each_prompt_of_a_list_is_answered_n_times_in_order(client):
    answer = client.query("text", {"prompt": ["red", "green"], "n": 2}).json
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    ends = [choice["text"].rsplit(" ", 1)[1] for choice in answer["choices"]]
    assert ends == ["red", "red", "green", "green"]
    assert answer["usage"]["prompt_tokens"] == 2


def test_usage_adds_up_and_counts_what_was_written(client):
    answer = client.ask("chat", "one two three").json
    usage = answer["usage"]
    assert usage["prompt_tokens"] == 3
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    shorter = {"max_tokens": usage["completion_tokens"] - 1}
    message = [{"role": "user", "content": "one two three"}]
    cut = client.query("chat", {"messages": message, **shorter}).json
    assert cut["usage"]["completion_tokens"] == usage["completion_tokens"] - 1
    assert cut["choices"][0]["finish_reason"] == "length"
    exact = client.query("chat", {"messages": message, "max_tokens": usage["completion_tokens"]})
    assert exact.json["choices"][0]["finish_reason"] == "stop"


def test_the_same_question_gets_the_same_answer_and_another_one_another(client):
    assert words_of(client.ask("chat", "why?")) == words_of(client.ask("chat", "why?"))
    assert words_of(client.ask("chat", "why?")) != words_of(client.ask("chat", "how?"))


def test_a_long_question_is_echoed_in_part(client):
    assert len(words_of(client.ask("chat", "word " * 1000))) < 500


def test_the_last_message_of_the_user_is_the_question(client):
    messages = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "user", "content": [{"type": "text", "text": "second"}, {"type": "image_url"}]},
        {"role": "tool", "content": "42"},
    ]
    content = words_of(client.query("chat", {"messages": messages}))
    assert content.endswith("You asked: second")


STOPS = [
    pytest.param("workspace", id="a string"),
    pytest.param(["no model", "workspace"], id="the first one that occurs"),
    pytest.param(["workspace", "Human:"], id="beside one that does not occur"),
]


@pytest.mark.parametrize("stop", STOPS)
def test_an_answer_ends_before_the_stop_sequence(client, stop):
    answer = client.query("text", {"prompt": "x", "stop": stop, "extra_params": {"top_p": 0.9}})
    choice = answer.json["choices"][0]
    assert choice["text"].endswith("from the local ")
    assert choice["finish_reason"] == "stop"


OPENAI = [
    pytest.param("chat/completions", "chat", {"messages": [{"role": "user", "content": "hi"}]}),
    pytest.param("completions", "text", {"prompt": "hi"}),
    pytest.param("embeddings", "vectors", {"input": "hi"}),
]


@pytest.mark.parametrize("slash", ["", "/"], ids=["without a slash", "with a slash"])
@pytest.mark.parametrize(("path", "name", "body"), OPENAI)
def test_an_openai_path_gives_the_answer_of_the_endpoint(client, path, name, body, slash):
    direct = client.post(f"/serving-endpoints/{name}/invocations{slash}", body).json
    named = client.post(f"/serving-endpoints/{path}{slash}", {**body, "model": name}).json
    for answer in (direct, named):
        answer.pop("created", None)
        answer.pop("id", None)
    assert named == direct


def test_every_answer_names_the_served_entity_and_says_that_it_is_made_up(client):
    answer = client.query("vectors", {"input": "hi"})
    assert answer.headers["served-model-name"] == "ada"
    assert answer.headers["x-made-up-by"] == "local workspace"


def test_a_token_may_be_sent_as_the_password_of_a_user_called_token(client):
    basic = base64.b64encode(f"token:{client.token}".encode()).decode()
    path, body = "/serving-endpoints/text/invocations", {"prompt": "What is a quoll?"}
    assert client.post(path, body, authorization=f"Basic {basic}").status == 200
    assert client.post(path, body, authorization="Basic dG9rZW46eA==").status == 401


HELLO = [{"role": "user", "content": "hello"}]
WRONG = [
    pytest.param("chat", {}, "BAD_REQUEST", id="chat without messages"),
    pytest.param("chat", {"messages": []}, "BAD_REQUEST", id="chat with no message"),
    pytest.param("chat", {"prompt": "x"}, "BAD_REQUEST", id="a prompt for chat"),
    pytest.param("chat", {"messages": "hi"}, "BAD_REQUEST", id="messages that are no list"),
    pytest.param("chat", {"messages": ["hi"]}, "INVALID_PARAMETER_VALUE", id="a message as text"),
    pytest.param(
        "chat",
        {"messages": [{"role": "robot", "content": "x"}]},
        "INVALID_PARAMETER_VALUE",
        id="a role nobody knows",
    ),
    pytest.param(
        "chat",
        {"messages": [{"role": "user"}]},
        "INVALID_PARAMETER_VALUE",
        id="a user who says nothing",
    ),
    pytest.param("vectors", {"messages": HELLO}, "BAD_REQUEST", id="chat for vectors"),
    pytest.param("text", {"messages": HELLO}, "BAD_REQUEST", id="chat for completions"),
    pytest.param("text", {"prompt": []}, "BAD_REQUEST", id="no prompt"),
    pytest.param("text", {"prompt": [1]}, "INVALID_PARAMETER_VALUE", id="a prompt of numbers"),
    pytest.param("text", b"{", "MALFORMED_REQUEST", id="a body that is no JSON"),
    pytest.param("text", b"[1]", "MALFORMED_REQUEST", id="a body that is no object"),
]
OPTIONS = [
    pytest.param({"max_tokens": 0}, id="no tokens"),
    pytest.param({"max_tokens": "10"}, id="tokens as text"),
    pytest.param({"max_completion_tokens": -1}, id="fewer than no tokens"),
    pytest.param({"n": 6}, id="more answers than the service gives"),
    pytest.param({"n": True}, id="answers as a truth value"),
    pytest.param({"temperature": 2.1}, id="too hot"),
    pytest.param({"top_p": -0.1}, id="a negative share"),
    pytest.param({"stop": 3}, id="a stop that is no text"),
    pytest.param({"stop": [3]}, id="stops that are no texts"),
    pytest.param({"stream": "yes"}, id="stream as text"),
]


@pytest.mark.parametrize(("name", "body", "code"), WRONG)
def test_a_query_that_does_not_fit_is_refused(client, name, body, code):
    answer = client.query(name, body)
    assert (answer.status, answer.json["error_code"]) == (400, code)
    assert answer.json["message"]


@pytest.mark.parametrize("options", OPTIONS)
def test_an_option_out_of_range_is_refused(client, options):
    answer = client.query("chat", {"messages": HELLO, **options})
    assert (answer.status, answer.json["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert next(iter(options)) in answer.json["message"]


def test_fields_nobody_knows_and_nulls_are_ignored(client):
    plain = words_of(client.query("chat", {"messages": HELLO}))
    body = {"messages": HELLO, "n": None, "stop": None, "max_tokens": None, "user": 7, "x": {}}
    assert words_of(client.query("chat", body)) == plain


WRONG_NAMES = [
    pytest.param({}, 400, "INVALID_PARAMETER_VALUE", id="no model"),
    pytest.param({"model": 3}, 400, "INVALID_PARAMETER_VALUE", id="a model that is no text"),
    pytest.param({"model": "nobody"}, 404, "RESOURCE_DOES_NOT_EXIST", id="no such endpoint"),
    pytest.param({"model": "vectors"}, 400, "BAD_REQUEST", id="an endpoint with another task"),
]


@pytest.mark.parametrize(("body", "status", "code"), WRONG_NAMES)
def test_an_openai_path_needs_a_fitting_endpoint(client, body, status, code):
    answer = client.post("/serving-endpoints/chat/completions", {"messages": HELLO, **body})
    assert (answer.status, answer.json["error_code"]) == (status, code)


def test_a_missing_endpoint_is_not_found(client):
    answer = client.ask("nobody")
    assert (answer.status, answer.json["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert "nobody" in answer.json["message"]
