"""What a kind of resource provides: ``Kind`` decides, ``Driver`` acts.

A kind is one folder below ``kinds/`` and one line in its registry. Code outside that folder
uses a kind through the types of this module alone. ``Kind`` has one group of functions for
each part of the tool that uses it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import quote

from provisioner.errors import Finding, Location
from provisioner.model.connection import Connection as Connection
from provisioner.model.connection import Reply as Reply
from provisioner.model.drift import DriftCategory
from provisioner.model.field_rules import FieldRule
from provisioner.model.importing import Importing, Migrator
from provisioner.model.live import History as History
from provisioner.model.live import Listed as Listed
from provisioner.model.live import Live as Live
from provisioner.model.live import Ownership as Ownership
from provisioner.model.live import Phase as Phase
from provisioner.model.live import Readiness as Readiness
from provisioner.model.paths import Document, Path
from provisioner.model.plan import Action, FieldAction, FieldChange, Operation
from provisioner.model.query import Answer as Answer
from provisioner.model.query import CheckResult, Clients, Question
from provisioner.model.references import (
    Prerequisite,
    Release,
    RestrictedName,
    Restriction,
    no_references,
    nothing,
)
from provisioner.model.resource import Resource
from provisioner.model.rollout import RolloutRole
from provisioner.model.secret import SecretReader
from provisioner.model.serving import EntityCapacity, LogSource, Served, Topology


@dataclass(frozen=True, slots=True)
class Intent:
    """What the operations of a step must bring about.

    ``ownership`` are to be on the resource afterwards. ``changes`` holds every difference,
    the ones with ``Action.KEEP`` too: those are not to be sent. ``rules`` are the kind's.
    """

    action: Action
    name: str
    desired: Document | None
    live: Live | None
    changes: tuple[FieldChange, ...]
    ownership: Ownership
    rules: FieldRule


@dataclass(frozen=True, slots=True)
class ComparisonInput:
    """What a kind with a comparison of its own is asked with."""

    desired: Document
    live: Live | None
    rotate: frozenset[str] = frozenset()


class Driver(Protocol):
    """Acts on one workspace for one kind. Thread-safe."""

    def inventory(self, near: Sequence[Resource] = ()) -> Sequence[Listed] | None:
        """All that exist: one request, however often it is asked in a run.

        Where there is no list of all, what exists beside the resources ``near``. None where
        it may not be listed, which is not the same as nothing there.
        """
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

    def fence(self, name: str, value: str) -> bool:
        """Writes ``value`` to the fencing tag of the resource ``name``; ``""`` removes it.

        Called right before a deletion. Returns False for a kind without tags.
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


def field_name(document: Document) -> str:
    """The field ``name`` of a document; ``""`` where it is no text."""
    name = document.get("name")
    return name if isinstance(name, str) else ""


@dataclass(frozen=True, slots=True)
class Schema:
    """What a manifest of the kind may say, checked without a workspace.

    ``model`` returns the pydantic model, which only schema generation loads; ``rules`` the
    rule tree of its fields. ``relations`` yields what a JSON Schema cannot say.
    ``migrate_legacy`` translates legacy spellings and reports each. ``same_name`` gives one
    text for all names that are one name to the service. ``takes_name_prefix``: the name in the
    workspace begins with the environment's ``name_prefix``. ``name_of`` returns the name in the
    workspace that a document gives its resource, ``""`` for none. ``api_name`` returns the name
    by which the API refers to it; without it, that is the field ``name``.
    """

    model: Callable[[], type[Any]]
    rules: Callable[[], FieldRule]
    relations: Callable[[Document, Declared], Iterator[Finding]]
    migrate_legacy: Callable[[Document], tuple[Document, tuple[Finding, ...]]] | None = None
    same_name: Callable[[str], str] = str
    takes_name_prefix: bool = True
    name_of: Callable[[Document], str] = field_name
    api_name: Callable[[Document], str] | None = None


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What a document of the kind refers to.

    ``depends_on`` yields (kind name, resource name) of what has to be applied first.
    ``prerequisites`` yields what has to be in the workspace already, and ``capacity`` is how
    many resources of the kind a workspace takes (0: not known). ``references`` yields the
    names that a boundary may restrict; ``restrictions`` describes each category of them.
    ``provides_secrets``: resources of the kind hold the secrets that others refer to. ``releases``
    yields the versions of other resources that one serves. ``aliases`` yields each alias that one
    sets, as ``MODEL@ALIAS``, and where the document says so.
    """

    depends_on: Callable[[Document], Iterator[tuple[str, str]]] = nothing
    prerequisites: Callable[[Document], Iterator[Prerequisite]] = nothing
    capacity: int = 0
    references: Callable[[Document], Iterator[RestrictedName]] = no_references
    restrictions: Mapping[str, Restriction] = field(default_factory=dict)
    provides_secrets: bool = False
    releases: Callable[[Document], Iterator[Release]] = nothing
    aliases: Callable[[Document], Iterator[tuple[str, Location]]] = nothing


@dataclass(frozen=True, slots=True)
class OwnCall:
    """A call that a plan of the kind may hold, and how it names its resource.

    ``path`` may hold ``{name}``, the quoted name of the resource, and ``{id}``. Where the path
    does not name the resource, ``name_field`` is the field of the payload that does.
    """

    method: str
    path: str
    name_field: str = ""

    def is_about(self, name: str, operation: Operation) -> bool:
        """Returns whether ``operation`` is this call, about the resource ``name``."""
        payload = operation.payload or {}
        if self.name_field and payload.get(self.name_field) != name:
            return False
        path = re.escape(self.path).replace(r"\{name\}", re.escape(quote(name, safe="")))
        path = path.replace(r"\{id\}", r"(?:\{id\}|[A-Za-z0-9_-]+)")
        return operation.method == self.method and bool(re.fullmatch(path, operation.path))


@dataclass(frozen=True, slots=True)
class Planning:
    """Decisions about the differences of a resource. All are pure.

    ``operations`` returns the calls of a step. ``own_calls`` has each call that it may return,
    for the check of a saved plan. ``calls_of_field`` names, for the docs, the calls that can
    change a field. ``field_action`` decides about a change that no field rule
    and no ``lifecycle.ignore_changes`` covers, or returns None. ``compare`` replaces the
    generic comparison. ``hides_values``: the service never shows the values of the kind, so two
    workspaces cannot be compared, and ``compare`` reports what cannot be read back.
    ``applied_digests`` returns the digests of what cannot be read back, for the ownership data.
    ``resent_field`` names the field that the service may accept and fail to carry out, so that
    it is sent again. ``precondition`` returns why the service would refuse the calls of an
    update, and a hint. ``at_stake_hint`` says how to keep what a replacement would lose
    (``Live.at_stake``). ``warnings`` yields what a reader must know even where nothing is done.
    ``drift_category`` returns the category of a change that was not applied by this project,
    None for a plain edit. ``capacity`` yields what the parts of a document provision; the second
    argument are live values that stay although the document says something else. ``follows``
    returns the versions that a change makes current: it waits for what releases them. ``rebound``
    returns a live document as it is after resources of these names were replaced, where it is
    bound to the old ones.
    """

    operations: Callable[[Intent], tuple[Operation, ...]]
    own_calls: Mapping[str, OwnCall] = field(default_factory=dict)
    calls_of_field: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    field_action: Callable[[FieldChange, Document, Live], FieldAction | None] | None = None
    compare: Callable[[ComparisonInput], tuple[FieldChange, ...]] | None = None
    hides_values: bool = False
    applied_digests: Callable[[Document], str] | None = None
    at_stake_hint: str = ""
    resent_field: str = ""
    precondition: Callable[[Intent], tuple[str, str] | None] | None = None
    warnings: Callable[[Intent], Iterator[str]] | None = None
    drift_category: Callable[[FieldChange], DriftCategory | None] | None = None
    capacity: Callable[[Document, Mapping[Path, Any]], Iterator[EntityCapacity]] | None = None
    follows: Callable[[FieldChange], frozenset[str]] | None = None
    rebound: Callable[[Document, Set[str]], Document] | None = None


@dataclass(frozen=True, slots=True)
class Runtime:
    """Access to live resources of the kind.

    ``connect`` returns a driver for the workspace behind a connection. ``describe`` returns
    what a live resource serves, for ``status``. ``topology`` returns how requests to a
    declared resource branch; without it, the kind takes no requests. ``read_log`` returns a log of
    an entity that a resource serves. ``page`` is the path of a resource's page in the workspace,
    with ``{name}``.
    """

    connect: Callable[[Connection, SecretReader], Driver]
    describe: Callable[[Live], tuple[Served, ...]] | None = None
    topology: Callable[[Document], Topology] | None = None
    read_log: Callable[[Connection, str, str, LogSource], str] | None = None
    page: str = ""


@dataclass(frozen=True, slots=True)
class Invocation:
    """How a resource of the kind is queried.

    ``ask`` puts a question to one. ``verify`` carries out one check of a ready resource, with
    a timeout in seconds. ``clients`` makes programs that query one. ``is_name``: a name that no
    manifest declares may be one of the kind.
    """

    ask: Callable[[Connection, str, Question], Answer]
    verify: Callable[[Connection, Resource, Document, float], CheckResult]
    clients: Clients
    is_name: Callable[[str], bool] = lambda name: "." not in name


class OwnershipCarrier(StrEnum):
    """Where a live resource records which project and environment it belongs to.

    ``NOTHING``: resources of the kind have no owner. They are neither adopted nor deleted,
    they are never orphans, and two environments may declare the same one.
    """

    TAGS = "tags"
    COMMENT = "the last line of the comment"
    NOTHING = "nothing"

    @property
    def words(self) -> OwnershipWords:
        """How sentences call what a resource carries."""
        return _LINE if self is OwnershipCarrier.COMMENT else _TAGS


class OwnershipWords(NamedTuple):
    """What records the owner of a resource, in the phrases of a sentence."""

    without: str
    none: str
    owned_by: str
    removed: str
    pronoun: str

    def of(self, owner: str) -> str:
        """The record of ``owner``."""
        return self.owned_by.format(owner)


_TAGS: Final = OwnershipWords(
    without="without ownership tags",
    none="no ownership tags",
    owned_by="the ownership tags of {}",
    removed="the ownership tags are removed",
    pronoun="which are removed",
)
_LINE: Final = OwnershipWords(
    without="without an ownership line in the comment",
    none="no ownership line in the comment",
    owned_by="the ownership line of {} in the comment",
    removed="the ownership line in the comment is removed",
    pronoun="which is removed",
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of resource: decisions as pure functions, and the way to a driver.

    ``title`` is the name in sentences, in the singular. A group that is None says that the
    kind cannot do that: its resources are not queried, not imported, or have no successor.
    ``keeps_data``: deleting a resource loses what no manifest brings back, so each deletion is
    consented to by address.
    """

    name: str
    title: str
    schema: Schema
    planning: Planning
    runtime: Runtime
    dependencies: Dependencies = Dependencies()
    invocation: Invocation | None = None
    importing: Importing | None = None
    ownership: OwnershipCarrier = OwnershipCarrier.TAGS
    rollout: RolloutRole | None = None
    migrator: Migrator | None = None
    keeps_data: bool = False

    @property
    def is_owned(self) -> bool:
        """Whether a resource belongs as a whole to one project and environment."""
        return self.ownership is not OwnershipCarrier.NOTHING
