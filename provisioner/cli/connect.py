"""provisioner connect: the program that asks an endpoint."""

from __future__ import annotations

import click

from provisioner.cli.options import Common, Where, common_options, where_options
from provisioner.cli.terminal import Terminal


@click.command("connect", short_help="Print a program that asks an endpoint.")
@click.argument("name")
@click.option(
    "--client",
    is_flag=False,
    flag_value="",
    default="",
    metavar="CLIENT",
    help="openai, curl, mlflow, sdk, langchain or sql; without it they are listed.",
)
@where_options
@common_options
def command(common: Common, where: Where, name: str, client: str) -> int:
    """Print a program that asks the endpoint NAME with a client that you know.

    It is filled in for this endpoint and its task; its question is that of the endpoint's
    first check. The token comes from the environment of whoever runs it. Nothing is sent
    where the manifest tells the task; otherwise the workspace is asked for it.

    \b
    Exit codes: 0 done, 1 error.
    """
    from provisioner import connecting
    from provisioner.rendering import snippets

    terminal = Terminal(common)
    way = connecting.way_to(common.project_dir, connecting.Wanted(name, *where))
    if not client:
        clients = connecting.fitting(way)
        if common.json:
            terminal.answer_json(snippets.clients_json(way.reached.name, way.task, clients))
        else:
            terminal.answer(snippets.clients_text(way.reached.name, way.task, clients))
        return 0
    snippet = way.snippet(client)
    if common.json:
        terminal.answer_json(snippets.to_json(way.reached.name, snippet))
    else:
        terminal.answer(snippets.text(snippet))
    if way.emulator:
        terminal.say(snippets.start_first(way.emulator))
    return 0
