"""One environment with its manifests loaded and its workspace connected."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Final

from provisioner import __version__
from provisioner.errors import FileError, LoginError, UnreachableError, UsageError, WorkspaceError
from provisioner.files import git
from provisioner.kinds import KINDS
from provisioner.manifests.load import Loaded
from provisioner.manifests.project import (
    Environment,
)
from provisioner.model.connection import Connection
from provisioner.model.kind import Driver
from provisioner.model.secret import SecretReader
from provisioner.workflow.project import Project, open_environment


@dataclass(frozen=True, slots=True)
class Session:
    """``host`` is how plans name the workspace: its address, or ``emulator:FILE``.

    ``given`` are the values of ``--var``, ``NAME=VALUE``.
    """

    project: Project
    environment: Environment
    loaded: Loaded
    connection: Connection
    drivers: Mapping[str, Driver]
    host: str
    git_commit: str
    given: tuple[str, ...] = ()

    def new_drivers(self) -> Mapping[str, Driver]:
        """Drivers that have seen nothing yet, on the same connection."""
        secrets = SecretReader(self.project.root)
        return {
            name: kind.runtime.connect(self.connection, secrets) for name, kind in KINDS.items()
        }


@contextmanager
def open_session(
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
    try:
        with session_of(project, environment, loaded, profile) as started:
            yield replace(started, given=tuple(given))
    except (LoginError, UnreachableError) as error:
        raise _with_doctor(error, environment.name) from error.__cause__


# No login, and no connection: what doctor looks at from near to far.
_FOR_DOCTOR: Final = frozenset({"E401", "E408", "E410"})


def _with_doctor(error: WorkspaceError, environment: str) -> WorkspaceError:
    """``error``, whose last hint is the command that looks closer."""
    *others, last = error.problems
    if last.code not in _FOR_DOCTOR:
        return error
    hint = f"{last.hint}\nfor details, run `provisioner doctor -e {environment}`".lstrip()
    return type(error)((*others, replace(last, hint=hint)))


@contextmanager
def session_of(
    project: Project, environment: Environment, loaded: Loaded, profile: str = ""
) -> Iterator[Session]:
    """Connect the workspace of an environment that is loaded. Raises WorkspaceError."""
    commit = git.commit(project.root)
    agent = (
        f"provisioner/{__version__} ({project.name}; {environment.name}; {commit[:12] or 'no git'})"
    )
    with connected(project, environment, agent, profile) as (connection, host):
        started = Session(project, environment, loaded, connection, {}, host, commit)
        yield replace(started, drivers=started.new_drivers())


@contextmanager
def connected(
    project: Project, environment: Environment, agent: str, profile: str
) -> Iterator[tuple[Connection, str]]:
    """The way to the environment's workspace, and the name that plans give it."""
    from provisioner.workspace import WorkspaceTarget, connect
    from provisioner.workspace.hosts import refuse_placeholder

    settings = environment.workspace
    if not settings.emulator:
        refuse_placeholder(settings.host, environment.name)
        target = WorkspaceTarget(host=settings.host, profile=profile or settings.profile)
        with connect(target, os.environ, agent) as connection:
            yield connection, connection.host
        return
    from provisioner.emulator.http.settings import Settings
    from provisioner.emulator.server import START_ERRORS, running

    # Two reads long, so that a first apply shows what waiting looks like.
    local = Settings(
        state=project.root / settings.emulator,
        transition="polls=2",
        upstream=os.environ.get("PROVISIONER_UPSTREAM", ""),
        upstream_model=os.environ.get("PROVISIONER_UPSTREAM_MODEL", ""),
        # This tool never needs a form that no one has seen the service take.
        strict=True,
    )
    with ExitStack() as stack:
        try:
            server = stack.enter_context(running(local))
        except ValueError as error:
            raise UsageError.of("E808", str(error)) from error
        except START_ERRORS as error:
            message = f"the local workspace cannot use {settings.emulator}: {error}"
            raise FileError.of("E815", message) from error
        target = WorkspaceTarget(host=server.url, token=server.token)
        connection = stack.enter_context(connect(target, {}, agent))
        yield connection, f"emulator:{settings.emulator}"
