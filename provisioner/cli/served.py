"""Runs the emulator in the foreground."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

if TYPE_CHECKING:
    from provisioner.emulator.server import Running
    from provisioner.errors import ProvisionerError


class Served(NamedTuple):
    """The options of ``emulator start``."""

    port: int
    state: str
    token: str
    transition: str
    latency_ms: int


def serve(served: Served, folder: Path) -> int:
    """Serve until interrupted. Raises UsageError for settings that cannot be."""
    from provisioner.emulator.server import serve as serve_until_stopped
    from provisioner.emulator.settings import Settings
    from provisioner.errors import UsageError

    state = ":memory:" if served.state == ":memory:" else folder / served.state
    try:
        settings = Settings(
            state=state,
            port=served.port,
            token=served.token,
            transition=served.transition,
            latency_ms=served.latency_ms,
        )
        serve_until_stopped(settings, _announce)
    except ValueError as error:
        raise UsageError.of("E808", str(error)) from error
    except OSError as error:
        raise _not_started(served, error) from error
    except KeyboardInterrupt:
        pass
    click.echo("stopped", err=True)
    return 0


def _announce(running: Running) -> None:
    # The lines are made to be read by `source` and by `env $(...)`: nothing else goes here.
    click.echo(f"DATABRICKS_HOST={running.url}")
    click.echo(f"DATABRICKS_TOKEN={running.token}")
    sys.stdout.flush()
    click.echo("serving on the loopback only; Ctrl-C stops", err=True)


def _not_started(served: Served, error: OSError) -> ProvisionerError:
    from provisioner.errors import UsageError

    reason = error.strerror or str(error)
    return UsageError.of(
        "E809",
        f"cannot start on port {served.port}: {reason}",
        hint="choose another port, or leave --port out to take a free one",
    )
