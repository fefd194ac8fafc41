"""provisioner open: the page of an endpoint."""

from __future__ import annotations

import sys

import click

from provisioner.cli.completers import addresses
from provisioner.cli.options import (
    CommonOptions,
    TargetOptions,
    common_options,
    target_options,
)
from provisioner.cli.terminal import Terminal


@click.command("open", short_help="Open an endpoint in the browser.")
@click.argument("name", shell_complete=addresses)
@click.option("--print", "only_print", is_flag=True, help="Only print the URL.")
@target_options
@common_options
def command(common: CommonOptions, target: TargetOptions, name: str, only_print: bool) -> int:
    """Print the URL of the endpoint NAME, and open it in the browser.

    `open` sends nothing to the workspace, and opens the browser only on a terminal. NAME is a
    key, an address or a name in the workspace.

    \b
    Exit codes: 0 done; 1 error.
    """
    from provisioner.errors import UsageError
    from provisioner.model.selection import Selection
    from provisioner.workflow.parallel import page_url
    from provisioner.workflow.project import open_environment, open_project

    terminal = Terminal(common)
    project = open_project(common.project_dir)
    environment, loaded = open_environment(project, target.environment, target.variables)
    resource = Selection.of_words((name,)).choose(loaded.resources)[0]
    url = page_url(environment.workspace.host, resource.address.kind, resource.name)
    if not url:
        local = environment.workspace.emulator
        hint = (
            f"provisioner emulator start --state {local} prints the URL of the console"
            if local
            else ""
        )
        hint = hint or "set `host:` of the workspace in the environment file"
        raise UsageError.of("E826", f"the URL of `{resource.name}` is not known", hint)
    if common.is_data:
        terminal.answer_data({"address": str(resource.address), "url": url})
        return 0
    terminal.answer(url)
    if sys.stdout.isatty() and not only_print:
        click.launch(url)
    return 0
