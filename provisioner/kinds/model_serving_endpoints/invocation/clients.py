"""How an endpoint is asked by the clients that people use: a snippet for each.

Tokens come from the environment of whoever runs them, and never stand on a command line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from provisioner.kinds.model_serving_endpoints.invocation import client_python, client_text
from provisioner.kinds.model_serving_endpoints.invocation.client_examples import (
    NAMES,
    example,
    no_snippet,
)
from provisioner.kinds.model_serving_endpoints.invocation.client_python import READ
from provisioner.kinds.model_serving_endpoints.invocation.requests import asked_as
from provisioner.kinds.model_serving_endpoints.planning.calls import endpoint_path
from provisioner.model.connection import MISSING, Connection
from provisioner.model.paths import Document
from provisioner.model.query import Clients, Reached, Snippet

Maker = Callable[[Reached, str, Document], Snippet]

MAKERS: Final[Mapping[str, Maker]] = {
    "openai": client_python.openai,
    "curl": client_text.curl,
    "mlflow": client_python.mlflow,
    "sdk": client_python.sdk,
    "langchain": client_python.langchain,
    "sql": client_text.sql,
}


def snippet(reached: Reached, client: str) -> Snippet:
    """The snippet for ``client``, one of ``NAMES``. Raises NoSnippetError where there is none."""
    task = asked_as(reached.document)
    if reached.document.get("route_optimized"):
        raise no_snippet(client, "it is route-optimised, with an address of its own")
    if task not in READ:
        raise no_snippet(client, f"its task is `{task or 'unknown'}`")
    return MAKERS[client](reached, task, example(reached, task))


def read(connection: Connection, name: str) -> Document | None:
    """The live endpoint as it came; None where there is none."""
    return connection.get(endpoint_path(name), absent=MISSING)


CLIENTS: Final = Clients(names=NAMES, task=asked_as, snippet=snippet, read=read)
