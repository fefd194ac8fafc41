"""The tables of a statement: found, and replaced by what the engine has."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from provisioner.emulator.sql_errors import not_found, unsupported

# Table functions that have no access to anything.
TABLE_FUNCTIONS = (exp.Explode, exp.Unnest, exp.Inline, exp.GenerateSeries)
RANGE = "range"


@dataclass(frozen=True, slots=True)
class Place:
    """Where names are looked up: what ``USE`` would have set."""

    catalog: str = "main"
    schema: str = "default"

    def full_name(self, table: exp.Table) -> str:
        return ".".join((table.catalog or self.catalog, table.db or self.schema, table.name))


def name_fields(query: exp.Query) -> None:
    """Inline tables and ``range`` without a list of columns have the names that Databricks gives.

    Those of the engine are others.
    """
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
    """The tables that must come from somewhere: no common table expressions, no functions."""
    names = {one.alias_or_name.lower() for one in query.find_all(exp.CTE)}
    for table in query.find_all(exp.Table):
        if isinstance(table.this, exp.Func):
            if not isinstance(table.this, TABLE_FUNCTIONS) and not _is_range(table):
                called = table.this.sql(dialect="databricks", normalize_functions="lower")
                raise unsupported(f"the table function {called[:80]}")
        elif table.db or table.name.lower() not in names:
            yield table


def replace_table(table: exp.Table, name: str) -> None:
    """Read the engine's table ``name`` under the name that the statement gave it."""
    alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name))
    table.replace(exp.Table(this=exp.to_identifier(name, quoted=True), alias=alias))


def check_tables(query: exp.Query, place: Place, known: Container[str]) -> dict[str, str]:
    """Give every table a name of the engine: the new names by the old ones, in lower case.

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
