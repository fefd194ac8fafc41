"""What is put to a resource, what it says, and what that proves."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.errors import Problem
from provisioner.plan import Address
from provisioner.semantics import Document


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


@dataclass(frozen=True, slots=True)
class CheckResult:
    """``name`` is the resource's in the workspace, ``check`` the check's.

    ``entity`` is the part of the resource that answered (``""``: not known). ``message``
    says in one line what was expected and what came instead, ``""`` for a check that
    passed; it may repeat what a model said. ``tokens`` is None where the answer tells none.
    """

    address: Address
    name: str
    check: str
    entity: str
    passed: bool
    message: str
    duration_ms: int
    tokens: int | None
