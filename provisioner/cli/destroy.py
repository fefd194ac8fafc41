"""provisioner destroy: delete what carries our tag."""

from __future__ import annotations

import click

from provisioner.cli.options import (
    Applying,
    Common,
    Where,
    destroying_options,
    reporting_options,
    select_option,
    where_options,
)


@click.command("destroy", short_help="Delete what carries our tag.")
@where_options
@select_option
@destroying_options
@reporting_options
def command(common: Common, where: Where, select: tuple[str, ...], applying: Applying) -> int:
    """Delete the endpoints that carry the tag of this project and environment.

    What carries another tag or none is never touched, nor are secret scopes. Each
    endpoint's name is asked for; with -y, --allow-delete names what may go.

    \b
    Exit codes: 0 done or nothing to do; 1 error or refused; 4 applied in part, safe to
    run again; 130 interrupted.
    """
    from provisioner.cli import consent
    from provisioner.cli.reporting import recording
    from provisioner.workflow.plan import Wanted, make_destroy_plan
    from provisioner.workflow.project import open_project
    from provisioner.workflow.session import open_session

    with recording(common, "destroy", where.environment) as terminal:
        consent.refuse_silence(terminal, applying.yes)
        project = open_project(common.project_dir)
        with open_session(project, *where, lenient=True) as session:
            terminal.opened(session, writes=True)
            plan = make_destroy_plan(session, Wanted(select=select))
            order = consent.Order(applying, approved=applying.yes)
            return consent.carry_out(terminal, session, plan, order)
