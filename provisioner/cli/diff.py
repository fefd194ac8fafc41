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
        message = f"`diff` takes two environments, such as `diff dev prod`, and not {len(names)}"
        raise click.UsageError(message, context)
    return names


@click.command("diff", short_help="Show two environments side by side.")
@click.argument("environments", nargs=-1, callback=_two, metavar="A B")
@packed(
    DiffOptions,
    "options",
    click.option("--live", is_flag=True, help="Compare the workspaces instead of the files."),
    select_option,
    variables_option,
)
@click.option(
    "--detailed-exitcode", is_flag=True, help="Exit with 2 when something differs by accident."
)
@common_options
def command(
    common: CommonOptions,
    environments: tuple[str, str],
    options: DiffOptions,
    detailed_exitcode: bool,
) -> int:
    """Show how the environments A and B differ, on purpose or by accident.

    On purpose is what an environment's file says (variables, defaults, overrides). By
    accident is the rest: resources that only one environment's manifests have, and with
    --live what is not as declared. Resources are paired by address, so a name_prefix is no
    difference. Without --live nothing is sent.

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
    if common.json:
        terminal.answer_json(diff_text.to_json(difference))
    else:
        style = Style(terminal.colour(sys.stdout), terminal.unicode(sys.stdout), terminal.width)
        terminal.answer(diff_text.text(difference, style))
    return ExitCode.CHANGES if detailed_exitcode and difference.has_accidents else 0
