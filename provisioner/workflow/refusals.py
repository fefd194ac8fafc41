"""Turns the refusal of one request into a value, so that other requests go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from provisioner.errors import LoginError, Problem, UnreachableError, WorkspaceError

Result = TypeVar("Result")


def answer_or_error(ask: Callable[[], Result]) -> Result | WorkspaceError:
    """Returns what ``ask`` returns, or the WorkspaceError that it raises.

    Raises LoginError and UnreachableError: they concern every request to the workspace, so
    the next one would fail in the same way.
    """
    try:
        return ask()
    except (LoginError, UnreachableError):
        raise
    except WorkspaceError as error:
        return error


def answer_or_problem(ask: Callable[[], Result]) -> Result | Problem:
    """Returns what ``ask`` returns, or the first problem of its WorkspaceError.

    Raises LoginError and UnreachableError, as ``answer_or_error`` does.
    """
    answer = answer_or_error(ask)
    return answer.problems[0] if isinstance(answer, WorkspaceError) else answer
