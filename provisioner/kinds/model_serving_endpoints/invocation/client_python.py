"""Snippets in Python. Pure.

Each is as its client's own documentation does it, and a test runs each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.invocation.client_examples import (
    HOST,
    TOKEN,
    no_snippet,
)
from provisioner.kinds.model_serving_endpoints.invocation.requests import (
    CHAT,
    COMPLETIONS,
    CUSTOM,
    EMBEDDINGS,
)
from provisioner.model.paths import Document
from provisioner.model.query import Reached, Snippet

WIDEST: Final = 88
STEP: Final = 4


@dataclass(frozen=True, slots=True)
class Code:
    """An expression that is written as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call with arguments by name."""

    what: str
    given: Mapping[str, Any]


def literal(value: Any, indent: int = 0) -> str:
    """``value`` as an expression whose first line stands at column ``indent`` or behind it."""
    brackets, parts = _parts(value)
    if not parts:
        return brackets
    opening, closing = brackets[:-1], brackets[-1]
    inside = [(start, literal(part, indent + STEP)) for start, part in parts]
    flat = f"{opening}{', '.join(start + text for start, text in inside)}{closing}"
    if "\n" not in flat and indent + len(flat) <= WIDEST:
        return flat
    blank = " " * (indent + STEP)
    lines = "".join(f"{blank}{start}{text},\n" for start, text in inside)
    return f"{opening}\n{lines}{' ' * indent}{closing}"


def _parts(value: Any) -> tuple[str, list[tuple[str, Any]]]:
    """What is around a value, and what is in it; for a plain value itself and nothing."""
    if isinstance(value, Call):
        return f"{value.what}()", [(f"{name}=", argument) for name, argument in value.given.items()]
    if isinstance(value, Mapping):
        return "{}", [(f"{_text(name)}: ", entry) for name, entry in value.items()]
    if isinstance(value, list | tuple):
        return "[]", [("", entry) for entry in value]
    if isinstance(value, Code):
        return value.text, []
    return (_text(value) if isinstance(value, str) else repr(value)), []


def _text(text: str) -> str:
    # A JSON text is a Python text, too, and has the quotes that most people write.
    return json.dumps(text, ensure_ascii=not text.isprintable())


SERVING: Final = "from databricks.sdk.service.serving"
NO_ROWS: Final = "it does not send rows"
SURFACE: Final = "/serving-endpoints"
LOGIN: Final = f"# Logs in as the Databricks CLI does: {TOKEN}, a profile, OAuth."

READ: Final = {
    CHAT: ".choices[0].message.content",
    COMPLETIONS: ".choices[0].text",
    EMBEDDINGS: ".data[0].embedding",
    CUSTOM: ".predictions",
}
READ_JSON: Final = {
    CHAT: '["choices"][0]["message"]["content"]',
    COMPLETIONS: '["choices"][0]["text"]',
    EMBEDDINGS: '["data"][0]["embedding"]',
    CUSTOM: '["predictions"]',
}


def openai(reached: Reached, task: str, body: Document, surface: str = SURFACE) -> Snippet:
    method = {
        CHAT: "chat.completions.create",
        COMPLETIONS: "completions.create",
        EMBEDDINGS: "embeddings.create",
    }.get(task)
    if method is None:
        raise no_snippet("openai", NO_ROWS, "sdk")
    lines = (
        "import os",
        "",
        "from openai import OpenAI",
        "",
        "client = OpenAI(",
        f'    api_key=os.environ["{TOKEN}"],',
        f"    base_url={address(reached, surface)},",
        ")",
        call(f"answer = client.{method}", {"model": reached.name, **body}),
        f"print(answer{READ[task]})",
    )
    return python_snippet("openai", task, lines, "openai")


def mlflow(reached: Reached, task: str, body: Document) -> Snippet:
    lines = (
        *_with_host(reached),
        "import mlflow.deployments",
        "",
        LOGIN,
        'client = mlflow.deployments.get_deploy_client("databricks")',
        call("answer = client.predict", {"endpoint": reached.name, "inputs": body}),
        f"print(answer{READ_JSON[task]})",
    )
    return python_snippet("mlflow", task, lines, "mlflow-skinny databricks-sdk")


def sdk(reached: Reached, task: str, body: Document) -> Snippet:
    given: dict[str, Any] = {"name": reached.name, **body}
    imports = ["from databricks.sdk import WorkspaceClient"]
    host = f"host={literal(reached.host)}" if reached.host else ""
    if "messages" in body:
        imports.append(f"{SERVING} import ChatMessage, ChatMessageRole")
        given["messages"] = [_message(message) for message in body["messages"]]
    if "dataframe_split" in body:
        imports.append(f"{SERVING} import DataframeSplitInput")
        given["dataframe_split"] = Call("DataframeSplitInput", body["dataframe_split"])
    lines = (
        *imports,
        "",
        LOGIN,
        f"workspace = WorkspaceClient({host})",
        call("answer = workspace.serving_endpoints.query", given),
        f"print(answer{READ[task]})",
    )
    return python_snippet("sdk", task, lines, "databricks-sdk")


def _message(message: Mapping[str, str]) -> Call:
    role = Code(f"ChatMessageRole.{message['role'].upper()}")
    return Call("ChatMessage", {**message, "role": role})


def langchain(reached: Reached, task: str, body: Document) -> Snippet:
    if task not in LANGCHAIN:
        raise no_snippet("langchain", NO_ROWS, "sdk")
    lines, install = LANGCHAIN[task](reached, body)
    return python_snippet("langchain", task, lines, install)


def _chat_chain(reached: Reached, body: Document) -> tuple[tuple[str, ...], str]:
    given = {name: value for name, value in body.items() if name != "messages"}
    return (
        *_with_host(reached),
        "from databricks_langchain import ChatDatabricks",
        "",
        LOGIN,
        call("chat = ChatDatabricks", {"endpoint": reached.name, **given}),
        f"answer = {literal(Call('chat.invoke', {'input': body['messages']}))}",
        "print(answer.content)",
    ), "databricks-langchain"


def _completions_chain(reached: Reached, body: Document) -> tuple[tuple[str, ...], str]:
    given = {name: value for name, value in body.items() if name != "prompt"}
    base_url = Code(address(reached, SURFACE))
    token = Code(f'os.environ["{TOKEN}"]')
    given = {"model": reached.name, "base_url": base_url, "api_key": token, **given}
    return (
        "import os",
        "",
        "from langchain_openai import OpenAI",
        "",
        call("model = OpenAI", given),
        f"print({literal(Call('model.invoke', {'input': body['prompt']}))})",
    ), "langchain-openai"


def _embeddings_chain(reached: Reached, body: Document) -> tuple[tuple[str, ...], str]:
    texts = body["input"]
    method = "embed_query" if isinstance(texts, str) else "embed_documents"
    return (
        *_with_host(reached),
        "from databricks_langchain import DatabricksEmbeddings",
        "",
        LOGIN,
        f"embeddings = DatabricksEmbeddings(endpoint={literal(reached.name)})",
        f"print(embeddings.{method}({literal(texts)}))",
    ), "databricks-langchain"


LANGCHAIN: Final[Mapping[str, Callable[[Reached, Document], tuple[tuple[str, ...], str]]]] = {
    CHAT: _chat_chain,
    COMPLETIONS: _completions_chain,
    EMBEDDINGS: _embeddings_chain,
}


def call(what: str, given: Mapping[str, Any]) -> str:
    """A call of ``what``, one argument a line."""
    lines = (f"    {name}={literal(value, 4)}," for name, value in given.items())
    return "\n".join((f"{what}(", *lines, ")"))


def address(reached: Reached, path: str) -> str:
    """``path`` of the workspace as an expression."""
    return literal(reached.host + path) if reached.host else f'os.environ["{HOST}"] + "{path}"'


def _with_host(reached: Reached) -> tuple[str, ...]:
    """Clients that find the workspace in the environment are told which one it is."""
    if not reached.host:
        return ()
    return ("import os", "", f'os.environ["{HOST}"] = {literal(reached.host)}', "")


def python_snippet(client: str, task: str, lines: tuple[str, ...], install: str) -> Snippet:
    """The program of ``lines``, which needs the packages ``install``."""
    head = f"# pip install {install}"
    return Snippet(client, "python", "\n".join((head, *lines)) + "\n", task, install)
