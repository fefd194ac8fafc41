"""The work of a statement, from its text to its result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from provisioner.emulator.http.routing import ApiRequest, EmulatedWorkspace
from provisioner.emulator.inference import payloads
from provisioner.emulator.inference.active import of_record
from provisioner.emulator.serving import endpoints
from provisioner.emulator.sql import ai_query, engine, engine_process, system_tables
from provisioner.emulator.sql import statement as statements
from provisioner.emulator.sql.executions import Cancellation, Work


def prepare(
    workspace: EmulatedWorkspace, request: ApiRequest, sent: Mapping[str, Any], most_rows: int
) -> Work:
    """Returns the work of a statement, to be run as its caller."""

    def work(stop: Cancellation) -> dict[str, Any]:
        query = statements.parse(sent["statement"])
        statements.bind_parameters(query, sent.get("parameters", ()))
        statements.name_table_columns(query)
        statements.name_columns(query)
        statements.replace_current_user(query, request.caller.name)
        place = statements.TableNamespace(
            sent.get("catalog", "main"), sent.get("schema", "default")
        )
        tables = _tables(workspace, query, place)
        functions = _functions(workspace, request, query)
        text = statements.to_engine_sql(query)
        used = engine.Query(text, tables, functions, most_rows)
        return _shown(engine_process.run(used, stop))

    return work


def _tables(
    workspace: EmulatedWorkspace, query: exp.Query, place: statements.TableNamespace
) -> dict[str, engine.EngineTable]:
    """Returns the tables that the statement reads, and renames them in it."""
    kinds = {name.lower(): kind for name, kind in _tables_of_queries(workspace).items()}
    tables: dict[str, engine.EngineTable] = {}
    known = {*kinds, system_tables.SERVED_ENTITIES}
    for name, own_name in statements.rename_tables(query, place, known).items():
        if name == system_tables.SERVED_ENTITIES:
            tables[own_name] = system_tables.served_entities(workspace.store)
            continue
        columns = payloads.COLUMNS[kinds[name]]
        rows = payloads.rows(workspace.store, name)
        values = [[row.get(column) for column in columns] for row in rows]
        tables[own_name] = engine.EngineTable(columns, values)
    return tables


def _tables_of_queries(workspace: EmulatedWorkspace) -> dict[str, str]:
    """Returns the tables with rows, the empty ones of endpoints that write one, and of usage."""
    known = payloads.tables_with_rows(workspace.store)
    for record in endpoints.every(workspace.store):
        known |= dict(payloads.tables_of(of_record(record)))
    return known | {payloads.USAGE_TABLE: payloads.USAGE}


def _functions(
    workspace: EmulatedWorkspace, request: ApiRequest, query: exp.Query
) -> dict[str, engine.EngineFunction]:
    """Returns the engine's function for each call of ai_query, and replaces the call by it."""
    functions: dict[str, engine.EngineFunction] = {}
    for number, call in enumerate(list(statements.ai_queries(query))):
        ai_call = ai_query.read_call(workspace, call)
        name = f"local_workspace_ai_query_{number}"
        functions[name] = ai_query.make_function(workspace, request, ai_call)
        statements.replace_call(call, name, ai_call.cast_to)
    return functions


def _shown(result: engine.QueryResult) -> dict[str, Any]:
    """Returns manifest and result in the JSON_ARRAY format, all in one chunk."""
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
