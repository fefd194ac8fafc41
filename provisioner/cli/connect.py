"""provisioner connect: the program that asks an endpoint."""

from __future__ import annotations

import click

from provisioner.cli.completers import addresses, clients
from provisioner.cli.options import (
    CommonOptions,
    TargetOptions,
    common_options,
    target_options,
)
from provisioner.cli.terminal import Terminal


@click.command("connect", short_help="Print a program that queries an endpoint.")
@click.argument("name", shell_complete=addresses)
@click.option(
    "--client",
    is_flag=False,
    flag_value="",
    default="",
    metavar="CLIENT",
    shell_complete=clients,
    help="openai, curl, mlflow, sdk, langchain or sql (default: list the clients).",
)
@target_options
@common_options
def command(common: CommonOptions, target: TargetOptions, name: str, client: str) -> int:
    """Print a program that queries the endpoint NAME.

    The program uses the client that you choose, the endpoint's URL and task, and the question of
    its first check. It reads the token from the environment variable where it runs. `connect`
    sends a request to the workspace only if the manifest does not show the task.

    \b
    Exit codes: 0 done, 1 error.
    """
    from provisioner.commands.query import connect as query_connect
    from provisioner.commands.query import connect_text

    terminal = Terminal(common)
    way = query_connect.way_to(common.project_dir, query_connect.ConnectOptions(name, *target))
    if not client:
        clients = query_connect.fitting(way)
        if common.is_data:
            terminal.answer_data(connect_text.clients_json(way.reached.name, way.task, clients))
        else:
            terminal.answer(connect_text.clients_text(way.reached.name, way.task, clients))
        return 0
    snippet = way.snippet(client)
    if common.is_data:
        terminal.answer_data(connect_text.to_json(way.reached.name, snippet))
    else:
        terminal.answer(connect_text.text(snippet))
    if way.emulator:
        terminal.say(connect_text.start_first(way.emulator))
    return 0
