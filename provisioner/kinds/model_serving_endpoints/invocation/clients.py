"""How an endpoint is asked by the clients that people use: a snippet for each.

Tokens come from the environment of whoever runs them, and never stand on a command line.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from shlex import quote as shell_quoted
from typing import Any, Final

from provisioner.kinds.model_serving_endpoints.invocation import client_python
from provisioner.kinds.model_serving_endpoints.invocation.checks import PARAMETERS
from provisioner.kinds.model_serving_endpoints.invocation.client_examples import (
    HOST,
    TOKEN,
    example,
    no_snippet,
)
from provisioner.kinds.model_serving_endpoints.invocation.client_python import READ
from provisioner.kinds.model_serving_endpoints.invocation.requests import (
    CUSTOM,
    asked_as,
    invocations,
)
from provisioner.kinds.model_serving_endpoints.planning.calls import endpoint_path
from provisioner.model.connection import MISSING, Connection
from provisioner.model.paths import Document
from provisioner.model.query import Reached, Snippet


def curl(reached: Reached, task: str, body: Document, path: str = "") -> Snippet:
    path = path or invocations(reached.name)
    address = shell_quoted(reached.host + path) if reached.host else f'"${HOST}"{path}'
    data = json.dumps(body, indent=2, ensure_ascii=False)
    lines = (
        "# The token goes through stdin: what stands on a command line is seen by others.",
        f"printf 'Authorization: Bearer %s\\n' \"${TOKEN}\" |",
        "curl --silent --show-error --fail-with-body --header @- \\",
        "  --header 'Content-Type: application/json' \\",
        f"  --data {shell_quoted(data)} \\",
        f"  {address}",
    )
    return Snippet("curl", "sh", "\n".join(lines) + "\n", task)


def sql(reached: Reached, task: str, body: Document) -> Snippet:
    given = [_sql_text(reached.name)]
    if task == CUSTOM:
        given += [f"request => {_struct(_first_row(body))}", "returnType => 'DOUBLE'"]
    else:
        given.append(f"request => {_sql_text(_asked(body))}")
        settings = {name: body[name] for name in PARAMETERS if name in body}
        if settings:
            given.append(f"modelParameters => {_struct(settings)}")
    inner = ",\n  ".join(given)
    return Snippet("sql", "sql", f"SELECT ai_query(\n  {inner}\n) AS answer;\n", task)


def _asked(body: Document) -> str:
    """The question as one text."""
    if "messages" in body:
        return str(body["messages"][-1]["content"])
    prompt = body.get("prompt", body.get("input"))
    return str(prompt[0] if isinstance(prompt, list) else prompt)


def _first_row(body: Document) -> Mapping[str, Any]:
    """The first row as a mapping, also where rows have no names."""
    if "dataframe_split" in body:
        frame = body["dataframe_split"]
        return dict(zip(frame.get("columns", ()), frame.get("data", [[]])[0], strict=False))
    rows = body.get("dataframe_records", body.get("instances", body.get("inputs")))
    row = rows[0] if isinstance(rows, list) else rows
    return row if isinstance(row, dict) else {"value": row}


def _struct(values: Mapping[str, Any]) -> str:
    parts = (f"{_sql_text(name)}, {_sql_value(value)}" for name, value in values.items())
    return f"named_struct({', '.join(parts)})"


def _sql_value(value: Any) -> str:
    if isinstance(value, list):
        return f"array({', '.join(map(_sql_value, value))})"
    return _sql_text(value) if isinstance(value, str) else json.dumps(value)


def _sql_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


Maker = Callable[[Reached, str, Document], Snippet]

MAKERS: Final[Mapping[str, Maker]] = {
    "openai": client_python.openai,
    "curl": curl,
    "mlflow": client_python.mlflow,
    "sdk": client_python.sdk,
    "langchain": client_python.langchain,
    "sql": sql,
}


def snippet(reached: Reached, client: str) -> Snippet:
    """The snippet for ``client``, one of ``NAMES``. Raises NoSnippetError where there is none."""
    task = asked_as(reached.document)
    if reached.document.get("route_optimized"):
        raise no_snippet(client, "it is route-optimized and has a separate URL")
    if task not in READ:
        raise no_snippet(client, f"its task is `{task or 'unknown'}`")
    return MAKERS[client](reached, task, example(reached, task))


def read(connection: Connection, name: str) -> Document | None:
    """The live endpoint as it came; None where there is none."""
    return connection.get(endpoint_path(name), absent=MISSING)
