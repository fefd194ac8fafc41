"""provisioner help: the help of a command, as `--help` prints it."""

from __future__ import annotations

import click


def common_options_help(context: click.Context) -> str:
    """The page about the options that every command takes."""
    from provisioner.cli.examples import COMMON
    from provisioner.cli.options import TALK, folder_option

    @click.command("options")
    def page() -> None: ...

    for option in reversed((folder_option, *TALK)):
        page = option(page)
    formatter = context.make_formatter()
    formatter.write_text("Options that every command takes, before or after its name:")
    records = (each.get_help_record(context) for each in page.params if each.name in COMMON)
    with formatter.indentation():
        formatter.write_dl([record for record in records if record])
    return formatter.getvalue()


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
      provisioner help options
    """
    if words == ("options",):
        click.echo(common_options_help(context), nl=False)
        return 0
    shown = context.find_root()
    for word in words:
        group = shown.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"`{shown.info_name}` has no command `{word}`", ctx=context)
        command = group.get_command(shown, word)
        if command is None:
            # Raises the error that the same word without `help` gets.
            group.resolve_command(shown, [word])
            return 1
        shown = click.Context(command, info_name=word, parent=shown)
    click.echo(shown.get_help())
    return 0
