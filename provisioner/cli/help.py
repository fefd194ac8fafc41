"""provisioner help: the help of a command, as `--help` prints it."""

from __future__ import annotations

import click


@click.command("help", short_help="Show the help of a command.")
@click.argument("words", nargs=-1, metavar="[COMMAND]")
@click.pass_context
def command(context: click.Context, words: tuple[str, ...]) -> int:
    """Show the help of COMMAND, or the list of all commands.

    \b
    Examples:
      provisioner help
      provisioner help apply
      provisioner help emulator start
    """
    shown = context.find_root()
    for word in words:
        group = shown.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"`{shown.info_name}` has no command `{word}`", ctx=context)
        found = group.get_command(shown, word)
        if found is None:
            # Raises the error that the same word without `help` gets.
            group.resolve_command(shown, [word])
            return 1
        shown = click.Context(found, info_name=word, parent=shown)
    click.echo(shown.get_help())
    return 0
