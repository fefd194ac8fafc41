"""Requests in the shape of an endpoint's task. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from provisioner.errors import RefusedError, ServiceError, UnreachableError
from provisioner.errors.wording import listed
from provisioner.kinds.model_serving_endpoints.document import (
    ENTITIES,
    external_models,
    is_custom,
    parts_of,
)
from provisioner.kinds.model_serving_endpoints.invocation.replies import (
    refusal,
    served_by,
    text_of,
    tokens_of,
)
from provisioner.kinds.model_serving_endpoints.planning.calls import endpoint_path
from provisioner.model.connection import MISSING, Connection
from provisioner.model.paths import Document
from provisioner.model.query import Answer, Question

CHAT, COMPLETIONS, EMBEDDINGS = "llm/v1/chat", "llm/v1/completions", "llm/v1/embeddings"
CUSTOM: Final = "custom"
"""Of registered models: the service has no word for what they do."""

BODIES: Final[Mapping[str, Callable[[str], Document]]] = {
    CHAT: lambda prompt: {"messages": [{"role": "user", "content": prompt}]},
    COMPLETIONS: lambda prompt: {"prompt": prompt},
    EMBEDDINGS: lambda prompt: {"input": prompt},
}
"""What a prompt looks like for each task that takes one."""

FRAMES: Final = ("dataframe_split", "dataframe_records", "instances", "inputs")
"""The fields of which custom models want exactly one. Source: serving-endpoints/query."""


def invocations(name: str, entity: str = "") -> str:
    """Where the endpoint ``name`` is asked, or one served entity of it. No ``/api/2.0``."""
    served = f"/served-models/{quote(entity, safe='')}" if entity else ""
    return f"/serving-endpoints/{quote(name, safe='')}{served}/invocations"


def task_of(endpoint: Mapping[str, Any]) -> str:
    """The task of an endpoint, declared or live; ``""`` where none can be found.

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


def asked_as(endpoint: Mapping[str, Any]) -> str:
    """The task of an endpoint, ``CUSTOM`` for registered models, ``""`` where it is unknown."""
    task = task_of(endpoint)
    if task:
        return task
    entities = [entity.value for entity in parts_of(dict(endpoint), ENTITIES)]
    names = [str(entity.get("entity_name", "")) for entity in entities if is_custom(entity)]
    # Models of `system.ai` are foundation models, and tell their task only when they serve.
    custom = names and all(name and not name.startswith("system.ai.") for name in names)
    return CUSTOM if custom else ""


# Asks one endpoint one question, in the shape that its task wants.

BAD = 400


def ask(connection: Connection, name: str, question: Question) -> Answer:
    """Put ``question`` to the endpoint ``name`` and return its answer.

    Two requests: one to learn the task, one to ask. Raises RefusedError when there is no
    such endpoint or its task takes no prompt, ServiceError when the service says no.
    Source: databricks-sdk service/serving.py `query`; the path has no /api/2.0.
    """
    endpoint = connection.get(endpoint_path(name), absent=MISSING)
    if endpoint is None:
        raise RefusedError.of(
            "E441", f"there is no endpoint `{name}`", hint="run `provisioner apply` first"
        )
    task = task_of(endpoint)
    path = invocations(name, question.entity)
    return answered(connection, path, (name, task), question)


def answered(
    connection: Connection, path: str, target: tuple[str, str], question: Question, **fields: Any
) -> Answer:
    """Sends ``question`` to ``path`` and reads the answer; ``asked`` are the name and its task.

    ``fields`` are sent besides. Raises as ``ask`` does.
    """
    name, task = target
    body = {**fields, **_body(name, task, question)}
    reply = connection.ask(path, body, question.timeout_s)
    if reply.status >= BAD:
        code = str(reply.document.get("error_code", ""))
        raise ServiceError(reply.status, code, refusal(reply), f"POST {path}")
    answer = reply.document
    text = text_of(answer)
    if text is None:
        message = f"`{name}` answered, but not in the format of the task `{task or 'unknown'}`"
        raise UnreachableError.of("E443", message)
    return Answer(name, task, text, answer, served_by(reply), reply.duration_ms, tokens_of(answer))


def _body(name: str, task: str, question: Question) -> Document:
    more: dict[str, Any] = {}
    if question.max_tokens is not None:
        more["max_tokens"] = question.max_tokens
    if question.body is not None:
        return {**question.body, **more}
    if task not in BODIES:
        raise RefusedError.of(
            "E442",
            f"`{name}` does not accept a prompt: its task is `{task or 'unknown'}`",
            hint="send the request body with --file; a prompt works for " + listed(BODIES),
        )
    return {**BODIES[task](question.prompt), **more}
