"""One environment with its manifests loaded and its workspace connected."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from provisioner import __version__, repository
from provisioner.errors import FileError, LoginError, Severity, UsageError
from provisioner.kinds import KINDS
from provisioner.manifests.definitions import declared_in
from provisioner.manifests.load import Loaded, load
from provisioner.manifests.outside import Outside, check_given
from provisioner.manifests.project import (
    Environment,
    find_root,
    read_environment,
    read_project,
)
from provisioner.resource import Connection, Driver
from provisioner.secret import SecretReader


@dataclass(frozen=True, slots=True)
class Project:
    """``root`` is where ``provisioner.yaml`` lies; ``name`` is what it says."""

    root: Path
    name: str


@dataclass(frozen=True, slots=True)
class Session:
    """``host`` is how plans name the workspace: its address, or ``emulator:FILE``."""

    project: Project
    environment: Environment
    loaded: Loaded
    connection: Connection
    drivers: Mapping[str, Driver]
    host: str
    git_commit: str

    def new_drivers(self) -> Mapping[str, Driver]:
        """Drivers that have seen nothing yet, on the same connection."""
        secrets = SecretReader(self.project.root)
        return {name: kind.connect(self.connection, secrets) for name, kind in KINDS.items()}


def open_project(folder: Path | None) -> Project:
    """The project around ``folder`` (None: the current one). Raises FileError."""
    root = find_root(folder or Path.cwd())
    return Project(root, read_project(root).name)


def open_environment(
    project: Project, name: str, given: Sequence[str] = (), *, lenient: bool = False
) -> tuple[Environment, Loaded]:
    """The environment ``name`` and its manifests. Raises FileError and UsageError.

    ``lenient``: manifests with errors count as none, and the errors become warnings.
    """
    outside = Outside.of(given, os.environ)
    environment = read_environment(project.root, name, outside)
    check_given(outside, [declared_in(environment.source)])
    return environment, _loaded(project, environment, lenient=lenient)


def refuse_one_token(environments: Iterable[Environment], environ: Mapping[str, str]) -> None:
    """Raise LoginError where a token of one workspace would be sent to several hosts."""
    hosts = sorted({one.workspace.host for one in environments} - {""})
    if len(hosts) > 1 and environ.get("DATABRICKS_TOKEN"):
        both = "both " if len(hosts) == 2 else ""
        listed = f"{', '.join(hosts[:-1])} and {hosts[-1]}"
        message = f"DATABRICKS_TOKEN is of one workspace, and would reach {both}{listed}"
        hint = (
            "take it away, and log in to each: a profile in ~/.databrickscfg for each host, or a "
            "service principal that both know (DATABRICKS_CLIENT_ID)"
        )
        raise LoginError.of("E403", message, hint)


@contextmanager
def session(
    project: Project,
    environment_name: str,
    profile: str = "",
    given: Sequence[str] = (),
    *,
    lenient: bool = False,
) -> Iterator[Session]:
    """Load the manifests, then connect. Nothing is sent before the manifests are good.

    ``given`` are values for variables, ``NAME=VALUE``. ``lenient``: manifests with errors
    count as none, and the errors become warnings. Raises FileError for files, UsageError
    for ``given``, WorkspaceError for the way to the workspace.
    """
    environment, loaded = open_environment(project, environment_name, given, lenient=lenient)
    with session_of(project, environment, loaded, profile) as started:
        yield started


@contextmanager
def session_of(
    project: Project, environment: Environment, loaded: Loaded, profile: str = ""
) -> Iterator[Session]:
    """Connect the workspace of an environment that is loaded. Raises WorkspaceError."""
    commit = repository.commit(project.root)
    agent = (
        f"provisioner/{__version__} ({project.name}; {environment.name}; {commit[:12] or 'no git'})"
    )
    with connected(project, environment, agent, profile) as (connection, host):
        started = Session(project, environment, loaded, connection, {}, host, commit)
        yield replace(started, drivers=started.new_drivers())


def _loaded(project: Project, environment: Environment, *, lenient: bool) -> Loaded:
    try:
        return load(project.root, environment, KINDS)
    except FileError as error:
        if not lenient:
            raise
        told = (replace(problem, severity=Severity.WARNING) for problem in error.problems)
        return Loaded((), tuple(told), digest="", files=())


@contextmanager
def connected(
    project: Project, environment: Environment, agent: str, profile: str
) -> Iterator[tuple[Connection, str]]:
    """The way to the environment's workspace, and the name that plans give it."""
    from provisioner.workspace import Target, connect

    settings = environment.workspace
    if not settings.emulator:
        target = Target(host=settings.host, profile=profile or settings.profile)
        with connect(target, os.environ, agent) as connection:
            yield connection, connection.host
        return
    from provisioner.emulator.server import START_ERRORS, running
    from provisioner.emulator.settings import Settings

    # Two reads long, so that a first apply shows what waiting looks like.
    local = Settings(
        state=project.root / settings.emulator,
        transition="polls=2",
        upstream=os.environ.get("PROVISIONER_UPSTREAM", ""),
        upstream_model=os.environ.get("PROVISIONER_UPSTREAM_MODEL", ""),
    )
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running(local))
        except ValueError as error:
            raise UsageError.of("E808", str(error)) from error
        except START_ERRORS as error:
            message = f"the local workspace cannot use {settings.emulator}: {error}"
            raise FileError.of("E815", message) from error
        target = Target(host=server.url, token=server.token)
        connection = stack.enter_context(connect(target, {}, agent))
        yield connection, f"emulator:{settings.emulator}"
