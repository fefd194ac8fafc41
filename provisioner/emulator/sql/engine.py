"""Runs a query on an engine in memory that reaches nothing else. The only door of duckdb."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from provisioner.emulator.sql.errors import StatementError
from provisioner.emulator.sql.executions import Cancellation

EngineFunction = Callable[[str | None, str | None], str | None]

# No file, no network, no variable of this process; and no statement may allow itself one.
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",
    "memory_limit": "512MB",
    # The order of the rows, and so of the calls of endpoints, is the same each time.
    "threads": "1",
}
SETTINGS = ("SET timezone = 'UTC'", "SET lock_configuration = true")
# Of a result that comes with the answer. [docs.databricks.com, Statement Execution: INLINE]
INLINE_LIMIT_BYTES = 25 * 1024 * 1024
ROWS_AT_ONCE = 1000


# rule(local): One call may make at most so many characters or entries. The engine's own limit of
#     memory does not bind a single value, and an interrupt does not reach inside one call.
LARGEST_VALUE = 20_000_000
TOO_LARGE = f"error('A single value may have at most {LARGEST_VALUE} characters or entries.')"


def _bounded(name: str, *forms: tuple[str, str]) -> str:
    """Returns the macro that takes the place of a function: (parameters, size of its value)."""
    variants = ", ".join(
        f"({parameters}) AS CASE WHEN {size} > {LARGEST_VALUE} THEN {TOO_LARGE} "
        f"ELSE system.main.{name}({parameters}) END"
        for parameters, size in forms
    )
    return f"CREATE MACRO {name}{variants}"


_STEPS = ("a, b", "abs(b - a)"), ("a, b, c", "abs((b - a) // CASE WHEN c = 0 THEN 1 ELSE c END)")
BOUNDED_FUNCTIONS = (
    _bounded("repeat", ("a, b", "length(a) * b")),
    _bounded("rpad", ("a, b, c", "b")),
    _bounded("lpad", ("a, b, c", "b")),
    _bounded("list_resize", ("a, b", "b"), ("a, b, c", "b")),
    _bounded("array_resize", ("a, b", "b"), ("a, b, c", "b")),
    _bounded("range", ("a", "abs(a)"), *_STEPS),
    _bounded("generate_series", ("a", "abs(a)"), *_STEPS),
)
# The functions under their full names are not bounded, and no client of Databricks knows these.
QUALIFIED = re.compile(r"\bsystem\b[\s\"]*\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EngineTable:
    """A table that a statement may read. ``columns`` are names and types of the engine."""

    columns: Mapping[str, str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Query:
    """A statement in the engine's SQL, and what it may use.

    ``functions`` take two texts and give one; what they raise ends the statement.
    """

    text: str
    tables: Mapping[str, EngineTable]
    functions: Mapping[str, EngineFunction]
    most_rows: int


@dataclass(frozen=True, slots=True)
class QueryResult:
    columns: list[dict[str, Any]]
    rows: list[list[str | None]]
    is_truncated: bool = False


def run(query: Query, stop: Cancellation) -> QueryResult:
    """Returns the rows of ``query``, at most ``most_rows`` of them. Raises StatementError."""
    if QUALIFIED.search(query.text):
        # rule(local): Functions have no full name here: under it they would not be bounded.
        raise StatementError("The local workspace has no catalog `system`.")
    raised: list[StatementError] = []
    with duckdb.connect(":memory:", config=CONFIG) as connection, stop.on(connection):
        for setting in (*BOUNDED_FUNCTIONS, *SETTINGS):
            connection.execute(setting)
        for name, table in query.tables.items():
            _fill(connection, name, table)
        for name, function in query.functions.items():
            _register(connection, name, _keeping_errors(function, stop, raised))
        try:
            stop.check()
            return _fetch(connection.execute(query.text), query.most_rows)
        except duckdb.Error as error:
            # rule(local): An error of the engine is the statement's error, in the engine's words.
            raise raised[0] if raised else StatementError(_message(error)) from error
        finally:
            for name in query.functions:
                connection.remove_function(name)


def _fill(connection: duckdb.DuckDBPyConnection, name: str, table: EngineTable) -> None:
    columns = ", ".join(f'"{column}" {kind}' for column, kind in table.columns.items())
    connection.execute(f'CREATE TABLE "{name}" ({columns})')
    if table.rows:
        places = ", ".join("?" for _ in table.columns)
        connection.executemany(f'INSERT INTO "{name}" VALUES ({places})', table.rows)


def _register(connection: duckdb.DuckDBPyConnection, name: str, function: EngineFunction) -> None:
    # Taken by name; the types of the library know only the numbers behind it.
    special: Any = "special"
    connection.create_function(
        name,
        function,
        ["VARCHAR", "VARCHAR"],
        "VARCHAR",
        null_handling=special,
        # The same question may have another answer, from another entity.
        side_effects=True,
    )


def _keeping_errors(
    function: EngineFunction, stop: Cancellation, raised: list[StatementError]
) -> EngineFunction:
    """Wraps a function so that its error is kept: the engine passes it on as text only."""

    def called(first: str | None, second: str | None) -> str | None:
        try:
            stop.check()
            return function(first, second)
        except StatementError as error:
            raised.append(error)
            raise

    return called


def _fetch(answer: duckdb.DuckDBPyConnection, most_rows: int) -> QueryResult:
    columns = [column(name, kind, at) for at, (name, kind, *_) in enumerate(_columns_of(answer))]
    rows: list[list[str | None]] = []
    size_bytes = 0
    while batch := answer.fetchmany(min(ROWS_AT_ONCE, most_rows + 1 - len(rows))):
        new = [row(values) for values in batch]
        size_bytes += sum(len(value or "") for row in new for value in row)
        # rule(documented): A result with the disposition INLINE has at most 25 MiB.
        #     [docs.databricks.com, Statement Execution]
        if size_bytes > INLINE_LIMIT_BYTES:
            raise StatementError(
                "Inline byte limit exceeded. Statements executed with disposition=INLINE can have "
                f"a result size of at most {INLINE_LIMIT_BYTES} bytes."
            )
        rows += new
        if len(rows) > most_rows:
            break
    return QueryResult(columns, rows[:most_rows], is_truncated=len(rows) > most_rows)


def _columns_of(answer: duckdb.DuckDBPyConnection) -> Sequence[Any]:
    return answer.description or ()


def _message(error: duckdb.Error) -> str:
    """Returns the engine's own words without the statement, which it repeats below them."""
    return str(error).split("\n\nLINE ")[0].strip()


# Results as Databricks SQL shows them: names of types, values as text. Pure.

# The engine's name of a type -> as written in SQL, and as the manifest of a result names it.
# [the SDK: ColumnInfoTypeName]
NAMES = {
    "boolean": ("BOOLEAN", "BOOLEAN"),
    "tinyint": ("TINYINT", "BYTE"),
    "smallint": ("SMALLINT", "SHORT"),
    "integer": ("INT", "INT"),
    "bigint": ("BIGINT", "LONG"),
    # Sums of whole numbers, for which the engine takes more room than Databricks does.
    "hugeint": ("BIGINT", "LONG"),
    "float": ("FLOAT", "FLOAT"),
    "double": ("DOUBLE", "DOUBLE"),
    "varchar": ("STRING", "STRING"),
    "blob": ("BINARY", "BINARY"),
    "date": ("DATE", "DATE"),
    # The session's time zone is UTC, so the engine needs none in its values.
    "timestamp": ("TIMESTAMP", "TIMESTAMP"),
    "interval": ("INTERVAL", "INTERVAL"),
    "null": ("VOID", "NULL"),
}
NESTED = {"list": "ARRAY", "array": "ARRAY", "map": "MAP", "struct": "STRUCT"}


def column(name: str, engine_type: Any, position: int) -> dict[str, Any]:
    """Returns a column of the manifest."""
    shown = {"name": name, "type_text": text_of(engine_type), "type_name": _name(engine_type)}
    if engine_type.id == "decimal":
        sizes = dict(engine_type.children)
        shown |= {"type_precision": sizes["precision"], "type_scale": sizes["scale"]}
    return shown | {"position": position}


def text_of(engine_type: Any) -> str:
    """Returns the type as it is written in SQL: ``ARRAY<FLOAT>``."""
    if engine_type.id in NESTED:
        inner = dict(engine_type.children)
        if engine_type.id == "struct":
            fields = (f"{name}: {text_of(child)}" for name, child in inner.items())
            return f"STRUCT<{', '.join(fields)}>"
        if engine_type.id == "map":
            return f"MAP<{text_of(inner['key'])}, {text_of(inner['value'])}>"
        return f"ARRAY<{text_of(inner['child'])}>"
    if engine_type.id == "decimal":
        sizes = dict(engine_type.children)
        return f"DECIMAL({sizes['precision']},{sizes['scale']})"
    return NAMES.get(engine_type.id, ("STRING", "STRING"))[0]


def _name(engine_type: Any) -> str:
    if engine_type.id == "decimal":
        return "DECIMAL"
    return NESTED.get(engine_type.id) or NAMES.get(engine_type.id, ("STRING", "STRING"))[1]


def row(values: Sequence[Any]) -> list[str | None]:
    """Returns the values as text, as in the JSON_ARRAY format; nested ones are JSON in it."""
    return [_text(value) for value in values]


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, dict | list | tuple):
        return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))
    plain = _plain(value)
    return json.dumps(plain) if isinstance(plain, bool | int | float) else str(plain)


def _plain(value: Any) -> Any:
    """Returns the value as JSON; exact numbers, moments and bytes become text."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return format(value, "f") if isinstance(value, Decimal) else _other(value)


def _other(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
