"""LangChain's unmodified classes for Databricks ask the local workspace: `make langchain`."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("databricks_langchain", reason="it is in the extra `langchain`: 700 MB")

# Its parts warn about one another; what they do is what counts here.
pytestmark = pytest.mark.filterwarnings("ignore")

CHATS = ["databricks-dbrx-instruct", "bedrock-chat-completions-endpoint"]
EMBEDDERS = ["databricks-gte-large-en", "cohere-embeddings-endpoint"]
QUESTION = "What is a mixture of experts model?"


@pytest.fixture(params=CHATS)
def chat(server, tutorial_endpoints, request):
    from databricks_langchain import ChatDatabricks

    # One tutorial's code says `endpoint_name`, where its text says `endpoint`: the class itself
    # refuses that, whatever the server.
    return ChatDatabricks(endpoint=request.param, max_tokens=256)


@pytest.fixture
def messages():
    from langchain_core.messages import HumanMessage, SystemMessage

    return [SystemMessage(content="You're a helpful assistant"), HumanMessage(content=QUESTION)]


@pytest.fixture(params=EMBEDDERS)
def embeddings(server, tutorial_endpoints, request):
    from databricks_langchain import DatabricksEmbeddings

    return DatabricksEmbeddings(endpoint=request.param)


def test_chat(chat, messages):
    answer = chat.invoke(messages)
    assert "mixture of experts" in answer.content
    assert answer.response_metadata["finish_reason"] == "stop"
    used = answer.usage_metadata
    assert used["total_tokens"] == used["input_tokens"] + used["output_tokens"] > 0


def test_chat_as_a_stream(chat, messages):
    chunks = [chunk.content for chunk in chat.stream(messages)]
    assert len(chunks) > 2
    assert "".join(chunks) == chat.invoke(messages).content


def test_a_tool_is_called(chat, messages):
    def weather(city: str) -> str:
        """The weather of a city."""
        return city

    answer = chat.bind_tools([weather], tool_choice="weather").invoke(messages)
    (call,) = answer.tool_calls
    assert (call["name"], set(call["args"])) == ("weather", {"city"})


def test_embeddings(embeddings):
    vector = embeddings.embed_query("Can you explain AI in ten words?")
    assert len(vector) == 1024
    assert math.isclose(math.hypot(*vector), 1, abs_tol=1e-3)
    others = embeddings.embed_documents(["x", "Can you explain AI in ten words?"])
    assert others[1] == vector != others[0]
