"""Reads a statement of Databricks SQL and writes it for the engine. The only door of sqlglot.

Only queries. What Databricks knows and neither sqlglot nor the engine does is an error.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from provisioner.emulator.sql.errors import StatementError, not_found, syntax_error, unsupported

# rules(local): Statements are limited to queries that the embedded engine can run; the error
#     classes are those of Databricks SQL. [serving-api 9.7]

# It would tell on stderr what it cannot parse; here that is an answer.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

DIALECT, ENGINE = "databricks", "duckdb"
AI_QUERY = "ai_query"
# In the order in which they may stand without a name. [learn.microsoft.com, ai_query]
ARGUMENTS = (
    "endpoint",
    "request",
    "returntype",
    "failonerror",
    "modelparameters",
    "responseformat",
)
STRUCT = exp.DataType.Type.STRUCT
ZONED = (exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.TIMESTAMPLTZ)
Arguments = Mapping[str, exp.Expression]
# Table functions that have no access to anything.
TABLE_FUNCTIONS = (exp.Explode, exp.Unnest, exp.Inline, exp.GenerateSeries)
RANGE = "range"


# rule(local): A statement has at most 500,000 characters and 10,000 words and signs. Reading
#     more would keep every other caller waiting.
MOST_CHARACTERS = 500_000
MOST_TOKENS = 10_000


def parse(text: str) -> exp.Query:
    """Returns the one query that ``text`` is. Raises StatementError."""
    _refuse_long(text)
    try:
        parts = [part for part in sqlglot.parse(text, read=DIALECT) if part is not None]
    except (SqlglotError, RecursionError) as error:
        raise syntax_error(_first_line(error)) from error
    if len(parts) != 1:
        raise syntax_error("there must be exactly one statement")
    if isinstance(parts[0], exp.Values):
        return exp.select("*").from_(parts[0])
    if not isinstance(parts[0], exp.Query):
        first_word = text.split(None, 1)[0].upper()[:20]
        raise unsupported(f"{first_word} statements: it answers queries only")
    return parts[0]


def _refuse_long(text: str) -> None:
    try:
        is_long = len(text) > MOST_CHARACTERS or (
            len(text) > MOST_TOKENS and len(sqlglot.tokenize(text, read=DIALECT)) > MOST_TOKENS
        )
    except SqlglotError as error:
        raise syntax_error(_first_line(error)) from error
    if is_long:
        raise unsupported(
            f"statements with more than {MOST_CHARACTERS} characters or {MOST_TOKENS} words"
        )


def _first_line(error: Exception) -> str:
    # sqlglot underlines the place with terminal colours; the line before that says what.
    return (str(error) or "too deeply nested").splitlines()[0].split("\x1b")[0].strip()


def bind_parameters(query: exp.Query, given: Sequence[Mapping[str, Any]]) -> None:
    """Puts values in for ``:name``. Raises StatementError for one without a value."""
    values = {str(parameter.get("name", "")): parameter for parameter in given}
    for marker in list(query.find_all(exp.Placeholder)):
        if marker.name not in values:
            raise StatementError(
                f"[UNBOUND_SQL_PARAMETER] Found the unbound parameter: {marker.name}. Please, fix "
                "`args` and provide a mapping of the parameter to a SQL literal. SQLSTATE: 42P02"
            )
        marker.replace(_literal(values[marker.name]))


def _literal(given: Mapping[str, Any]) -> exp.Expression:
    value = given.get("value")
    literal = exp.null() if value is None else exp.Literal.string(str(value))
    return exp.cast(literal, parse_type(str(given.get("type") or "STRING")))


def parse_type(text: str) -> exp.DataType:
    """Reads a type of Databricks SQL, also the fields of a struct: ``a INT, b STRING``."""
    for written in (text, f"STRUCT<{text}>"):
        try:
            data_type = exp.DataType.build(written, dialect=DIALECT)
        except (SqlglotError, ValueError):
            continue
        # A struct of fields that sqlglot cannot read is one without fields.
        if all(
            inner.expressions for inner in data_type.find_all(exp.DataType) if inner.this == STRUCT
        ):
            return data_type
    raise StatementError(f"[PARSE_SYNTAX_ERROR] '{text}' is no data type. SQLSTATE: 42601")


def engine_type(data_type: exp.DataType) -> str:
    """Returns the engine's name of a type."""
    return data_type.sql(dialect=ENGINE)


def ai_queries(query: exp.Query) -> Iterator[exp.Anonymous]:
    """Yields the calls of ai_query, inner ones first."""
    calls = [call for call in query.find_all(exp.Anonymous) if call.name.lower() == AI_QUERY]
    yield from reversed(calls)


def arguments(call: exp.Anonymous) -> Arguments:
    """Returns the arguments of ai_query by name, in lower case. Raises StatementError."""
    by_name: dict[str, exp.Expression] = {}
    for place, given in enumerate(call.expressions):
        is_named = isinstance(given, exp.Kwarg)
        if not is_named and place >= len(ARGUMENTS):
            raise syntax_error("ai_query takes no more than six arguments without a name")
        name = given.this.name.lower() if is_named else ARGUMENTS[place]
        if name not in ARGUMENTS:
            raise unsupported(f"ai_query with {given.this.name}")
        by_name[name] = given.expression if is_named else given
    return by_name


def literal_text(given: exp.Expression | None, argument: str) -> str:
    """Returns the text of a literal; "" for none. Raises StatementError."""
    if given is None:
        return ""
    if not isinstance(given, exp.Literal) or not given.is_string:
        raise StatementError(
            f"[NON_FOLDABLE_ARGUMENT] The function `{AI_QUERY}` requires the parameter "
            f"`{argument}` to be a foldable expression of the type STRING, but the actual argument "
            "is non-foldable. SQLSTATE: 42K08"
        )
    return str(given.this)


def replace_call(call: exp.Anonymous, function: str, cast_to: str) -> None:
    """Replaces a call by one of the engine's ``function``, on request and parameters as JSON."""
    given = arguments(call)
    request_arguments = [_json(given.get("request")), _json(given.get("modelparameters"))]
    answer: exp.Expression = exp.Anonymous(this=function, expressions=request_arguments)
    if cast_to:
        into = exp.DataType.build(cast_to, dialect=ENGINE)
        answer = exp.Cast(this=exp.Cast(this=answer, to=exp.DataType.build("json")), to=into)
    call.replace(answer)


def _json(value: exp.Expression | None) -> exp.Expression:
    if value is None:
        return exp.null()
    return exp.cast(exp.Anonymous(this="to_json", expressions=[value]), "text")


def name_columns(query: exp.Query) -> None:
    """Names columns without a name as they are written, texts without their quotes."""
    for expression in list(query.selects):
        if isinstance(expression, exp.Alias | exp.Column | exp.Star | exp.Dot):
            continue
        if expression.alias or expression.is_star:
            continue
        shown = expression.copy().transform(_unquote)
        name = shown.sql(dialect=DIALECT, normalize_functions="lower")
        expression.replace(exp.alias_(expression.copy(), name, quoted=True))


def _unquote(node: exp.Expression) -> exp.Expression:
    return exp.Var(this=node.this) if isinstance(node, exp.Literal) and node.is_string else node


def replace_current_user(query: exp.Query, user: str) -> None:
    """Puts the caller's name in for the current user."""
    for node in list(query.find_all(exp.CurrentUser, exp.SessionUser)):
        node.replace(exp.Literal.string(user))


def _drop_zone(node: exp.Expression) -> exp.Expression:
    """Drops time zones: the session's is UTC, so a moment needs none."""
    if isinstance(node, exp.CurrentTimestamp):
        return exp.cast(node.copy(), "timestampntz")
    if isinstance(node, exp.DataType) and node.this in ZONED:
        return exp.DataType.build("timestampntz")
    return node


def to_engine_sql(query: exp.Query) -> str:
    """Returns the query in the engine's dialect. Raises StatementError."""
    try:
        return query.transform(_drop_zone).sql(
            dialect=ENGINE, unsupported_level=sqlglot.ErrorLevel.RAISE
        )
    except (SqlglotError, RecursionError) as error:
        raise unsupported(_first_line(error)) from error


@dataclass(frozen=True, slots=True)
class TableNamespace:
    """The catalog and schema in which names are looked up: what ``USE`` would have set."""

    catalog: str = "main"
    schema: str = "default"

    def full_name(self, table: exp.Table) -> str:
        """Returns the name of a table with its catalog and schema."""
        return ".".join((table.catalog or self.catalog, table.db or self.schema, table.name))


def name_table_columns(query: exp.Query) -> None:
    """Gives inline tables and ``range`` the column names of Databricks; the engine has others."""
    for values in list(query.find_all(exp.Values)):
        if values.expressions and not _has_columns(values):
            first = values.expressions[0]
            width = len(first.expressions) if isinstance(first, exp.Tuple) else 1
            _set_columns(values, [f"col{number + 1}" for number in range(width)])
    for table in list(query.find_all(exp.Table)):
        if _is_range(table) and not _has_columns(table):
            _set_columns(table, ["id"])


def _is_range(table: exp.Table) -> bool:
    return isinstance(table.this, exp.Anonymous) and table.this.name.lower() == RANGE


def _has_columns(table: exp.Expression) -> bool:
    alias = table.args.get("alias")
    return alias is not None and bool(alias.columns)


def _set_columns(table: exp.Expression, names: Sequence[str]) -> None:
    alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier("inline"))
    alias.set("columns", [exp.to_identifier(name) for name in names])
    table.set("alias", alias)


def tables(query: exp.Query) -> Iterator[exp.Table]:
    """Yields the tables that have to exist: no common table expressions, no functions."""
    names = {expression.alias_or_name.lower() for expression in query.find_all(exp.CTE)}
    for table in query.find_all(exp.Table):
        if isinstance(table.this, exp.Func):
            if not isinstance(table.this, TABLE_FUNCTIONS) and not _is_range(table):
                called = table.this.sql(dialect="databricks", normalize_functions="lower")
                raise unsupported(f"the table function {called[:80]}")
        elif table.db or table.name.lower() not in names:
            yield table


def replace_table(table: exp.Table, name: str) -> None:
    """Reads the engine's table ``name`` under the name that the statement has."""
    alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name))
    table.replace(exp.Table(this=exp.to_identifier(name, quoted=True), alias=alias))


def rename_tables(query: exp.Query, place: TableNamespace, known: Container[str]) -> dict[str, str]:
    """Gives every table a name of the engine; returns new names by old ones, in lower case.

    Raises StatementError for one that is not ``known``.
    """
    names: dict[str, str] = {}
    for table in list(tables(query)):
        full_name = place.full_name(table)
        if full_name.lower() not in known:
            raise not_found(full_name)
        name = names.setdefault(full_name.lower(), f"local_workspace_table_{len(names)}")
        replace_table(table, name)
    return names
