"""What a kind of resource provides: ``Kind`` decides, ``Driver`` acts.

A kind is one folder below ``kinds/`` and one line in its registry. Everything outside
that folder meets a kind through the types of this module and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from provisioner.errors import Finding
from provisioner.model.connection import Connection as Connection
from provisioner.model.connection import Reply as Reply
from provisioner.model.drift import Sort
from provisioner.model.field_rules import FieldRule
from provisioner.model.importing import Importer
from provisioner.model.live import History as History
from provisioner.model.live import Listed as Listed
from provisioner.model.live import Live as Live
from provisioner.model.live import Marks as Marks
from provisioner.model.live import Phase as Phase
from provisioner.model.live import Readiness as Readiness
from provisioner.model.live import StatusRow as StatusRow
from provisioner.model.paths import Document
from provisioner.model.plan import Action, FieldAction, FieldChange, Operation
from provisioner.model.query import Answer as Answer
from provisioner.model.query import CheckResult, Clients, Question
from provisioner.model.references import Mention, Requirement, Restriction, no_mentions, nothing
from provisioner.model.resource import Resource
from provisioner.model.secret import SecretReader
from provisioner.model.serving import Served, Topology


@dataclass(frozen=True, slots=True)
class Intent:
    """What the operations of a step must bring about.

    ``marks`` are to be on the resource afterwards. ``changes`` holds every difference,
    the ones with ``Action.KEEP`` too: those are not to be sent.
    """

    action: Action
    name: str
    desired: Document | None
    live: Live | None
    changes: tuple[FieldChange, ...]
    marks: Marks


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a kind with a comparison of its own is asked with."""

    desired: Document
    live: Live | None
    rotate: frozenset[str] = frozenset()


class Driver(Protocol):
    """Acts on one workspace for one kind. Thread-safe."""

    def inventory(self) -> Sequence[Listed]:
        """All that exist: one request, however often it is asked in a run."""
        ...

    def read(self, resource: Resource) -> Live | None:
        """The live side of ``resource``; None when there is none.

        Raises ServiceError where it may not be read: that is never the same as absent.
        """
        ...

    def examine(self, resource: Resource, live: Live) -> Live:
        """``live`` with ``at_stake`` filled: asked for only before a replacement."""
        ...

    def perform(self, operation: Operation, identity: str) -> str:
        """Carry out one operation; secrets are resolved here and nowhere before.

        ``identity`` takes the place of ``{id}``. Returns the identity after the call
        (``""`` when the answer does not tell).
        """
        ...

    def poll(self) -> Mapping[str, Readiness]:
        """Name to readiness for all resources: one request that serves all waiters."""
        ...

    def confirm(self, name: str) -> Readiness:
        """The readiness of one resource, from a request of its own, with failure detail."""
        ...


Declared = Mapping[str, Mapping[str, Document]]
"""All documents of an environment: kind name, then resource name."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of resource, as functions without side effects and a way to a driver.

    ``model`` returns the pydantic model (only schema generation loads it) and ``rules``
    its rule tree. ``modernise`` translates legacy spellings and reports them.
    ``relations`` yields what a schema cannot say. ``needs`` yields (kind name, resource
    name) of what has to exist first. ``judge`` has the first word on a change that
    ``lifecycle.ignore_changes`` does not cover, for what no marker can say, or None for no
    opinion. ``compare`` replaces the generic diff. ``applied``
    digests what cannot be read back. ``resend`` names the field that an update may leave
    failed after the service took it, so that it is sent again. ``markable``: resources of
    this kind carry our tags, so they are adopted, orphaned and deleted; the others are
    not ours as a whole. ``describe`` tells what a live resource serves. ``ask``
    puts a question to one; a kind without it cannot be queried. ``verify`` carries out
    one check of a ready resource, with a timeout in seconds. ``clients`` are other programs
    that ask one. ``calls`` names the calls of each field. ``same_name`` gives one text for all
    names that are one name to the service. ``topology`` tells how requests to a resource
    branch. ``obstacle`` tells why the service would refuse an update as a whole, and what
    to do about it. ``remarks`` yields what a reader must know even where nothing is done.
    ``importer`` describes what exists already. ``drift_sort`` tells of which sort a difference is
    that nobody applied, None for a plain edit.
    ``mentions`` yields what a boundary may restrict, and ``restrictions`` says of which sorts.
    ``requires`` yields what has to be in the workspace, ``most`` is how many it takes.
    """

    name: str
    title: str
    model: Callable[[], type[Any]]
    rules: Callable[[], FieldRule]
    relations: Callable[[Document, Declared], Iterator[Finding]]
    operations: Callable[[Intent], tuple[Operation, ...]]
    connect: Callable[[Connection, SecretReader], Driver]
    modernise: Callable[[Document], tuple[Document, tuple[Finding, ...]]] | None = None
    needs: Callable[[Document], Iterator[tuple[str, str]]] = nothing
    judge: Callable[[FieldChange, Document, Live], FieldAction | None] | None = None
    compare: Callable[[Comparison], tuple[FieldChange, ...]] | None = None
    applied: Callable[[Document], str] | None = None
    resend: str = ""
    markable: bool = True
    describe: Callable[[Live], tuple[Served, ...]] | None = None
    ask: Callable[[Connection, str, Question], Answer] | None = None
    verify: Callable[[Connection, Resource, Document, float], CheckResult] | None = None
    clients: Clients | None = None
    calls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    same_name: Callable[[str], str] = str
    mentions: Callable[[Document], Iterator[Mention]] = no_mentions
    restrictions: Mapping[str, Restriction] = field(default_factory=dict)
    requires: Callable[[Document], Iterator[Requirement]] = nothing
    most: int = 0
    topology: Callable[[Document], Topology] | None = None
    obstacle: Callable[[Intent], tuple[str, str] | None] | None = None
    remarks: Callable[[Intent], Iterator[str]] | None = None
    importer: Importer | None = None
    drift_sort: Callable[[FieldChange], Sort | None] | None = None
