"""Every error that a user can meet.

ProvisionerError            has problems to show and an exit code; never a traceback
 ├─ FileError               something in the user's files, or a file that is not there
 ├─ UsageError              the command line asks for what cannot be
 ├─ RefusedError            safety: consent is missing, a guard said no, a plan is stale
 └─ WorkspaceError          the workspace, or the way to it
     ├─ LoginError          no login, two logins, a login that was refused
     ├─ UnreachableError    nothing was sent, or nothing sensible came back
     ├─ LostAnswerError     the request was sent, what became of it is not known
     └─ ServiceError        the service answered, and said no

Anything else that is raised is a defect of ours and may show its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self

Location = tuple[str | int, ...]
"""Where in a document: field names and list indexes, ``("config", "routes", 0)``."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file. ``file`` as a user would type it; both numbers begin at 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


Span = tuple[int, int]
"""Offsets of characters in a text: where a part begins, and where it has ended."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem found in a document or in its text, before its file and line are known.

    ``at`` is its place in the document. ``span`` is its place in the text instead, for what
    belongs to no part of a document, such as a tab or a second document.
    ``key`` blames the name of the last field, not its value. ``field`` names the field that is
    missing at ``at``, or that was probably meant instead of the last one. ``secret`` says that
    the value at ``at`` is a secret, and is never shown.
    """

    at: Location
    code: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR
    key: bool = False
    field: str = ""
    secret: bool = False
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where, what, and how when we know.

    ``code`` is a key of ``codes.explanations()``. ``subject`` names the resource and the part of
    it in words. ``excerpt`` is the line of the file and ``width`` how many of its
    characters, from ``where.column`` on, are to be underlined. ``log`` holds lines of
    somebody else's that tell more.
    """

    code: str
    message: str
    where: Position | None = None
    hint: str = ""
    severity: Severity = Severity.ERROR
    subject: str = ""
    excerpt: str = field(default="", compare=False)
    width: int = field(default=1, compare=False)
    log: str = ""


def by_place(problem: Problem) -> tuple[bool, Position, str, str]:
    """Sort key: problems without a place first, then by file, line and column."""
    place = problem.where or Position("")
    return (problem.where is not None, place, problem.code, problem.message)


class ProvisionerError(Exception):
    """What went wrong, as problems to show. ``exit_code`` ends the command."""

    exit_code: ClassVar[int] = 1

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=by_place))
        super().__init__("; ".join(p.message for p in self.problems))

    @classmethod
    def of(cls, code: str, message: str, hint: str = "", **more: Any) -> Self:
        """The error with this one problem."""
        return cls((Problem(code, message, hint=hint, **more),))


class FileError(ProvisionerError):
    """A manifest, environment, project or plan file that cannot be used."""


class UsageError(ProvisionerError):
    """The command line asks for something that cannot be."""


class RefusedError(ProvisionerError):
    """Not done for safety's sake; the hint holds the words that would allow it."""


class WorkspaceError(ProvisionerError):
    """The workspace, or the way to it."""


class LoginError(WorkspaceError):
    """No login, more than one, or one that the workspace refused."""


class UnreachableError(WorkspaceError):
    """No answer that can be believed; nothing was changed by this request."""


class LostAnswerError(WorkspaceError):
    """The request went out; whether it was carried out is not known."""


class ServiceError(WorkspaceError):
    """The service answered and refused.

    ``status`` is the HTTP status, ``error_code`` the service's own word (``""`` when it
    gave none). Texts of the service are already freed of control characters.
    """

    def __init__(
        self, status: int, error_code: str, message: str, call: str, hint: str = ""
    ) -> None:
        self.status = status
        self.error_code = error_code
        self.reason = message
        self.call = call
        status_and_code = " ".join(part for part in (str(status), error_code) if part)
        super().__init__((Problem("E407", f"{call}: {status_and_code}: {message}", hint=hint),))

    def with_hint(self, hint: str) -> ServiceError:
        """The same refusal, with what helps against it."""
        return ServiceError(self.status, self.error_code, self.reason, self.call, hint)
