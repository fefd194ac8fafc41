"""provisioner emulator: the local workspace as a server."""

from __future__ import annotations

from pathlib import Path

import click

from provisioner.cli.options import folder_option, packed
from provisioner.cli.served import Served, serve

served_options = packed(
    Served,
    "served",
    click.option(
        "--port", type=click.IntRange(0, 65535), default=0, help="Port; 0 takes a free one."
    ),
    click.option(
        "--state",
        default=".provisioner/local.sqlite",
        show_default=True,
        help="File that holds the workspace, or :memory:.",
    ),
    click.option("--token", default="", help="The token to ask for (default: made up at start)."),
    click.option(
        "--transition",
        default="polls=2",
        show_default=True,
        help="When an update is done: immediate, polls=N or seconds=S.",
    ),
    click.option("--latency-ms", type=click.IntRange(0), default=0, help="Added to each answer."),
)


@click.group("emulator", short_help="Start the local workspace.")
def command() -> None:
    """The local workspace: a server that behaves like a Databricks workspace."""


@command.command("start")
@served_options
@folder_option
def start(project_dir: Path | None, served: Served) -> int:
    """Start the local workspace and serve until Ctrl-C.

    Prints DATABRICKS_HOST=... and DATABRICKS_TOKEN=... for other programs, then serves on
    127.0.0.1 only. The default state is what this repository's `local` environment uses,
    so what was applied there can be queried here.

    \b
    Exit codes: 0 stopped, 1 error, for instance when the port is taken.
    """
    return serve(served, project_dir)
