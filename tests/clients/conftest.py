"""A local workspace that real clients find through their usual environment variables."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import Running, running

# A provider of the public tutorials -> the block that its entities carry.
PROVIDERS = {
    "openai": {"openai_config": {"openai_api_key_plaintext": "sk-yourApiKey"}},
    "anthropic": {"anthropic_config": {"anthropic_api_key_plaintext": "sk-ant"}},
    "cohere": {"cohere_config": {"cohere_api_key_plaintext": "co"}},
    "amazon-bedrock": {
        "amazon_bedrock_config": {
            "aws_region": "us-east-1",
            "bedrock_provider": "anthropic",
            "aws_access_key_id_plaintext": "AKIA",
            "aws_secret_access_key_plaintext": "x",
        }
    },
}


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(Settings()) as started, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABRICKS_HOST", started.url)
        patch.setenv("DATABRICKS_TOKEN", started.token)
        yield started


@pytest.fixture(scope="module")
def post(server: Running) -> Callable[[str, Any], Any]:
    def sent(path: str, body: Any) -> Any:
        headers = {"authorization": f"Bearer {server.token}"}
        request = urllib.request.Request(server.url + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    return sent


@pytest.fixture(scope="module")
def serve(post: Callable[[str, Any], Any]) -> Callable[..., None]:
    """Create an endpoint with one external model; ``rest`` is laid beside its config."""

    def created(name: str, provider: str, model: str, task: str, **rest: Any) -> None:
        external = {"name": model, "provider": provider, "task": f"llm/v1/{task}"}
        entity = {"name": "entity", "external_model": {**external, **PROVIDERS[provider]}}
        body = {"name": name, "config": {"served_entities": [entity]}, **rest}
        post("/api/2.0/serving-endpoints", body)

    return created


@pytest.fixture(scope="module")
def tutorial_endpoints(serve: Callable[..., None]) -> None:
    """The endpoints that the public tutorials query, with their names."""
    claude = "anthropic.claude-v2"
    # With two hyphens, too: one tutorial spells it so.
    serve("bedrock-chat-completions-endpoint", "amazon-bedrock", claude, "chat")
    serve("bedrock--chat-completions-endpoint", "amazon-bedrock", claude, "chat")
    serve("cohere-embeddings-endpoint", "cohere", "embed-english-v3.0", "embeddings")
    serve("anthropic-completions-endpoint", "anthropic", "claude-2", "completions")
    serve("openai-completions-endpoint", "openai", "gpt-3.5-turbo-instruct", "completions")
