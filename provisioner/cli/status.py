"""provisioner status: what the declared endpoints are doing."""

from __future__ import annotations

import click

from provisioner.cli.options import (
    Common,
    Duration,
    Where,
    common_options,
    select_option,
    where_options,
)
from provisioner.cli.terminal import Terminal


@click.command("status", short_help="Show what is ready and what it serves.")
@where_options
@select_option
@click.option("--wait", is_flag=True, help="Wait until nothing is updating any more.")
@click.option(
    "--timeout",
    "timeout_s",
    type=Duration(),
    default="60m",
    show_default=True,
    help="How long --wait waits.",
)
@common_options
def command(
    common: Common, where: Where, select: tuple[str, ...], wait: bool, timeout_s: float
) -> int:
    """Show for each declared resource whether it is ready, and what it serves.

    \b
    Exit codes: 0 everything is ready; 1 error, or something failed or is missing;
    5 still updating (with --wait: when the time was up).
    """
    from provisioner import workflow
    from provisioner.rendering import status

    terminal = Terminal(common)
    project = workflow.open_project(common.project_dir)
    with workflow.session(project, *where) as session:
        rows = workflow.status(session, select, timeout_s if wait else 0.0)
        left_out = [one for one in session.loaded.warnings if one.code == "W741"]
    terminal.problems(left_out)
    if common.json:
        terminal.answer_json(status.to_json(rows))
    else:
        terminal.answer(status.text(rows))
    return workflow.status_code(rows)
