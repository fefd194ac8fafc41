"""What a snippet asks: the first fitting question of the endpoint's checks, or a made-up one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.invocation.checks import PARAMETERS
from provisioner.kinds.model_serving_endpoints.invocation.requests import (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    FRAMES,
)
from provisioner.model.paths import Document
from provisioner.model.query import NoSnippetError, Reached

HOST: Final = "DATABRICKS_HOST"
TOKEN: Final = "DATABRICKS_TOKEN"

NAMES: Final = {
    "openai": "the OpenAI client for Python",
    "curl": "curl in a shell",
    "mlflow": "the deployments client of MLflow",
    "sdk": "the Databricks SDK for Python",
    "langchain": "LangChain for Python",
    "sql": "ai_query in Databricks SQL",
}


def no_snippet(client: str, why: str, other: str = "") -> NoSnippetError:
    """Why there is none for ``client``, and which one to use instead."""
    hint = f"use `--client {other}`" if other else ""
    message = f"{NAMES[client]} cannot query it: {why}"
    error = NoSnippetError.of("E751", message, hint)
    error.why = why
    return error


PROMPT: Final = "What is a mixture of experts model?"
MADE_UP: Final[Mapping[str, Document]] = {
    CHAT: {
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": PROMPT},
        ],
        "max_tokens": 256,
    },
    COMPLETIONS: {"prompt": PROMPT, "max_tokens": 256},
    EMBEDDINGS: {"input": PROMPT},
}
ROWS: Final[Document] = {"dataframe_records": [{"feature_a": 1.5, "feature_b": "x"}]}
"""For custom models: what columns they want is in their signature, which is not known here."""


def example(reached: Reached, task: str) -> Document:
    """The body of a request to the endpoint."""
    for check in reached.checks:
        body = _of_check(check, task)
        # What a guardrail must refuse is no example of a question.
        if body and check.get("expect", {}).get("status", 200) == 200:
            return body
    return MADE_UP.get(task, ROWS)


def _of_check(check: Mapping[str, Any], task: str) -> Document:
    parameters = {name: check[name] for name in PARAMETERS if name in check}
    if task == CHAT and "messages" in check:
        return {"messages": check["messages"], **parameters}
    if task == CHAT and "prompt" in check:
        return {"messages": [{"role": "user", "content": check["prompt"]}], **parameters}
    if task == COMPLETIONS and "prompt" in check:
        return {"prompt": check["prompt"], **parameters}
    if task == EMBEDDINGS and "input" in check:
        return {"input": check["input"]}
    if task not in MADE_UP:
        return {name: check[name] for name in FRAMES if name in check}
    return {}
