"""Programs that ask a resource: what a kind makes for the clients that people use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from provisioner.connection import Connection
from provisioner.semantics import Document


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


@dataclass(frozen=True, slots=True)
class Clients:
    """How a kind is asked by others. ``names`` are the clients, and in words what each is.

    ``task`` is what the resource does, ``""`` where its document does not tell. ``snippet``
    makes the one for a client and a document that tells; it raises UsageError where the
    client cannot ask such a resource. ``read`` is the live document, None where there is none.
    """

    names: Mapping[str, str]
    task: Callable[[Document], str]
    snippet: Callable[[Reached, str], Snippet]
    read: Callable[[Connection, str], Document | None]
