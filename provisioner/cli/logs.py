"""provisioner logs: the build and server logs of what an endpoint serves."""

from __future__ import annotations

from typing import NamedTuple

import click

from provisioner.cli.completers import addresses
from provisioner.cli.options import (
    CommonOptions,
    TargetOptions,
    common_options,
    packed,
    target_options,
)
from provisioner.cli.terminal import Terminal


class LogOptions(NamedTuple):
    """Which logs of which entity, and whether to go on."""

    entity: str
    source: str
    follow: bool


@click.command("logs", short_help="Show the build and server logs of an endpoint.")
@click.argument("name", shell_complete=addresses)
@target_options
@packed(
    LogOptions,
    "options",
    click.option("--entity", default="", metavar="NAME", help="Only this served entity."),
    click.option(
        "--source",
        type=click.Choice(["build", "server"]),
        default=None,
        help="Only the build log, or only the log of the running server.",
    ),
    click.option("-f", "--follow", is_flag=True, help="Show new lines until Ctrl-C."),
)
@common_options
def command(common: CommonOptions, target: TargetOptions, name: str, options: LogOptions) -> int:
    """Show the build and server logs of the endpoint NAME.

    NAME is a key, an address or a name in the workspace.

    \b
    Exit codes: 0 done; 1 error; 130 interrupted.
    """
    from provisioner.commands.logs import logs as logs_text
    from provisioner.commands.logs.logs import LogRequest, follow_logs, read_logs
    from provisioner.model.serving import LogSource
    from provisioner.workflow.project import open_project
    from provisioner.workflow.session import open_session

    terminal = Terminal(common)
    sources = (LogSource(options.source),) if options.source else tuple(LogSource)
    request = LogRequest(name, options.entity, sources)
    with open_session(open_project(common.project_dir), *target) as session:
        if options.follow:
            for news in follow_logs(session, request):
                terminal.answer(logs_text.text(news) if news else "")
        logs = read_logs(session, request)
    if common.is_data:
        terminal.answer_data(logs_text.to_json(logs))
    else:
        terminal.answer(logs_text.text(logs))
    return 0
