"""The unmodified Databricks SDK queries the local workspace as the public tutorials do."""

from __future__ import annotations

import time

import pytest


@pytest.fixture(scope="module")
def workspace(server, tutorial_endpoints):
    from databricks.sdk import WorkspaceClient

    return WorkspaceClient()


CHATS = ["bedrock-chat-completions-endpoint", "databricks-dbrx-instruct"]


@pytest.mark.parametrize("name", CHATS)
def test_chat(workspace, name):
    from databricks.sdk.service.serving import ChatMessage, ChatMessageRole

    answer = workspace.serving_endpoints.query(
        name=name,
        messages=[
            ChatMessage(role=ChatMessageRole.SYSTEM, content="You are a helpful assistant."),
            ChatMessage(role=ChatMessageRole.USER, content="What is a mixture of experts model?"),
        ],
        max_tokens=128,
    )
    assert "mixture of experts" in answer.choices[0].message.content
    assert answer.choices[0].message.role is ChatMessageRole.ASSISTANT
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.served_model_name


def test_completions(workspace):
    prompt = "Write 3 reasons why you should train an AI model on domain specific data sets."
    answer = workspace.serving_endpoints.query(name="openai-completions-endpoint", prompt=prompt)
    assert "Write 3 reasons" in answer.choices[0].text
    assert (answer.model, answer.served_model_name) == ("gpt-3.5-turbo-instruct", "entity")


@pytest.mark.parametrize("name", ["cohere-embeddings-endpoint", "databricks-gte-large-en"])
def test_embeddings(workspace, name):
    answer = workspace.serving_endpoints.query(name=name, input="Embed this sentence!")
    assert len(answer.data[0].embedding) == 1024


def test_a_custom_model(workspace, post):
    entity = {
        "name": "champion",
        "entity_name": "ml.risk.fraud",
        "entity_version": "3",
        "workload_size": "Small",
        "scale_to_zero_enabled": True,
    }
    post(
        "/api/2.0/serving-endpoints",
        {"name": "fraud", "config": {"served_entities": [entity]}},
    )
    answer = workspace.serving_endpoints.query(
        name="fraud", dataframe_records=[{"amount": 1}, {"amount": 2}]
    )
    assert len(answer.predictions) == 2


@pytest.fixture
def openai(workspace):
    """The OpenAI client that the SDK makes."""
    # The SDK says that another package has taken this over; the tutorials still use it.
    with pytest.warns(DeprecationWarning, match="get_open_ai_client"):
        made = workspace.serving_endpoints.get_open_ai_client()
    with made as client:
        yield client


CONVERSATION = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "What is a mixture of experts model?"},
]


def test_chat_by_the_openai_client_of_the_sdk(openai):
    name = "databricks-dbrx-instruct"
    answer = openai.chat.completions.create(model=name, messages=CONVERSATION, max_tokens=256)
    assert "mixture of experts" in answer.choices[0].message.content


def test_chat_as_a_stream_by_the_openai_client_of_the_sdk(openai):
    asked = {"model": "databricks-dbrx-instruct", "messages": CONVERSATION, "max_tokens": 256}
    whole = openai.chat.completions.create(**asked)
    with openai.chat.completions.create(**asked, stream=True) as stream:
        parts = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert len(parts) > 2
    assert "".join(parts) == whole.choices[0].message.content


@pytest.mark.parametrize("name", ["cohere-embeddings-endpoint", "databricks-gte-large-en"])
def test_embeddings_by_the_openai_client_of_the_sdk(openai, name):
    answer = openai.embeddings.create(model=name, input="what is databricks")
    assert len(answer.data[0].embedding) == 1024


def test_completions_by_the_openai_client_of_the_sdk(openai):
    asked = {
        "model": "anthropic-completions-endpoint",
        "prompt": "what is databricks",
        "temperature": 1.0,
    }
    whole = openai.completions.create(**asked).choices[0].text
    assert "what is databricks" in whole
    with openai.completions.create(**asked, stream=True) as stream:
        assert "".join(chunk.choices[0].text for chunk in stream) == whole


def test_errors_have_the_classes_that_users_catch(workspace):
    from databricks.sdk.errors import BadRequest, ResourceDoesNotExist

    with pytest.raises(ResourceDoesNotExist, match="nobody"):
        workspace.serving_endpoints.query(name="nobody", prompt="x")
    with pytest.raises(BadRequest, match="'input'"):
        workspace.serving_endpoints.query(name="cohere-embeddings-endpoint", prompt="x")


def test_a_client_that_waits_as_long_as_it_is_told_gets_its_answer(
    workspace, serve, post, monkeypatch
):
    limits = {"rate_limits": [{"calls": 1, "renewal_period": "minute"}]}
    serve("patient", "openai", "gpt-3.5-turbo-instruct", "completions", ai_gateway=limits)
    slept_s = []

    def sleep(seconds):
        slept_s.append(seconds)
        post("/__emulator__/clock", {"advance_s": seconds})

    monkeypatch.setattr(time, "sleep", sleep)
    for _ in range(2):
        answer = workspace.serving_endpoints.query(name="patient", prompt="x")
        assert answer.choices
    (waited_s,) = slept_s
    # A minute, and up to a second that the SDK adds.
    assert 50 < waited_s < 62
