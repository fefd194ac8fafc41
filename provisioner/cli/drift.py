"""provisioner drift: what differs from the manifests, and of which sort it is."""

from __future__ import annotations

import click

from provisioner.cli.options import (
    CommonOptions,
    TargetOptions,
    reporting_options,
    select_option,
    target_options,
)
from provisioner.model.selection import Selection

EXIT_DRIFT = 2


@click.command("drift", short_help="Show what was changed behind the manifests.")
@target_options
@select_option
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there is drift.")
@reporting_options
def command(
    common: CommonOptions,
    target: TargetOptions,
    select: Selection,
    detailed_exitcode: bool,
) -> int:
    """Show what in the workspace is not as the manifests say, and of which sort it is.

    For a job that runs every night: edited by hand, another model version, permissions and
    tags that were added or taken away, a failed update, what is gone, created again, or not
    ours any more, and what carries our tag and has no manifest. Beside each difference stand
    the declared and the live value, and at the end the commands that lead out of it.

    There is no state file: what is live as one of the last 20 commits declared it was not
    applied yet, what none of them declared was done by hand, and without earlier commits (no
    git, a shallow clone) it may be either. Nothing is written.

    An update in progress and a stopped endpoint are shown, and are no drift by themselves.

    \b
    Exit codes: 0 no drift, or drift without --detailed-exitcode; 1 error;
    2 drift (only with --detailed-exitcode).
    """
    return _drift(common, target, select, detailed_exitcode=detailed_exitcode)


def _drift(
    common: CommonOptions,
    target: TargetOptions,
    select: Selection,
    *,
    detailed_exitcode: bool,
) -> int:
    from provisioner.cli.reporting import recording
    from provisioner.commands.drift.detect import look
    from provisioner.workflow.project import open_project
    from provisioner.workflow.session import open_session

    with recording(common, "drift", target.environment) as terminal:
        project = open_project(common.project_dir)
        with open_session(project, *target) as session:
            terminal.opened(session)
            drifted = look(session, select)
        terminal.note(drift=drifted)
        if common.json:
            from provisioner.commands.drift.json import to_json

            terminal.answer_json(to_json(drifted))
        else:
            from provisioner.commands.drift.text import text

            terminal.answer(text(drifted, terminal.style()))
        return terminal.ended(EXIT_DRIFT if detailed_exitcode and drifted.drifted else 0)
