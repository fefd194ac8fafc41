"""provisioner render: an environment's resources as they will be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.options import (
    CommonOptions,
    common_options,
    environment_option,
    select_option,
    variables_option,
)
from provisioner.cli.terminal import Terminal

if TYPE_CHECKING:
    from provisioner.model.selection import Selection


@click.command("render", short_help="Show the resources of an environment, offline.")
@environment_option
@select_option
@variables_option
@click.option("--origins", is_flag=True, help="Show the file and line of each value.")
@common_options
def command(
    common: CommonOptions,
    environment: str,
    select: Selection,
    variables: tuple[str, ...],
    origins: bool,
) -> int:
    """Print the resources of an environment after variables, defaults and overrides.

    The output is a valid manifest. References to secrets are not replaced. `render` sends no
    requests.

    \b
    Exit codes: 0 done, 1 problems found.
    """
    from provisioner.commands.render import render

    terminal = Terminal(common)
    rendered = render.render(common.project_dir, environment, select, variables)
    terminal.problems(rendered.warnings)
    if common.is_data:
        terminal.answer_data(render.as_written(rendered.document))
    else:
        origin = rendered.origin if origins else None
        terminal.answer(render.text(rendered.document, origin))
    return 0
