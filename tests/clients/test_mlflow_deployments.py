"""The unmodified MLflow deployments client: the tutorial on external models from end to end."""

from __future__ import annotations

import pytest

# The tutorials call the client as it was in its first version.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Passing 'name', 'config':UserWarning"),
    pytest.mark.filterwarnings("ignore:The `update_endpoint` method is deprecated:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*[.]update_endpoint`` is deprecated:FutureWarning"),
]

COMPLETIONS = "openai-completions-endpoint"
OPENAI = {
    "name": "gpt-3.5-turbo-instruct",
    "provider": "openai",
    "task": "llm/v1/completions",
}
BLOCKS = [
    pytest.param(
        {"openai_api_key": "{{secrets/my_openai_secret_scope/openai_api_key}}"}, id="a secret"
    ),
    pytest.param({"openai_api_key_plaintext": "sk-yourApiKey"}, id="plaintext"),
    pytest.param(
        {
            "openai_api_type": "azure",
            "openai_api_key": "{{secrets/my_openai_secret_scope/openai_api_key}}",
            "openai_api_base": "https://my-azure-openai-endpoint.openai.azure.com",
            "openai_deployment_name": "my-gpt-35-turbo-deployment",
            "openai_api_version": "2023-05-15",
        },
        id="Azure",
    ),
]


@pytest.fixture(scope="module")
def client(server):
    import mlflow.deployments

    return mlflow.deployments.get_deploy_client("databricks")


@pytest.fixture(scope="module", autouse=True)
def _secrets(post):
    for provider in ("openai", "anthropic"):
        scope = f"my_{provider}_secret_scope"
        post("/api/2.0/secrets/scopes/create", {"scope": scope})
        key = {"scope": scope, "key": f"{provider}_api_key", "string_value": "sk-x"}
        post("/api/2.0/secrets/put", key)


@pytest.fixture
def endpoint(client):
    """Creates endpoints and deletes them afterwards: the tutorial uses one name several times."""
    made = []

    def create(name, entity_name, external_model):
        entity = {"name": entity_name, "external_model": external_model}
        created = client.create_endpoint(name=name, config={"served_entities": [entity]})
        made.append(name)
        return created

    yield create
    for name in made:
        client.delete_endpoint(name)


@pytest.mark.parametrize("block", BLOCKS)
def test_an_endpoint_is_created_and_answers(client, endpoint, block):
    created = endpoint(COMPLETIONS, "openai-completions", {**OPENAI, "openai_config": block})
    assert created["name"] == COMPLETIONS
    answer = client.predict(
        endpoint=COMPLETIONS,
        inputs={
            "prompt": "What is the capital of France?",
            "temperature": 0.1,
            "max_tokens": 10,
            "n": 2,
        },
    )
    assert answer["object"] == "text_completion"
    assert answer["model"] == "gpt-3.5-turbo-instruct"
    assert [set(choice) for choice in answer["choices"]] == [
        {"text", "index", "finish_reason", "logprobs"}
    ] * 2
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_the_answers_of_two_providers_are_compared(client, endpoint):
    endpoint(COMPLETIONS, "openai-completions", {**OPENAI, "openai_config": BLOCKS[0].values[0]})
    endpoint(
        "anthropic-completions-endpoint",
        "claude-completions",
        {
            "name": "claude-2",
            "provider": "anthropic",
            "task": "llm/v1/completions",
            "anthropic_config": {
                "anthropic_api_key": "{{secrets/my_anthropic_secret_scope/anthropic_api_key}}"
            },
        },
    )
    inputs = {"prompt": "How is Pi calculated? Be very concise."}
    answers = [
        client.predict(endpoint=name, inputs=inputs)
        for name in (COMPLETIONS, "anthropic-completions-endpoint")
    ]
    texts = [answer["choices"][0]["text"] for answer in answers]
    assert texts[0] != texts[1]
    assert all("How is Pi calculated?" in text for text in texts)


def test_the_limit_of_calls_is_changed(client, endpoint, server):
    endpoint(COMPLETIONS, "openai-completions", {**OPENAI, "openai_config": BLOCKS[1].values[0]})
    limits = [{"key": "user", "renewal_period": "minute", "calls": 20}]
    answer = client.update_endpoint(endpoint=COMPLETIONS, config={"rate_limits": limits})
    assert answer["rate_limits"] == limits
    for _ in range(20):
        client.predict(endpoint=COMPLETIONS, inputs={"prompt": "x"})
    refused = raw_status(server, COMPLETIONS)
    assert refused == 429


def raw_status(server, name):
    """The status of one query without the client, which would wait for its turn."""
    import requests

    url = f"{server.url}/serving-endpoints/{name}/invocations"
    return requests.post(url, json={"prompt": "x"}, auth=("token", server.token)).status_code


def test_chat_and_embeddings(client, tutorial_endpoints):
    messages = [
        {"role": "user", "content": "Hello!"},
        {"role": "assistant", "content": "Hello! How can I assist you today?"},
        {"role": "user", "content": "What is a mixture of experts model??"},
    ]
    inputs = {"messages": messages, "temperature": 0.1, "max_tokens": 20}
    for name in ("bedrock--chat-completions-endpoint", "databricks-dbrx-instruct"):
        answer = client.predict(endpoint=name, inputs=inputs)
        assert answer["choices"][0]["message"]["role"] == "assistant"
        assert answer["usage"]["completion_tokens"] == 20
    for name in ("cohere-embeddings-endpoint", "databricks-gte-large-en"):
        answer = client.predict(endpoint=name, inputs={"input": "Here is some text to embed"})
        assert len(answer["data"][0]["embedding"]) == 1024


def test_an_answer_as_a_stream(client):
    inputs = {"messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 5}
    chunks = list(client.predict_stream(endpoint="databricks-dbrx-instruct", inputs=inputs))
    whole = client.predict(endpoint="databricks-dbrx-instruct", inputs=inputs)
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert text == whole["choices"][0]["message"]["content"]


def test_endpoints_are_listed_and_deleted(client, serve):
    serve("passing", "openai", "gpt-4o", "chat")
    assert "passing" in [each["name"] for each in client.list_endpoints()]
    client.delete_endpoint("passing")
    assert "passing" not in [each["name"] for each in client.list_endpoints()]
