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


def test_a_response(openai):
    answer = openai.responses.create(
        model=CHATS[0],
        instructions="You are a helpful assistant.",
        input="What is a mixture of experts model?",
    )
    assert (answer.object, answer.status, answer.model) == ("response", "completed", CHATS[0])
    assert "mixture of experts" in answer.output_text
    usage = answer.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens > 0


def test_a_response_to_a_conversation_that_is_cut(openai):
    answer = openai.responses.create(
        model=CHATS[1],
        input=[
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": [{"type": "output_text", "text": "hi"}]},
            {"role": "user", "content": [{"type": "input_text", "text": "and now?"}]},
        ],
        max_output_tokens=16,
    )
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert answer.usage.output_tokens == 16


def test_a_response_as_a_stream(openai):
    with openai.responses.create(model=CHATS[0], input="hello", stream=True) as stream:
        events = list(stream)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(one.delta for one in events if one.type == "response.output_text.delta")
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == text
    assert "You asked: hello" in text


def test_the_client_puts_a_streamed_response_together(openai):
    with openai.responses.stream(model=CHATS[0], input="hello") as stream:
        whole = stream.get_final_response()
    assert "You asked: hello" in whole.output_text


WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}


def test_a_response_that_calls_a_function_and_gets_its_output(openai):
    tool = {"type": "function", "name": "weather", "parameters": WEATHER, "strict": True}
    choice = {"type": "function", "name": "weather"}
    with openai.responses.create(
        model=CHATS[0], input="Rain?", tools=[tool], tool_choice=choice, stream=True
    ) as stream:
        answer = list(stream)[-1].response
    (call,) = answer.output
    assert (call.type, call.name) == ("function_call", "weather")
    assert set(json.loads(call.arguments)) == {"city", "days"}
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    asked = {"role": "user", "content": "Rain?"}
    second = openai.responses.create(
        model=CHATS[0], input=[asked, call.model_dump(), output], tools=[tool]
    )
    assert "Rain?" in second.output_text


def test_a_response_in_the_form_of_a_schema(openai):
    form = {"type": "json_schema", "name": "forecast", "schema": WEATHER, "strict": True}
    answer = openai.responses.create(model=CHATS[0], input="Rain?", text={"format": form})
    assert set(json.loads(answer.output_text)) == {"city", "days"}


@pytest.mark.parametrize(
    "body",
    [
        {"input": []},
        {"input": "x", "previous_response_id": "resp_1"},
        {"input": [{"type": "image_generation_call"}]},
    ],
    ids=["nothing asked", "a response that is not kept", "an item nobody knows"],
)
def test_a_response_that_cannot_be(openai, body):
    from openai import BadRequestError

    with pytest.raises(BadRequestError):
        openai.responses.create(model=CHATS[0], **body)


def test_the_endpoints_are_the_models(openai):
    names = [model.id for model in openai.models.list()]
    assert {*CHATS, "openai-completions-endpoint"} <= set(names)
    assert openai.models.retrieve(CHATS[0]).owned_by == "databricks"


def test_the_other_address_that_databricks_own_client_knows(server):
    from openai import OpenAI

    base_url = f"{server.url}/ai-gateway/mlflow/v1"
    with OpenAI(api_key=server.token, base_url=base_url, max_retries=0) as client:
        answer = client.chat.completions.create(model=CHATS[0], messages=QUESTION)
    assert "mixture of experts" in answer.choices[0].message.content
