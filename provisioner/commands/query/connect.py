"""``connect``: the program that asks a resource with a client of another project."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioner.commands.query.ask import QueryTarget, named, similar
from provisioner.errors import RefusedError, UsageError
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.errors.wording import listed
from provisioner.manifests.project import WorkspaceSettings
from provisioner.model.kind import Kind
from provisioner.model.query import Clients, NoSnippetError, Reached, Snippet
from provisioner.workflow.project import open_environment, open_project
from provisioner.workflow.session import Session, open_session
from provisioner.workspace.profiles import read_config_file


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """For whom a snippet is, and where that lives: the options of the command."""

    name: str
    environment: str
    profile: str = ""
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClientAccess:
    """How a resource is reached. ``emulator``: it lives in this local workspace's file."""

    reached: Reached
    clients: Clients
    emulator: str = ""

    @property
    def task(self) -> str:
        """What the resource does; ``""``: unknown."""
        return self.clients.task(self.reached.document)

    def snippet(self, client: str) -> Snippet:
        """The program for ``client``. Raises UsageError where there is none."""
        if client not in self.clients.names:
            names = self.clients.names
            meant = did_you_mean(client, names, cutoff=0.4)
            hint = f"{meant} the clients are {listed(names)}".lstrip()
            raise UsageError.of("E750", f"there is no client `{client}`", hint)
        return self.clients.snippet(self.reached, client)


def way_to(folder: Path | None, wanted: ConnectOptions) -> ClientAccess:
    """How the resource ``wanted.name`` is reached: its key, address or name in the workspace.

    From its manifest alone where that tells what it does, else from the workspace. Raises
    FileError, UsageError, WorkspaceError, and RefusedError for a resource that is not there.
    """
    project = open_project(folder)
    environment, loaded = open_environment(project, wanted.environment, wanted.variables)
    meant = named(loaded.resources, wanted.name, _clients)
    declared = meant.resource and _declared(environment.workspace, meant, wanted.profile)
    if declared and declared.task:
        return declared
    options = (wanted.environment, wanted.profile, wanted.variables)
    with open_session(project, *options) as started:
        return _live(started, meant)


def _clients(kind: Kind) -> Clients | None:
    return kind.invocation.clients if kind.invocation else None


def _declared(settings: WorkspaceSettings, meant: QueryTarget, profile: str) -> ClientAccess | None:
    """The way to a declared resource, without a workspace."""
    clients, resource = _clients(meant.kind), meant.resource
    if clients is None or resource is None:
        return None
    host = settings.host or ("" if settings.emulator else _host_of(settings.profile or profile))
    reached = Reached(meant.name, host, resource.document, resource.checks)
    return ClientAccess(reached, clients, settings.emulator)


def _host_of(profile: str) -> str:
    """The address in a profile of the Databricks configuration file, ``""`` without one."""
    known = read_config_file(os.environ).profiles.get(profile)
    return known.settings.get("host", "").rstrip("/") if known else ""


def _live(session: Session, meant: QueryTarget) -> ClientAccess:
    clients, settings = _clients(meant.kind), session.environment.workspace
    document = clients.read(session.connection, meant.name) if clients else None
    if clients is None or document is None:
        hint = "" if meant.resource else similar(session.loaded.resources, meant.name)
        raise RefusedError.of(
            "E441",
            f"there is no {meant.kind.title} `{meant.name}`",
            hint or "run `provisioner apply` first",
        )
    # A local workspace listens on another port each time.
    host = "" if settings.emulator else session.host
    checks = meant.resource.checks if meant.resource else ()
    return ClientAccess(Reached(meant.name, host, document, checks), clients, settings.emulator)


def fitting(way: ClientAccess) -> Sequence[tuple[str, str, str]]:
    """Each client: its name, what it is, and why it cannot ask this resource (``""``: it can)."""
    return [(name, words, _reason(way, name)) for name, words in way.clients.names.items()]


def _reason(way: ClientAccess, client: str) -> str:
    try:
        way.snippet(client)
    except NoSnippetError as error:
        return error.why
    return ""
