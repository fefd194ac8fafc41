"""ai_query: a question to a serving endpoint for each row, as the caller of the statement.

Sources: the public page of the function, and the error classes of Databricks SQL.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlglot import exp

from provisioner.emulator.http.routing import ApiError, ApiRequest, EmulatedWorkspace
from provisioner.emulator.inference import api as inference
from provisioner.emulator.inference import tasks
from provisioner.emulator.inference.active import active
from provisioner.emulator.sql import statement as statements
from provisioner.emulator.sql.errors import (
    StatementError,
    refused_by_endpoint,
    unreadable_answer,
    unsupported,
)

# rules(documented): Arguments of ai_query are refused as the page of the function and the error
#     classes of Databricks SQL say. [docs.databricks.com, ai_query]

# What an endpoint gives without a returnType. A custom model's comes from its signature, which
# is not known here; those of the local workspace answer numbers.
TYPES = {
    tasks.CHAT: "STRING",
    tasks.COMPLETIONS: "STRING",
    tasks.EMBEDDINGS: "ARRAY<FLOAT>",
    tasks.CUSTOM: "DOUBLE",
    tasks.FEATURES: "STRING",
}
Type = exp.DataType.Type
SCALARS = {
    Type.BOOLEAN: "boolean",
    Type.TINYINT: "integer",
    Type.SMALLINT: "integer",
    Type.INT: "integer",
    Type.BIGINT: "integer",
    Type.FLOAT: "number",
    Type.DOUBLE: "number",
    Type.DECIMAL: "number",
}


@dataclass(frozen=True, slots=True)
class AiQueryCall:
    """One call of ai_query in a statement.

    ``cast_to`` is the engine's type of its answers, "" for plain text.
    """

    endpoint: str
    task: str
    cast_to: str
    response_format: Any = None
    fails: bool = True


def read_call(workspace: EmulatedWorkspace, call: exp.Anonymous) -> AiQueryCall:
    """Reads a call of ai_query. Raises StatementError for wrong arguments or a missing endpoint."""
    given = statements.arguments(call)
    name = statements.literal_text(given.get("endpoint"), "endpoint")
    if "request" not in given or not name:
        raise StatementError(
            "[WRONG_NUM_ARGS.WITHOUT_SUGGESTION] The `ai_query` requires an endpoint and a "
            "request. SQLSTATE: 42605"
        )
    try:
        task = tasks.task_of(active(workspace, name), {})
    except ApiError as error:
        raise refused_by_endpoint(error.message) from error
    query = AiQueryCall(name, task, "", fails=_fails_on_error(given.get("failonerror")))
    query = _with_response_format(
        query, statements.literal_text(given.get("responseformat"), "responseFormat")
    )
    wanted = statements.literal_text(given.get("returntype"), "returnType")
    if wanted:
        query = replace(query, cast_to=_engine_type(wanted))
    elif not query.cast_to and TYPES[task] != "STRING":
        query = replace(query, cast_to=_engine_type(TYPES[task]))
    return query if query.fails else replace(query, cast_to=_error_reporting_type(query.cast_to))


def _engine_type(text: str) -> str:
    engine_type = statements.engine_type(statements.parse_type(text))
    # Text is handed on as it is; only JSON has to be read.
    return "" if engine_type in ("TEXT", "VARCHAR") else engine_type


def _error_reporting_type(cast_to: str) -> str:
    return f"STRUCT(result {cast_to or 'VARCHAR'}, errorMessage VARCHAR)"


def _fails_on_error(given: exp.Expression | None) -> bool:
    if given is None:
        return True
    if not isinstance(given, exp.Boolean):
        raise unsupported("a failOnError that is not true or false")
    return bool(given.this)


def _with_response_format(query: AiQueryCall, text: str) -> AiQueryCall:
    """Returns the call with its ``responseFormat``: OpenAI's JSON, or a struct of one field."""
    if not text:
        return query
    if query.task != tasks.CHAT:
        raise unsupported(f"responseFormat for an endpoint of the task {query.task or 'custom'}")
    if text.lstrip().startswith("{"):
        try:
            return replace(query, response_format=json.loads(text))
        except ValueError as error:
            raise StatementError(f"responseFormat is not valid JSON: {error}") from error
    fields = statements.parse_type(text).expressions
    if len(fields) != 1 or not isinstance(fields[0], exp.ColumnDef):
        raise StatementError("responseFormat must be a STRUCT with one field.")
    field = fields[0]
    schema = {"name": field.name, "strict": True, "schema": json_schema_of(field.args["kind"])}
    form = {"type": "json_schema", "json_schema": schema}
    cast_to = statements.engine_type(field.args["kind"])
    return replace(query, response_format=form, cast_to=cast_to)


def make_function(
    workspace: EmulatedWorkspace, request: ApiRequest, query: AiQueryCall
) -> Callable[[str | None, str | None], str | None]:
    """Asks for a row: request and parameters as JSON in, the answer as text or JSON out."""

    def ask(question: str | None, parameters: str | None) -> str | None:
        if question is None or question == "null":
            return None
        body = _body(query, json.loads(question), json.loads(parameters or "{}"))
        if query.fails:
            return _ask_endpoint(workspace, request, query, body)
        try:
            answer = _ask_endpoint(workspace, request, query, body)
        except StatementError as error:
            return json.dumps({"result": None, "errorMessage": error.message})
        is_json = not query.cast_to.startswith("STRUCT(result VARCHAR,")
        return json.dumps(
            {"result": json.loads(answer) if is_json else answer, "errorMessage": None}
        )

    return ask


def _body(query: AiQueryCall, question: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    if query.task in (tasks.CUSTOM, tasks.FEATURES):
        is_row = isinstance(question, dict)
        return {"dataframe_records": [question]} if is_row else {"inputs": [question]}
    if not isinstance(question, str):
        raise unsupported("a request that is no STRING, for an endpoint with a language model")
    form = {"response_format": query.response_format} if query.response_format else {}
    if query.task == tasks.EMBEDDINGS:
        return parameters | {"input": [question]}
    if query.task == tasks.COMPLETIONS:
        return parameters | {"prompt": question}
    return parameters | form | {"messages": [{"role": "user", "content": question}]}


def _ask_endpoint(
    workspace: EmulatedWorkspace, request: ApiRequest, query: AiQueryCall, body: dict[str, Any]
) -> str:
    path = f"/serving-endpoints/{query.endpoint}/invocations"
    sent = replace(
        request,
        path=path,
        parameters={"name": query.endpoint},
        body=json.dumps(body).encode(),
    )
    try:
        answer = inference.invocations(workspace, sent).json
    except ApiError as error:
        raise refused_by_endpoint(error.message) from error
    return _read_answer(query, answer)


def _read_answer(query: AiQueryCall, answer: Any) -> str:
    try:
        if query.task in (tasks.CHAT, tasks.COMPLETIONS):
            return _text_of_choice(query, answer["choices"][0])
        if query.task == tasks.EMBEDDINGS:
            return json.dumps(answer["data"][0]["embedding"])
        return json.dumps(answer["outputs" if query.task == tasks.FEATURES else "predictions"][0])
    except (LookupError, TypeError) as error:
        raise unreadable_answer("the endpoint's answer has an unknown shape.") from error


def _text_of_choice(query: AiQueryCall, choice: Any) -> str:
    content = choice["message"]["content"] if query.task == tasks.CHAT else choice["text"]
    text = str(content if content is not None else "")
    if query.cast_to and not query.cast_to.startswith("STRUCT(result VARCHAR,"):
        try:
            json.loads(text)
        except ValueError as error:
            raise unreadable_answer("the model's answer is not JSON.") from error
    return text


def json_schema_of(data_type: exp.DataType) -> dict[str, Any]:
    """Translates a type of Databricks SQL into a JSON Schema. Types that JSON lacks become text."""
    if data_type.this == Type.STRUCT:
        fields = {field.name: json_schema_of(field.args["kind"]) for field in data_type.expressions}
        return {"type": "object", "properties": fields, "required": [*fields]}
    if data_type.this == Type.ARRAY:
        return {"type": "array", "items": json_schema_of(data_type.expressions[0])}
    return {"type": SCALARS.get(data_type.this, "string")}
