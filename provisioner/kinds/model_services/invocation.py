"""How a model service is asked: one question, one check, and the programs of other clients.

The body of a request names the service. The paths are those of the unified API, which takes
destinations of every provider. Source: databricks-sdk, ``AiGatewayAPI``; docs.databricks.com,
Query model services.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from provisioner.errors import RefusedError
from provisioner.kinds.model_services.routing import destinations
from provisioner.kinds.model_serving_endpoints.invocation.checks import body_of
from provisioner.kinds.model_serving_endpoints.invocation.client_examples import (
    TOKEN,
    example,
    no_snippet,
)
from provisioner.kinds.model_serving_endpoints.invocation.client_python import (
    Call,
    Code,
    address,
    call,
    literal,
    openai,
    python_snippet,
)
from provisioner.kinds.model_serving_endpoints.invocation.clients import curl
from provisioner.kinds.model_serving_endpoints.invocation.expectations import unmet
from provisioner.kinds.model_serving_endpoints.invocation.replies import served_by, tokens_of
from provisioner.kinds.model_serving_endpoints.invocation.requests import CHAT, EMBEDDINGS, answered
from provisioner.kinds.unity_catalog.securable import ABSENT, ROOT
from provisioner.model.connection import Connection
from provisioner.model.paths import Document
from provisioner.model.query import Answer, CheckResult, Question, Reached, Snippet
from provisioner.model.resource import Resource

SURFACE: Final = "/ai-gateway/mlflow/v1"
PATHS: Final[Mapping[str, str]] = {
    CHAT: f"{SURFACE}/chat/completions",
    EMBEDDINGS: f"{SURFACE}/embeddings",
}
VECTORS: Final = "/embeddings"
SUPPORTED: Final = "supported_api_types"


def service_path(name: str) -> str:
    """The path of the service ``name`` in the catalog."""
    return f"{ROOT}/model-services/{name}"


def read(connection: Connection, name: str) -> Document | None:
    """The live service as it came; None where there is none."""
    return connection.get(service_path(name), absent=ABSENT)


def api_types(document: Mapping[str, Any]) -> Iterator[str]:
    """The API types that a service speaks: those that it tells, and those of its destinations."""
    yield from document.get(SUPPORTED) or ()
    for _, destination in destinations(dict(document)):
        target = (destination.get("external_model_config") or {}).get("target") or {}
        yield from target.get("native_api_types") or ()


def task_of(document: Mapping[str, Any]) -> str:
    """The task of a service, in the words of endpoints; ``""`` where nothing tells it.

    A service has no task of its own: it takes every API that one of its destinations speaks.
    """
    types = list(api_types(document))
    is_embedding = bool(types) and all(each.endswith(VECTORS) for each in types)
    return EMBEDDINGS if is_embedding else CHAT if types else ""


def ask(connection: Connection, name: str, question: Question) -> Answer:
    """Puts ``question`` to the service ``name``: one request to learn the task, one to ask.

    Raises RefusedError where there is no such service, ServiceError when the service says no.
    """
    service = read(connection, name)
    if service is None:
        raise RefusedError.of(
            "E441", f"there is no model service `{name}`", hint="run `provisioner apply` first"
        )
    if question.entity:
        message = (
            f"the routing of `{name}` chooses the destination: a single destination cannot "
            "be queried"
        )
        raise RefusedError.of("E442", message, hint="remove --entity")
    task = task_of(service) or CHAT
    return answered(connection, PATHS[task], (name, task), question, model=name)


def verify(
    connection: Connection, resource: Resource, check: Document, timeout_s: float
) -> CheckResult:
    """Asks what ``check`` asks, once. Raises WorkspaceError where no answer came."""
    # Only the live service tells what its provider services speak.
    task = task_of(resource.document) or task_of(read(connection, resource.name) or {})
    is_embedding = task == EMBEDDINGS or "input" in check
    body = {"model": resource.name, **body_of(check, EMBEDDINGS if is_embedding else CHAT)}
    reply = connection.ask(PATHS[EMBEDDINGS if is_embedding else CHAT], body, timeout_s)
    messages = unmet(check.get("expect", {}), reply)
    return CheckResult(
        address=resource.address,
        name=resource.name,
        check=check["name"],
        entity=served_by(reply),
        passed=not messages,
        message="; ".join(messages),
        duration_ms=reply.duration_ms,
        tokens=tokens_of(reply.document),
    )


def _openai(reached: Reached, task: str, body: Document) -> Snippet:
    return openai(reached, task, body, SURFACE)


def _curl(reached: Reached, task: str, body: Document) -> Snippet:
    return curl(reached, task, {"model": reached.name, **body}, PATHS[task])


def _langchain(reached: Reached, task: str, body: Document) -> Snippet:
    # The classes of databricks-langchain ask endpoints unless they are told otherwise, and that
    # of embeddings asks nothing else. OpenAI's classes take any address.
    more = {name: value for name, value in body.items() if name not in ("messages", "input")}
    given: dict[str, Any] = {
        "model": reached.name,
        "base_url": Code(address(reached, SURFACE)),
        "api_key": Code(f'os.environ["{TOKEN}"]'),
        **more,
    }
    used = "OpenAIEmbeddings" if task == EMBEDDINGS else "ChatOpenAI"
    head = ("import os", "", f"from langchain_openai import {used}", "")
    if task == EMBEDDINGS:
        # Without it the texts are sent as numbers of OpenAI's own tokens.
        given["check_embedding_ctx_length"] = False
        texts = body["input"]
        method = "embed_query" if isinstance(texts, str) else "embed_documents"
        asking: tuple[str, ...] = (f"print(embeddings.{method}({literal(texts)}))",)
        making = call(f"embeddings = {used}", given)
    else:
        answer = f"answer = {literal(Call('chat.invoke', {'input': body['messages']}))}"
        making, asking = call(f"chat = {used}", given), (answer, "print(answer.content)")
    return python_snippet("langchain", task, (*head, making, *asking), "langchain-openai")


# What has no way to a model service, and why. [docs.databricks.com, Query model services]
UNABLE: Final[Mapping[str, str]] = {
    "mlflow": "it supports only serving endpoints",
    "sdk": "it has no method that queries a model service",
    "sql": "ai_query supports only serving endpoints and models of `system.ai`",
}
MAKERS: Final[Mapping[str, Callable[[Reached, str, Document], Snippet]]] = {
    "openai": _openai,
    "curl": _curl,
    "langchain": _langchain,
}


def snippet(reached: Reached, client: str) -> Snippet:
    """The program for ``client``. Raises NoSnippetError where the client cannot ask a service."""
    if client in UNABLE:
        raise no_snippet(client, UNABLE[client], "openai")
    task = task_of(reached.document) or CHAT
    return MAKERS[client](reached, task, example(reached, task))
