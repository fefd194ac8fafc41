"""The unmodified OpenAI client against the local workspace: the calls of the public tutorials."""

from __future__ import annotations

import json
import math

import pytest

QUESTION = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "What is a mixture of experts model?"},
]


@pytest.fixture(scope="module")
def openai(server, tutorial_endpoints):
    from openai import OpenAI

    base_url = f"{server.url}/serving-endpoints"
    with OpenAI(api_key=server.token, base_url=base_url, max_retries=0) as client:
        yield client


CHATS = [
    "databricks-meta-llama-3-1-405b-instruct",
    "databricks-dbrx-instruct",
    "bedrock-chat-completions-endpoint",
]


@pytest.mark.parametrize("name", CHATS)
def test_chat(openai, name):
    answer = openai.chat.completions.create(messages=QUESTION, model=name, max_tokens=256)
    choice = answer.choices[0]
    assert (answer.object, answer.model) == ("chat.completion", name)
    assert (choice.message.role, choice.finish_reason) == ("assistant", "stop")
    assert "mixture of experts" in choice.message.content
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_chat_as_a_stream(openai):
    whole = openai.chat.completions.create(messages=QUESTION, model=CHATS[0])
    with openai.chat.completions.create(
        messages=QUESTION, model=CHATS[0], stream=True, stream_options={"include_usage": True}
    ) as stream:
        *chunks, last = stream
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert (last.choices, last.usage) == ([], whole.usage)


def test_completions(openai):
    answer = openai.completions.create(
        model="anthropic-completions-endpoint", prompt="what is databricks", temperature=1.0
    )
    assert "what is databricks" in answer.choices[0].text
    assert (answer.object, answer.model) == ("text_completion", "claude-2")


def test_completions_as_a_stream(openai):
    asked = {"model": "openai-completions-endpoint", "prompt": ["a", "b"], "max_tokens": 4}
    whole = openai.completions.create(**asked)
    texts = ["", ""]
    with openai.completions.create(**asked, stream=True) as stream:
        for chunk in stream:
            texts[chunk.choices[0].index] += chunk.choices[0].text
    assert texts == [choice.text for choice in whole.choices]


EMBEDDERS = ["cohere-embeddings-endpoint", "databricks-gte-large-en"]


@pytest.mark.parametrize("name", EMBEDDERS)
def test_embeddings(openai, name):
    # The client asks for base64 of its own accord and decodes it.
    answer = openai.embeddings.create(model=name, input="what is databricks")
    (row,) = answer.data
    assert len(row.embedding) == 1024
    assert math.isclose(math.hypot(*row.embedding), 1, abs_tol=1e-3)
    floats = openai.embeddings.create(
        model=name, input=["x", "what is databricks"], encoding_format="float"
    )
    assert floats.data[1].embedding == row.embedding


def test_a_tool_call(openai):
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    answer = openai.chat.completions.create(
        messages=QUESTION,
        model=CHATS[0],
        tools=[{"type": "function", "function": {"name": "weather", "parameters": parameters}}],
        tool_choice={"type": "function", "function": {"name": "weather"}},
    )
    (call,) = answer.choices[0].message.tool_calls
    assert call.function.name == "weather"
    assert set(json.loads(call.function.arguments)) == {"city"}


def test_an_answer_that_is_parsed_into_a_model_of_the_user(openai):
    from pydantic import BaseModel

    class Step(BaseModel):
        title: str
        seconds: int | None

    class Recipe(BaseModel):
        steps: list[Step]

    answer = openai.chat.completions.parse(
        messages=QUESTION, model=CHATS[0], response_format=Recipe
    )
    assert answer.choices[0].message.parsed.steps


def test_a_limit_is_an_error_of_its_own_with_the_time_to_wait(openai, serve):
    from openai import RateLimitError

    limits = {"rate_limits": [{"calls": 1, "renewal_period": "minute"}]}
    serve("limited", "openai", "gpt-4o", "chat", ai_gateway=limits)
    openai.chat.completions.create(messages=QUESTION, model="limited")
    with pytest.raises(RateLimitError) as caught:
        openai.chat.completions.create(messages=QUESTION, model="limited")
    assert 1 <= int(caught.value.response.headers["retry-after"]) <= 60
    assert caught.value.body["error_code"] == "REQUEST_LIMIT_EXCEEDED"


def test_errors_have_the_classes_that_users_catch(openai):
    from openai import AuthenticationError, BadRequestError, NotFoundError

    with pytest.raises(NotFoundError, match="nobody"):
        openai.chat.completions.create(messages=QUESTION, model="nobody")
    with pytest.raises(BadRequestError, match="embeddings"):
        openai.chat.completions.create(messages=QUESTION, model=EMBEDDERS[0])
    with pytest.raises(AuthenticationError):
        openai.with_options(api_key="dapi-wrong").embeddings.create(model="x", input="x")
