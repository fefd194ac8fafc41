"""Asks one endpoint one question, in the shape that its task wants."""

from __future__ import annotations

from typing import Any

from provisioner.errors import RefusedError, ServiceError, UnreachableError
from provisioner.errors.wording import listed
from provisioner.kinds.model_serving_endpoints.invocation.replies import (
    refusal,
    served_by,
    text_of,
    tokens_of,
)
from provisioner.kinds.model_serving_endpoints.invocation.requests import (
    BODIES,
    invocations,
    task_of,
)
from provisioner.kinds.model_serving_endpoints.planning.calls import endpoint_path
from provisioner.model.connection import MISSING, Connection
from provisioner.model.paths import Document
from provisioner.model.query import Answer, Question

BAD = 400


def ask(connection: Connection, name: str, question: Question) -> Answer:
    """Put ``question`` to the endpoint ``name`` and return its answer.

    Two requests: one to learn the task, one to ask. Raises RefusedError when there is no
    such endpoint or its task takes no prompt, ServiceError when the service says no.
    Source: databricks-sdk service/serving.py `query`; the path has no /api/2.0.
    """
    endpoint = connection.get(endpoint_path(name), absent=MISSING)
    if endpoint is None:
        raise RefusedError.of("E441", f"there is no endpoint `{name}`", hint="is it applied?")
    task = task_of(endpoint)
    path = invocations(name, question.entity)
    reply = connection.ask(path, _body(name, task, question), question.timeout_s)
    if reply.status >= BAD:
        code = str(reply.document.get("error_code", ""))
        raise ServiceError(reply.status, code, refusal(reply), f"POST {path}")
    answer = reply.document
    text = text_of(answer)
    if text is None:
        message = f"`{name}` answered, but not as the task `{task or 'unknown'}` does"
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
            f"the endpoint `{name}` takes no prompt: its task is `{task or 'unknown'}`",
            hint="send a body of its own with --file; a prompt can be sent for " + listed(BODIES),
        )
    return {**BODIES[task](question.prompt), **more}
