"""Runs the emulator in the foreground."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import click

if TYPE_CHECKING:
    from provisioner.emulator.server import Running
    from provisioner.errors import ProvisionerError


# The address is taken, or a port below 1024 is not for everybody.
PORT_ERRORS = (errno.EADDRINUSE, errno.EADDRNOTAVAIL)


class Served(NamedTuple):
    """The options of ``emulator start``."""

    port: int
    state: str
    token: str
    transition: str
    latency_ms: int
    upstream: str
    upstream_model: str


def serve(served: Served, folder: Path | None) -> int:
    """Serve until interrupted; the state is relative to the project around ``folder``.

    Raises UsageError for settings that cannot be.
    """
    from provisioner.emulator.server import START_ERRORS
    from provisioner.emulator.server import serve as serve_until_stopped
    from provisioner.emulator.settings import Settings
    from provisioner.errors import UsageError

    state = ":memory:" if served.state == ":memory:" else _root(folder) / served.state
    try:
        settings = Settings(
            state=state,
            port=served.port,
            token=served.token,
            transition=served.transition,
            latency_ms=served.latency_ms,
            upstream=served.upstream,
            upstream_model=served.upstream_model,
        )
        serve_until_stopped(settings, _announce)
    except ValueError as error:
        raise UsageError.of("E808", str(error)) from error
    except START_ERRORS as error:
        raise _not_started(served, error) from error
    except KeyboardInterrupt:
        pass
    click.echo("stopped", err=True)
    return 0


def _root(folder: Path | None) -> Path:
    """The project's root, or the folder itself: a local workspace needs no project."""
    from provisioner.errors import FileError
    from provisioner.workflow import open_project

    try:
        return open_project(folder).root
    except FileError:
        return folder or Path.cwd()


def _announce(running: Running) -> None:
    # The lines are made to be read by `source` and by `env $(...)`: nothing else goes here.
    click.echo(f"DATABRICKS_HOST={running.url}")
    click.echo(f"DATABRICKS_TOKEN={running.token}")
    sys.stdout.flush()
    # A fragment is never sent, so the token gets into no log of anybody.
    click.echo(f"console: {running.url}/#token={quote(running.token, safe='')}", err=True)
    click.echo("serving on the loopback only; Ctrl-C stops", err=True)


def _not_started(served: Served, error: Exception) -> ProvisionerError:
    from provisioner.errors import UsageError

    reason = getattr(error, "strerror", None) or str(error)
    if not isinstance(error, OSError) or error.errno not in PORT_ERRORS:
        return UsageError.of("E815", f"the local workspace cannot use {served.state}: {reason}")
    return UsageError.of(
        "E809",
        f"cannot start on port {served.port}: {reason}",
        hint="choose another port, or leave --port out to take a free one",
    )
