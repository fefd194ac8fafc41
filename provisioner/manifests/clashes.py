"""Environments that are one workspace by mistake: both would manage the same resources. Pure.

One metastore of Unity Catalog serves many workspaces. Files do not say which, so an object of the
same full name in two workspaces is a note alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from posixpath import normpath
from urllib.parse import urlsplit

from provisioner.errors import Finding, Problem, Severity
from provisioner.errors.wording import listed
from provisioner.manifests.declaration import Declaration
from provisioner.manifests.lifecycle import EXISTING
from provisioner.manifests.load import Loaded
from provisioner.manifests.project import Environment, WorkspaceSettings
from provisioner.manifests.yaml.source import SourceFile
from provisioner.model.kind import OwnershipCarrier

WORKSPACE, EMULATOR = "workspace", "emulator"
SHOWN = 3


def clashes(environments: Sequence[tuple[Environment, Loaded]]) -> Iterator[Problem]:
    """A problem for each two environments of one workspace that name the same resources.

    Profiles are compared by name: whether two of them mean one host is known only online.
    """
    for (first, loaded), (second, other) in combinations(environments, 2):
        if workspace(first.workspace) != workspace(second.workspace) or not second.source:
            continue
        shared = [each for _, each in _shared(loaded, other)]
        if shared:
            yield _problem(first, second, second.source, shared)


def perhaps_shared(environments: Sequence[tuple[Environment, Loaded]]) -> Iterator[Problem]:
    """A note for each object that two workspaces declare, which one metastore has once.

    A local workspace has a metastore of its own.
    """
    for (first, loaded), (second, other) in combinations(environments, 2):
        places = {workspace(first.workspace), workspace(second.workspace)}
        if len(places) == 1 or EMULATOR in dict(places):
            continue
        for own, each in _shared(loaded, other):
            if each.kind.ownership is OwnershipCarrier.COMMENT:
                yield _note(first, second, own, each)


def _note(first: Environment, second: Environment, own: Declaration, other: Declaration) -> Problem:
    where = own.where
    message = (
        f"`{first.name}` declares the {other.kind.title} `{other.name}` as well, at "
        f"{where.file}:{where.line}"
    )
    hint = (
        f"if the workspaces of `{first.name}` and `{second.name}` have one metastore, this is one "
        "object: use a catalog for each environment, as in `${var.catalog}`"
    )
    (problem,) = other.placed((Finding((), "W788", message, hint, Severity.NOTE),))
    return problem


def workspace(settings: WorkspaceSettings) -> tuple[str, str]:
    """What tells two workspaces apart, as far as files say it."""
    if settings.host:
        parts = urlsplit(settings.host.lower())
        default = {"https": 443, "http": 80}.get(parts.scheme)
        return "host", f"{parts.scheme}://{parts.hostname}:{parts.port or default}"
    if settings.profile:
        return "profile", settings.profile
    return EMULATOR, normpath(settings.emulator)


def _shared(first: Loaded, other: Loaded) -> Iterator[tuple[Declaration, Declaration]]:
    """What both would own; and what neither owns, where they want it to be different."""
    known = {(each.kind.name, each.name): each for each in first.declarations if each.kind.is_owned}
    for each in other.declarations:
        same = known.get((each.kind.name, each.name))
        if same and not (each.document.get(EXISTING) and each.document == same.document):
            yield same, each


def _problem(
    first: Environment, second: Environment, source: SourceFile, shared: Sequence[Declaration]
) -> Problem:
    names = listed(each.name for each in shared[:SHOWN])
    more = f" and {len(shared) - SHOWN} more" if len(shared) > SHOWN else ""
    message = (
        f"`{first.name}` and `{second.name}` are the same workspace, and both declare {names}{more}"
    )
    there = first.source.position(_place(first)) if first.source else None
    where = f" at {there.file}:{there.line}" if there else ""
    is_prefixed = all(each.kind.schema.takes_name_prefix for each in shared)
    way_out = "set a `name_prefix` in one of them" if is_prefixed else "use another catalog in one"
    hint = f"the workspace of `{first.name}` is{where}: correct one of the two, or {way_out}"
    return source.problem(Finding(_place(second), "E221", message, hint))


def _place(environment: Environment) -> tuple[str, str]:
    return WORKSPACE, workspace(environment.workspace)[0]
