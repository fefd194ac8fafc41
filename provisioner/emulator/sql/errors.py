"""Errors of statements, in the words of Databricks SQL where they are known."""

from __future__ import annotations

# rules(documented): Errors of statements begin with an error class of Databricks SQL.
#     [docs.databricks.com, error classes]


class StatementError(Exception):
    """An error of a statement. HTTP answers 200 all the same. [serving-api 9.7]

    ``error_code`` is one of the SDK's ``ServiceErrorCode``.
    """

    def __init__(self, message: str, error_code: str = "BAD_REQUEST") -> None:
        super().__init__(message)
        self.message = message
        self.error_code = error_code


def syntax_error(what: str) -> StatementError:
    """Returns the error for a statement that cannot be read."""
    return StatementError(f"[PARSE_SYNTAX_ERROR] Syntax error: {what}. SQLSTATE: 42601")


def unsupported(what: str) -> StatementError:
    """Returns the error for what the local workspace does not have."""
    return StatementError(f"[UNSUPPORTED_FEATURE] The local workspace does not support {what}.")


def not_found(table: str) -> StatementError:
    """Returns the error for a missing table."""
    quoted = ".".join(f"`{part}`" for part in table.split("."))
    return StatementError(
        f"[TABLE_OR_VIEW_NOT_FOUND] The table or view {quoted} cannot be found. A local "
        "workspace only has the inference tables of its endpoints. SQLSTATE: 42P01"
    )


def refused_by_endpoint(message: str) -> StatementError:
    """Returns the error for an endpoint that refused a query."""
    return StatementError(
        "[AI_FUNCTION_HTTP_REQUEST_ERROR] Error occurred while making an HTTP request for function "
        f"ai_query: {message} SQLSTATE: 08000"
    )


def unreadable_answer(message: str) -> StatementError:
    """Returns the error for an answer that does not fit the type."""
    return StatementError(
        "[AI_FUNCTION_HTTP_PARSE_CAST_ERROR] Failed to parse model output when casting to the "
        f"specified returnType: {message} SQLSTATE: 2203G"
    )
