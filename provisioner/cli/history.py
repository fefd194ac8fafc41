"""provisioner history: what was released, when, by whom and from which commit."""

from __future__ import annotations

import click

from provisioner.cli.options import CommonOptions, common_options, one_environment
from provisioner.cli.terminal import Terminal


@click.command("history", short_help="Show who released what, and when.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@one_environment("Only this environment (default: all environments that release the variable).")
@common_options
def command(common: CommonOptions, names: tuple[str, ...], environment: str) -> int:
    """Show the released values of each NAME, or of all variables, newest first, offline.

    NAME is a released variable, or an endpoint, which means all released variables that it uses.
    The values, their sources, their checks and rejected values come from the release files,
    and the authors from git. Without git, `history` shows only the current and the previous
    value.

    \b
    Exit codes: 0 done; 1 error.
    """
    from provisioner.commands.promotion import history as rendering
    from provisioner.commands.promotion.history import history
    from provisioner.workflow.project import open_project

    terminal = Terminal(common)
    events = history(open_project(common.project_dir), names, environment)
    if common.is_data:
        terminal.answer_data(rendering.to_json(events))
    else:
        terminal.answer(rendering.text(events, terminal.style()))
        for note in rendering.notes(events):
            terminal.say(f"note: {note}")
    return 0
