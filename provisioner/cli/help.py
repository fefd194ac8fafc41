"""provisioner help: the help of a command, as `--help` prints it, and the manual page."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from typing import Final

import click

from provisioner import __version__
from provisioner.cli.help_texts import COMMON, HelpContext
from provisioner.errors.exit_codes import ExitCode


def common_options_help(context: click.Context) -> str:
    """The page about the options that every command takes."""
    formatter = context.make_formatter()
    formatter.write_text("Options that every command takes, before or after its name:")
    with formatter.indentation():
        formatter.write_dl(common_options(context))
    return formatter.getvalue()


def common_options(context: click.Context) -> list[tuple[str, str]]:
    """The options that every command takes, each with its meaning."""
    from provisioner.cli.options import TALK, folder_option

    @click.command("options")
    def page() -> None: ...

    for option in (folder_option, *TALK):
        page = option(page)
    records = (each.get_help_record(context) for each in page.params if each.name in COMMON)
    return [record for record in records if record]


@click.command("help", short_help="Show the help of a command.")
@click.argument("words", nargs=-1, metavar="[COMMAND]")
@click.option("--man", is_flag=True, help="Print the manual page of all commands, for `man`.")
@click.pass_context
def command(context: click.Context, words: tuple[str, ...], *, man: bool) -> int:
    """Show the help of COMMAND, or the list of all commands.

    On a terminal, a text that is longer than the screen opens in the program of PAGER (default:
    less). To turn this off, set PAGER=cat or NO_PAGER=1.

    \b
    Examples:
      provisioner help
      provisioner help apply
      provisioner help emulator start
      provisioner help options
      provisioner help --man > provisioner.1 && man ./provisioner.1
    """
    if man:
        click.echo(man_page(context.find_root()), nl=False)
    elif words == ("options",):
        _show(common_options_help(context))
    else:
        _show(_help_of(context.find_root(), words))
    return 0


def _help_of(shown: click.Context, words: tuple[str, ...]) -> str:
    for word in words:
        group = shown.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"`{shown.info_name}` has no command `{word}`", ctx=shown)
        command = group.get_command(shown, word)
        if command is None:
            # Raises the error that the same word without `help` gets.
            group.resolve_command(shown, [word])
            return ""
        shown = HelpContext(command, info_name=word, parent=shown)
    return shown.get_help() + "\n"


def _show(text: str) -> None:
    """Print ``text``, in a pager where it is longer than the screen, as git does."""
    pager = _pager() if sys.stdin.isatty() and sys.stdout.isatty() else ""
    if pager and text.count("\n") >= shutil.get_terminal_size().lines:
        # It interprets the value as git does: a command line of the shell.
        done = _paged(text, pager)
        if done:
            return
    click.echo(text, nl=False)


def _pager() -> str:
    """The command line of the pager; ``""`` where the user wants none."""
    if os.environ.get("NO_PAGER") or os.environ.get("TERM") == "dumb":
        return ""
    chosen = os.environ.get("PAGER", "less").strip()
    return "" if chosen == "cat" else chosen


def _paged(text: str, pager: str) -> bool:
    """Whether ``pager`` could show ``text``."""
    import subprocess

    # Colours stay, and a text that fits after all ends at once; a user's own LESS wins.
    environment = {"LESS": "FRX", **os.environ}
    done = subprocess.run(
        pager, shell=True, input=text, text=True, encoding="utf-8", env=environment, check=False
    )
    # A shell ends with 126 or 127 where it cannot run the command.
    return done.returncode not in (126, 127)


# The manual page of all commands, made of the same texts, in the language of roff.

_CODE: Final = re.compile(r"`([^`]+)`")
_AS_IS: Final = "\b"
"""Click's mark of a paragraph whose lines stay as they are."""


def man_page(root: click.Context) -> str:
    """The page ``provisioner(1)`` for the commands of ``root``."""
    return "\n".join(_man_lines(root)) + "\n"


def _man_lines(root: click.Context) -> Iterator[str]:
    from provisioner.cli import HEADINGS

    group = root.command
    assert isinstance(group, click.Group)
    summary, _, rest = (group.help or "").partition("\n\n")
    yield f'.TH PROVISIONER 1 "" "provisioner {__version__}" "User Commands"'
    yield from (".SH NAME", f"provisioner \\- {_text(summary.rstrip('.'))}")
    yield from (".SH SYNOPSIS", r"\fBprovisioner\fR \fICOMMAND\fR [\fIOPTIONS\fR]")
    yield from (".SH DESCRIPTION", *_paragraphs(rest))
    for heading, names in HEADINGS.items():
        yield f".SH {heading.upper()} COMMANDS"
        for name in names.split():
            command = group.get_command(root, name)
            assert command is not None, name
            yield from _man_of(click.Context(command, info_name=name, parent=root))
    yield from (".SH COMMON OPTIONS", *_definitions(common_options(root)))
    codes = ((str(code.value), code.meaning) for code in ExitCode)
    yield from (".SH EXIT STATUS", *_definitions(codes))


def _man_of(context: click.Context) -> Iterator[str]:
    command = context.command
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_escaped(f'{context.command_path} {usage}')}"
    yield from _paragraphs(command.help or "")
    records = (param.get_help_record(context) for param in command.get_params(context))
    yield from _definitions(
        record for record in records if record and record[1] and not record[0].endswith("--help")
    )
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _man_of(click.Context(inner, info_name=name, parent=context))
    elif command.epilog:
        yield from _paragraphs(command.epilog.rpartition("\n\n")[0])


def _definitions(records: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, meaning in records:
        yield from (".TP", rf"\fB{_escaped(term)}\fR", _text(meaning))


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        lines = paragraph.splitlines()
        if lines and lines[0].strip(" ") == _AS_IS:
            yield from (".PP", ".nf", *(_text(line) for line in lines[1:]), ".fi")
        elif lines:
            yield from (".PP", _text(" ".join(line.strip() for line in lines)))


def _text(text: str) -> str:
    return _CODE.sub(r"\\fB\1\\fR", _escaped(text))


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", r"\-")
    # A line that begins with a dot or a quote would be a command of roff.
    return rf"\&{text}" if text.startswith((".", "'")) else text
