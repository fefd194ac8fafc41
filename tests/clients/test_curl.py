"""Curl, in a shell and with the options of the public tutorials, asks the local workspace."""

from __future__ import annotations

import json
import subprocess

import pytest

pytestmark = pytest.mark.usefixtures("tutorial_endpoints")

CHAT = {
    "messages": [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": " What is a mixture of experts model?"},
    ]
}
COMMAND = """\
curl --silent \\
-u token:$DATABRICKS_TOKEN \\
-X POST \\
-H "Content-Type: application/json" \\
-d '{body}' \\
$DATABRICKS_HOST/serving-endpoints/{name}/invocations \\
"""


def asked(name, body):
    """What curl prints; it finds host and token in the environment."""
    command = COMMAND.format(name=name, body=json.dumps(body, indent=2))
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("name", ["bedrock-chat-completions-endpoint", "databricks-dbrx-instruct"])
def test_chat(name):
    answer = json.loads(asked(name, CHAT))
    assert answer["object"] == "chat.completion"
    assert "mixture of experts" in answer["choices"][0]["message"]["content"]


def test_chat_as_a_stream():
    name = "databricks-dbrx-instruct"
    *events, end = asked(name, {**CHAT, "stream": True}).split("\n\n")[:-1]
    assert end == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    said = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert said == json.loads(asked(name, CHAT))["choices"][0]["message"]["content"]


@pytest.mark.parametrize("name", ["cohere-embeddings-endpoint", "databricks-gte-large-en"])
def test_embeddings(name):
    answer = json.loads(asked(name, {"input": "Embed this sentence!"}))
    assert (answer["object"], len(answer["data"][0]["embedding"])) == ("list", 1024)


def test_completions():
    answer = json.loads(
        asked("openai-completions-endpoint", {"prompt": "What is a quoll?", "max_tokens": 64})
    )
    assert answer["object"] == "text_completion"
    assert "What is a quoll?" in answer["choices"][0]["text"]
