"""provisioner diff: two environments side by side."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import click

from provisioner.cli.options import (
    CommonOptions,
    common_options,
    packed,
    select_option,
    variables_option,
)
from provisioner.cli.terminal import Terminal
from provisioner.errors.exit_codes import ExitCode


class DiffOptions(NamedTuple):
    """What is compared of the two environments."""

    live: bool
    select: Selection
    variables: tuple[str, ...]


if TYPE_CHECKING:
    from provisioner.model.selection import Selection


def _two(context: click.Context, param: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """``names``, if they are two. Raises click.UsageError: click's own names no argument."""
    if len(names) != 2:
        message = f"`diff` takes two environments, not {len(names)}: `provisioner diff dev prod`"
        raise click.UsageError(message, context)
    return names


@click.command("diff", short_help="Compare two environments.")
@click.argument("environments", nargs=-1, callback=_two, metavar="A B")
@packed(
    DiffOptions,
    "options",
    click.option("--live", is_flag=True, help="Compare the live workspaces, not the files."),
    select_option,
    variables_option,
)
@click.option(
    "--detailed-exitcode", is_flag=True, help="Exit with 2 if there is an accidental difference."
)
@common_options
def command(
    common: CommonOptions,
    environments: tuple[str, str],
    options: DiffOptions,
    detailed_exitcode: bool,
) -> int:
    """Compare the environments A and B.

    Differences on purpose come from an environment's file (variables, defaults, overrides). All
    others are accidental: resources that only one environment declares and, with --live,
    differences from the manifests. `diff` matches resources by address, so a different
    name_prefix is not a difference. Without --live, `diff` sends no requests.

    \b
    Exit codes: 0 done; 1 error; 2 something differs by accident (only with
    --detailed-exitcode).
    """
    from provisioner.commands.diff import text as diff_text
    from provisioner.commands.diff.compare import compare
    from provisioner.rendering.style import Style

    terminal = Terminal(common)
    difference, warnings = compare(
        common.project_dir, environments, options.select, options.variables, live=options.live
    )
    terminal.problems(warnings)
    if common.is_data:
        terminal.answer_data(diff_text.to_json(difference))
    else:
        style = Style(terminal.colour(sys.stdout), terminal.unicode(sys.stdout), terminal.width)
        terminal.answer(diff_text.text(difference, style))
    return ExitCode.CHANGES if detailed_exitcode and difference.has_accidents else 0
