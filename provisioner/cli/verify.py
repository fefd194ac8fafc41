"""provisioner verify: do the endpoints answer as their checks expect?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.options import (
    CommonOptions,
    Duration,
    TargetOptions,
    reporting_options,
    select_option,
    target_options,
)

if TYPE_CHECKING:
    from provisioner.model.selection import Selection


@click.command("verify", short_help="Run the checks against live endpoints.")
@target_options
@select_option
@click.option(
    "--timeout",
    "timeout_s",
    type=Duration(),
    default="60s",
    show_default=True,
    help="How long to wait for each answer. A model that scales up from zero may need minutes.",
)
@click.option(
    "--parallelism",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Number of requests at the same time.",
)
@reporting_options
def command(
    common: CommonOptions,
    target: TargetOptions,
    select: Selection,
    timeout_s: float,
    parallelism: int,
) -> int:
    """Run the checks of the manifests against the live endpoints.

    A check is a question with conditions for its answer: see `checks:` in the documentation.
    `verify` changes nothing, but each check sends a request to a model and can cost money. If
    an endpoint is missing, updating or not ready, its checks fail without a request. `verify`
    repeats no request: a rate limit counts as an answer.

    \b
    Exit codes: 0 all checks passed; 1 error, a check failed, or there are no checks.
    """
    from provisioner.cli.report_output import recording
    from provisioner.commands.query import check_text
    from provisioner.workflow import verify as workflow_verify
    from provisioner.workflow.project import open_project
    from provisioner.workflow.session import open_session

    with recording(common, "verify", target.environment) as terminal:
        project = open_project(common.project_dir)
        with open_session(project, *target) as session:
            terminal.opened(session)
            results = workflow_verify.verify(
                session, select, timeout_s=timeout_s, parallelism=parallelism
            )
        if not results:
            raise workflow_verify.no_checks()
        terminal.note(checks=results)
        if common.is_data:
            terminal.answer_data(check_text.to_json(results))
        else:
            terminal.answer(check_text.text(results, terminal.style()))
        return terminal.ended(0 if all(result.passed for result in results) else 1)
