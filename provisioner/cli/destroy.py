"""provisioner destroy: delete what carries our tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from provisioner.cli.options import (
    ApplyOptions,
    CommonOptions,
    TargetOptions,
    destroy_options,
    reporting_options,
    select_option,
    target_options,
)

if TYPE_CHECKING:
    from provisioner.model.selection import Selection


@click.command("destroy", short_help="Delete the resources that this project manages.")
@target_options
@select_option
@destroy_options
@reporting_options
def command(
    common: CommonOptions,
    target: TargetOptions,
    select: Selection,
    options: ApplyOptions,
) -> int:
    """Delete the endpoints that this project and environment manage.

    provisioner never deletes secret scopes, or endpoints without the ownership tags of this
    project and environment. `destroy` asks for the name of each endpoint. With -y, name the
    endpoints with --allow-delete.

    \b
    Exit codes: 0 done or nothing to do; 1 error or refused; 4 applied in part, safe to
    run again; 130 interrupted.
    """
    from provisioner.cli import consent
    from provisioner.cli.report_output import recording
    from provisioner.workflow.plan import make_destroy_plan
    from provisioner.workflow.project import open_project
    from provisioner.workflow.scope import PlanOptions
    from provisioner.workflow.session import open_session

    with recording(common, "destroy", target.environment) as terminal:
        consent.refuse_silence(terminal, options.yes, consent.DESTROY_APPROVAL)
        project = open_project(common.project_dir)
        with open_session(project, *target, lenient=True) as session:
            terminal.opened(session, writes=True)
            plan = make_destroy_plan(session, PlanOptions(select))
            request = consent.ApplyRequest(options, approved=options.yes)
            return consent.carry_out(terminal, session, plan, request)
