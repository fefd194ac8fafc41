"""Asks one endpoint one question, in the shape that its task wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from provisioner.errors import RefusedError, UnreachableError
from provisioner.kinds.model_serving_endpoints.parts import external_models
from provisioner.resource import Answer, Connection
from provisioner.semantics import Document

CHAT, COMPLETIONS, EMBEDDINGS = "llm/v1/chat", "llm/v1/completions", "llm/v1/embeddings"

BODIES: Mapping[str, Callable[[str], Document]] = {
    CHAT: lambda prompt: {"messages": [{"role": "user", "content": prompt}]},
    COMPLETIONS: lambda prompt: {"prompt": prompt},
    EMBEDDINGS: lambda prompt: {"input": prompt},
}


def ask(connection: Connection, name: str, prompt: str) -> Answer:
    """Send ``prompt`` to the endpoint ``name`` and return its answer.

    Two requests: one to learn the task, one to ask. Raises RefusedError when there is no
    such endpoint or its task takes no prompt, ServiceError when the service says no.
    Source: databricks-sdk service/serving.py `query`; the path has no /api/2.0.
    """
    endpoint = connection.get(f"/api/2.0/serving-endpoints/{quote(name, safe='')}")
    if endpoint is None:
        raise RefusedError.of("E441", f"there is no endpoint `{name}`", hint="is it applied?")
    task = task_of(endpoint)
    if task not in BODIES:
        raise RefusedError.of(
            "E442",
            f"the endpoint `{name}` takes no prompt: its task is `{task or 'unknown'}`",
            hint="a prompt can be sent for " + ", ".join(f"`{known}`" for known in BODIES),
        )
    path = f"/serving-endpoints/{quote(name, safe='')}/invocations"
    # A question costs tokens, so a lost answer is not asked for again behind one's back.
    answer = connection.send("POST", path, BODIES[task](prompt), repeatable=False)
    return Answer(name, task, _text(task, answer), answer)


def task_of(endpoint: Document) -> str:
    """The task of a live endpoint; ``""`` where none can be found.

    The top-level field is there for external and foundation models; a fresh endpoint may
    lack it, its entities do not.
    """
    if endpoint.get("task"):
        return str(endpoint["task"])
    for which in ("config", "pending_config"):
        for model in external_models({"config": endpoint.get(which)}):
            if model.value.get("task"):
                return str(model.value["task"])
    return ""


def _text(task: str, answer: Document) -> str:
    try:
        return READERS[task](answer)
    except (KeyError, IndexError, TypeError) as error:
        raise UnreachableError.of(
            "E443", f"the answer is not one of the task `{task}`: {error!r}"
        ) from error


def _embedding(answer: Document) -> str:
    vector: list[float] = answer["data"][0]["embedding"]
    norm = sum(number * number for number in vector) ** 0.5
    start = ", ".join(f"{number:.4f}" for number in vector[:4])
    return f"[{start}, ...]  ({len(vector)} numbers, norm {norm:.3f})"


READERS: Mapping[str, Callable[[Any], str]] = {
    CHAT: lambda answer: str(answer["choices"][0]["message"]["content"]),
    COMPLETIONS: lambda answer: str(answer["choices"][0]["text"]),
    EMBEDDINGS: _embedding,
}
