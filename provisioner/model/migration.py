"""A resource on its way to the kinds that succeed its own: what moves, and what does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from provisioner.errors import Location
from provisioner.model.connection import Connection
from provisioner.model.importing import GeneratedManifest
from provisioner.model.paths import Document


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

    ``is_final``: nobody can agree to it, because nothing of use would be left.
    """

    reason: LossReason
    message: str
    hint: str = ""
    is_final: bool = False


class VariablePlace(StrEnum):
    """Where a variable of a migrated manifest gets its value from."""

    PROCESS = "the environment of the process that runs apply"
    PROJECT = "`variables:` of the environment's file"


@dataclass(frozen=True, slots=True)
class NeededVariable:
    """A value that nobody can read from the workspace. ``purpose`` says what it is."""

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
class Migrator:
    """How resources of a kind move to its successors.

    ``successor`` returns kind and name of what a resource becomes, given its name and the target's
    place. ``exists`` returns whether the place is in the workspace. ``migrate`` is pure.
    ``same_api`` returns why a live successor cannot do what the resource does; ``""``: it can.
    """

    successor: Callable[[str, str], tuple[str, str]]
    exists: Callable[[Connection, str], bool]
    migrate: Callable[[Sequence[MigrationSource], MigrationTarget], MigrationDraft]
    same_api: Callable[[Mapping[str, Any], Mapping[str, Any]], str]
