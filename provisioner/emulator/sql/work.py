"""The work of a statement, from its text to its result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlglot import exp

from provisioner.emulator.http.routing import ApiRequest, EmulatedWorkspace
from provisioner.emulator.http.store import Store
from provisioner.emulator.identity.authentication import WORKSPACE_ID
from provisioner.emulator.inference import payloads
from provisioner.emulator.inference.active import of_record
from provisioner.emulator.serving import endpoints
from provisioner.emulator.sql import ai_query, engine, engine_process
from provisioner.emulator.sql import statement as statements
from provisioner.emulator.sql.executions import Cancellation, Work
from provisioner.emulator.unity_catalog import catalog

# Source of the system tables: docs.databricks.com, Model serving system tables reference.
SERVED_ENTITIES: Final = "system.serving.served_entities"
# rule(local): The system tables of served entities have no columns for the configs of models,
#     and no rows of deleted endpoints.
COLUMNS: Final[Mapping[str, str]] = {
    "served_entity_id": "VARCHAR",
    "account_id": "VARCHAR",
    "workspace_id": "VARCHAR",
    "created_by": "VARCHAR",
    "endpoint_name": "VARCHAR",
    "endpoint_id": "VARCHAR",
    "served_entity_name": "VARCHAR",
    "entity_type": "VARCHAR",
    "entity_name": "VARCHAR",
    "entity_version": "VARCHAR",
    "endpoint_config_version": "INTEGER",
    "task": "VARCHAR",
    "change_time": "TIMESTAMP",
    "endpoint_delete_time": "TIMESTAMP",
}
TYPES: Final = {"FOUNDATION_MODEL_API": "FOUNDATION_MODEL"}


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
    known = {*kinds, SERVED_ENTITIES}
    for name, own_name in statements.rename_tables(query, place, known).items():
        if name == SERVED_ENTITIES:
            tables[own_name] = served_entities(workspace.store)
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


def served_entities(store: Store) -> engine.EngineTable:
    """Returns the table of what is served now."""
    rows = [row for record in endpoints.every(store) for row in _rows(record)]
    return engine.EngineTable(COLUMNS, [[row.get(column) for column in COLUMNS] for row in rows])


def _rows(record: endpoints.Record) -> Iterator[dict[str, Any]]:
    config = record["config"] or {"entities": [], "version": 0}
    moment = datetime.fromtimestamp(record["updated_ms"] / 1000, UTC).replace(tzinfo=None)
    for entity in config["entities"]:
        yield {
            "served_entity_id": payloads.served_entity_id(record["id"], entity["name"]),
            "workspace_id": WORKSPACE_ID,
            "created_by": record["creator"],
            "endpoint_name": record["name"],
            "endpoint_id": record["id"],
            "served_entity_name": entity["name"],
            "entity_type": _type(entity),
            "entity_name": entity.get("entity_name") or entity["name"],
            "entity_version": entity.get("entity_version"),
            "endpoint_config_version": config["version"],
            "task": endpoints.task_of({**config, "entities": [entity]}),
            "change_time": moment.isoformat(sep=" "),
        }


def _type(entity: dict[str, Any]) -> str:
    if catalog.is_feature_spec(entity):
        return "FEATURE_SPEC"
    kind = endpoints.kind_of({"entities": [entity]})
    return TYPES.get(kind, kind)


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
