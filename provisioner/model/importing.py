"""What is live, or stands in another tool's files, as a manifest would describe it.

Also what a live resource becomes in the kinds that succeed its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from provisioner.errors import Location
from provisioner.model.connection import Connection
from provisioner.model.paths import Document

if TYPE_CHECKING:
    from provisioner.model.live import Live


@dataclass(frozen=True, slots=True)
class GeneratedManifest:
    """A resource in manifest vocabulary, without what a manifest need not have.

    Texts are as they are: a ``${`` in one is no reference yet. A value that only a user
    else knows is ``{"$secret": {"from_env": NAME}}``. ``comments`` are lines that stand above
    the part at a place. ``left_out`` names what the manifest cannot hold, and why.
    """

    document: Document
    comments: Mapping[Location, Sequence[str]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StateEntry:
    """One instance of a resource in a Terraform state.

    ``address`` is what a ``removed`` block takes, which is without the key of an instance;
    ``instance`` is its full address.
    """

    type: str
    address: str
    instance: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one kind makes of a Terraform state: a portrait, and the entries that are in it."""

    name: str
    generated: GeneratedManifest
    entries: tuple[StateEntry, ...]


@dataclass(frozen=True, slots=True)
class BundleRules:
    """What the settings of a whole bundle do to resources of the kind, as the CLI has it.

    ``levels`` has for each level of the bundle's `permissions` the one of the kind; what is not
    there has no effect. ``ranks`` are all levels of the kind, the weakest first. ``named``
    returns a document in which entries without a name have the one that the service gives
    them. ``secret_keys`` yields (scope, key) of each secret that a document refers to;
    ``with_keys`` returns a manifest of a document that also declares these keys. ``unmanaged``
    has for each field of a bundle that no manifest has why it is left out.
    """

    levels: Mapping[str, str]
    ranks: Sequence[str]
    named: Callable[[Document], Document] = lambda document: document
    secret_keys: Callable[[Document], Iterable[tuple[str, str]]] = lambda document: ()
    with_keys: Callable[[Document, Sequence[str]], GeneratedManifest] | None = None
    unmanaged: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Importing:
    """How a kind describes what it did not create.

    ``all_blocks`` is a document that makes a driver read all that can be described. ``generate``
    takes the live resource and the words that names of environment variables begin with.
    ``is_provided``: a resource of this name is the service's own. ``from_terraform`` takes the
    entries of a state and claims those of its kind. ``bundle`` is None for a kind that
    bundles do not have.
    """

    generate: Callable[[Live, str], GeneratedManifest]
    all_blocks: Document = field(default_factory=dict)
    is_provided: Callable[[str], bool] = lambda name: False
    from_terraform: Callable[[Sequence[StateEntry]], Sequence[Claimed]] = lambda entries: ()
    bundle: Callable[[], BundleRules] | None = None


def variable_name(text: str) -> str:
    """``text`` as the name of an environment variable."""
    name = re.sub(r"[^A-Z0-9]+", "_", text.upper(), flags=re.ASCII).strip("_")
    return name if name[:1].isalpha() else f"KEY_{name}"


class LossReason(StrEnum):
    """Why something does not carry over; the words of ``migrate --without``."""

    GUARDRAILS = "guardrails"
    PROVIDER = "provider"
    LOGIN = "login"
    COMPLETIONS = "completions"
    MODEL = "model"
    ROUTING = "routing"
    NAME = "name"
    TARGET = "target"
    AI_QUERY = "ai-query"
    TAGS = "tags"
    BUDGET_POLICY = "budget-policy"
    NOTIFICATIONS = "notifications"
    TELEMETRY = "telemetry"
    ROUTE_OPTIMIZATION = "route-optimization"
    RAW = "raw"


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of a resource that its successors cannot do.

    ``is_final``: no option accepts it, because nothing of use would be left.
    """

    cause: LossReason
    message: str
    hint: str = ""
    is_final: bool = False

    def stops(self, accepted: Set[LossReason]) -> bool:
        """Whether the resource stays where these losses are agreed to."""
        return self.is_final or self.cause not in accepted


class VariablePlace(StrEnum):
    """Where a variable of a migrated manifest gets its value from."""

    PROCESS = "the environment of the process that runs apply"
    PROJECT = "`variables:` of the environment's file"


@dataclass(frozen=True, slots=True)
class NeededVariable:
    """A value that cannot be read from the workspace. ``purpose`` says what it is."""

    name: str
    place: VariablePlace
    purpose: str


@dataclass(frozen=True, slots=True)
class MigrationSource:
    """A live resource: as a manifest describes it, and the answer as it came.

    ``declared`` and ``checks`` are those of its manifest, where it has one: some fields are never
    shown by the service.
    """

    name: str
    generated: GeneratedManifest
    raw: Document
    declared: Document = field(default_factory=dict)
    checks: tuple[Document, ...] = ()


@dataclass(frozen=True, slots=True)
class MigrationTarget:
    """Where resources move to. ``place`` is ``CATALOG.SCHEMA``, and ``exists`` whether it does.

    ``accepted`` are the losses that the user agrees to. ``declared`` has what manifests declare
    already: kind name, then resource name.
    """

    place: str
    exists: bool = True
    accepted: frozenset[LossReason] = frozenset()
    declared: Mapping[str, Mapping[str, Document]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SuccessorResource:
    """A resource that is to be declared. ``name`` is its name in the workspace.

    Texts of ``document`` are those of a manifest, references and all.
    """

    kind: str
    key: str
    name: str
    document: Document
    comments: Mapping[Location, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MigratedResource:
    """What becomes of one resource. ``successor`` is what callers ask afterwards.

    ``uses`` are the other new resources that it needs, by kind and name. ``notes`` tell what is
    different afterwards, ``questions`` what a person has to decide.
    """

    name: str
    successor: tuple[str, str]
    losses: tuple[Loss, ...] = ()
    notes: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    uses: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MigrationDraft:
    """What becomes of all resources of one run, in their order."""

    resources: tuple[MigratedResource, ...]
    successors: tuple[SuccessorResource, ...]
    variables: tuple[NeededVariable, ...] = ()


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """A query for who calls resources: one row for each id and caller, or for an id alone.

    Its columns are id, caller, number of requests and time of the last one. ``ids`` are by name.
    ``untracked`` says for each name why requests to it may not be recorded. ``days`` is how far
    the query looks back.
    """

    sql: str
    ids: Mapping[str, str]
    untracked: Mapping[str, str]
    days: int


@dataclass(frozen=True, slots=True)
class Migrator:
    """How resources of a kind move to its successors.

    ``successor`` returns kind and name of what a resource becomes, given its name and the target's
    place. ``exists`` returns whether the place is in the workspace. ``migrate`` is pure.
    ``same_api`` returns why a live successor cannot do what the resource does; ``""``: it can.
    ``usage`` returns the query for who still calls the resources, given what is live by name.
    """

    successor: Callable[[str, str], tuple[str, str]]
    exists: Callable[[Connection, str], bool]
    migrate: Callable[[Sequence[MigrationSource], MigrationTarget], MigrationDraft]
    same_api: Callable[[Mapping[str, Any], Mapping[str, Any]], str]
    usage: Callable[[Mapping[str, Mapping[str, Any]]], UsageQuery]
