"""A statement from its text to its result: read, completed, run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.emulator import sql_ai_query as ai_query
from provisioner.emulator import sql_engine as engine
from provisioner.emulator import sql_statement as statements
from provisioner.emulator import sql_tables
from provisioner.emulator.routing import Request, Workspace
from provisioner.emulator.sql_running import Work
from provisioner.emulator.sql_stopping import Stop


def of(workspace: Workspace, request: Request, sent: Mapping[str, Any], most_rows: int) -> Work:
    """What has to be done for a statement that was sent, as its caller."""

    def work(stop: Stop) -> dict[str, Any]:
        query = statements.parsed(sent["statement"])
        statements.with_parameters(query, sent.get("parameters", ()))
        sql_tables.name_fields(query)
        statements.name_columns(query)
        statements.say_who_asks(query, request.caller.name)
        place = sql_tables.Place(sent.get("catalog", "main"), sent.get("schema", "default"))
        sql_tables.check_tables(query, place, {})
        functions = _functions(workspace, request, query)
        text = statements.for_the_engine(query)
        return _shown(engine.run(text, {}, functions, most_rows, stop))

    return work


def _functions(workspace: Workspace, request: Request, query: Any) -> dict[str, engine.Function]:
    """The engine's function for each call of ai_query, which is replaced by it."""
    functions: dict[str, engine.Function] = {}
    for number, call in enumerate(list(statements.ai_queries(query))):
        asked = ai_query.understood(workspace, call)
        name = f"local_workspace_ai_query_{number}"
        functions[name] = ai_query.function(workspace, request, asked)
        statements.replace_call(call, name, asked.cast_to)
    return functions


def _shown(result: engine.Result) -> dict[str, Any]:
    """Manifest and result of an answer in the JSON_ARRAY format, all in one chunk."""
    chunk = {"chunk_index": 0, "row_offset": 0, "row_count": len(result.rows)}
    size_bytes = sum(len(value or "") for row in result.rows for value in row)
    return {
        "manifest": {
            "format": "JSON_ARRAY",
            "schema": {"column_count": len(result.columns), "columns": result.columns},
            "total_chunk_count": 1,
            "chunks": [chunk],
            "total_row_count": len(result.rows),
            "total_byte_count": size_bytes,
            "truncated": result.is_truncated,
        },
        "result": {**chunk, "data_array": result.rows},
    }
