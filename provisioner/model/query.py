"""Programs that ask a resource: what a kind makes for the clients that people use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from provisioner.errors import Problem, UsageError
from provisioner.model.connection import Connection
from provisioner.model.paths import Document
from provisioner.model.plan import Address


@dataclass(frozen=True, slots=True)
class Question:
    """What is put to a resource: ``prompt``, or ``body`` as it is to be sent.

    ``entity``: one part of the resource answers, whatever its traffic split says.
    """

    prompt: str = ""
    body: Document | None = None
    entity: str = ""
    max_tokens: int | None = None
    timeout_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a resource said to a question: ``text`` for a person, ``raw`` as it came.

    ``entity`` is the part that answered, ``tokens`` what it cost; ``""`` and None where the
    answer does not tell.
    """

    name: str
    task: str
    text: str
    raw: Document
    entity: str = ""
    duration_ms: int = 0
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One of several that were asked, by the word its user typed: an answer or problems."""

    word: str
    answer: Answer | None
    problems: tuple[Problem, ...] = ()


class FailedCase(NamedTuple):
    """A case that did not pass: its line in the file, and what was expected and came instead."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class CaseCounts:
    """How the cases of a check went: ``needed`` is the percentage that has to pass."""

    file: str
    total: int
    needed: float
    failed: tuple[FailedCase, ...] = ()

    @property
    def passed(self) -> int:
        """How many passed."""
        return self.total - len(self.failed)

    @property
    def rate(self) -> float:
        """The percentage that passed."""
        return 100 * self.passed / self.total

    @property
    def failures(self) -> tuple[str, ...]:
        """``FILE:LINE: expected ...`` of each case that failed."""
        return tuple(f"{self.file}:{each.line}: {each.message}" for each in self.failed)

    @property
    def text(self) -> str:
        """``94 of 100 cases passed (94 %), at least 95 % required``."""
        return (
            f"{self.passed:,} of {self.total:,} cases passed ({self.rate:.4g} %), at least "
            f"{self.needed:g} % required"
        )


@dataclass(frozen=True, slots=True)
class CheckResult:
    """``name`` is the resource's in the workspace, ``check`` the check's.

    ``entity`` is the part of the resource that answered (``""``: not known). ``message``
    says in one line what was expected and what came instead, ``""`` for a check that
    passed; it may repeat what a model said. ``tokens`` is None where the answer tells none.
    ``cases`` is set for a check over a file of cases.
    """

    address: Address
    name: str
    check: str
    entity: str
    passed: bool
    message: str
    duration_ms: int
    tokens: int | None
    cases: CaseCounts | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """What is known of the resource that a snippet is for.

    ``host`` is the workspace's address; ``""`` where only the environment of whoever runs the
    snippet knows it. ``document`` is the declared resource or the live one as it came;
    ``checks`` are those of its manifest, whose questions make good examples.
    """

    name: str
    host: str
    document: Document
    checks: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class Snippet:
    """``text`` is the program, in ``language``: python, sh or sql. It holds no secret.

    ``install`` is what it needs besides: the argument of pip, ``""`` for nothing.
    """

    client: str
    language: str
    text: str
    task: str
    install: str = ""


class NoSnippetError(UsageError):
    """The client cannot ask such a resource; ``why`` is the part without the client's name."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Clients:
    """How a kind is asked by others. ``names`` are the clients, and in words what each is.

    ``task`` is what the resource does, ``""`` where its document does not tell. ``snippet``
    makes the one for a client and a document that tells; it raises NoSnippetError where the
    client cannot ask such a resource. ``read`` is the live document, None where there is none.
    """

    names: Mapping[str, str]
    task: Callable[[Document], str]
    snippet: Callable[[Reached, str], Snippet]
    read: Callable[[Connection, str], Document | None]
