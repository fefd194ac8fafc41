"""provisioner status: what the declared endpoints are doing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import click

from provisioner.cli.options import (
    CommonOptions,
    Duration,
    TargetOptions,
    common_options,
    packed,
    select_option,
    target_options,
)
from provisioner.cli.terminal import Terminal, data_record

if TYPE_CHECKING:
    from provisioner.model.selection import Selection
    from provisioner.workflow.session import Session


class StatusOptions(NamedTuple):
    """How long to look. ``timeout_s`` counts with ``wait`` only."""

    watch: bool
    wait: bool
    timeout_s: float


status_options = packed(
    StatusOptions,
    "options",
    click.option("--watch", is_flag=True, help="Update the output until Ctrl-C."),
    click.option("--wait", is_flag=True, help="Wait until no endpoint is updating."),
    click.option(
        "--timeout",
        "timeout_s",
        type=Duration(),
        default="60m",
        show_default=True,
        help="How long --wait waits.",
    ),
)


@click.command("status", short_help="Show the state of each resource.")
@target_options
@select_option
@status_options
@common_options
def command(
    common: CommonOptions,
    target: TargetOptions,
    select: Selection,
    options: StatusOptions,
) -> int:
    """Show the state of each declared resource, and what it serves.

    With --watch, a terminal shows the live state; otherwise `status` prints a line for each
    change, or with -o json or -o yaml the complete state. --watch --wait ends when no
    endpoint is updating.

    With -v it also asks for what the service measured in the last minute, and for the usage
    policy that the costs belong to.

    \b
    Exit codes: 0 all resources are ready; 1 error, or a resource failed or is missing;
    5 still updating (with --wait: after the timeout); 130 interrupted.
    """
    from provisioner.commands.status import text as status_text
    from provisioner.commands.status.status import read_status, status_code, with_details
    from provisioner.workflow.project import open_project
    from provisioner.workflow.session import open_session

    terminal = Terminal(common)
    project = open_project(common.project_dir)
    with open_session(project, *target) as session:
        terminal.problems(warning for warning in session.loaded.warnings if warning.code == "W741")
        if options.watch:
            return _watch(terminal, session, select, options)
        rows = read_status(session, select, options.timeout_s if options.wait else 0.0)
        if common.verbose:
            rows = with_details(session, rows)
    if common.is_data:
        terminal.answer_data(status_text.to_json(rows))
    else:
        terminal.answer(status_text.text(rows, terminal.style()))
    return status_code(rows)


def _watch(terminal: Terminal, session: Session, select: Selection, options: StatusOptions) -> int:
    from provisioner.commands.status.status import status_code, watch_status
    from provisioner.commands.status.watch import shown

    limit_s = options.timeout_s if options.wait else None
    seen = watch_status(session, select, limit_s)
    form = terminal.common.output
    record = partial(data_record, form=form) if terminal.common.is_data else None
    return status_code(shown(seen, terminal.style(), record=record))
