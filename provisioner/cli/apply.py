"""provisioner apply: make the workspace as the manifests say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from provisioner.cli.options import (
    ApplyOptions,
    CommonOptions,
    ResourceOptions,
    TargetOptions,
    apply_options,
    reporting_options,
    resource_options,
    target_options,
)

if TYPE_CHECKING:
    from provisioner.cli.terminal import Terminal
    from provisioner.commands.apply.required_tip import RequiredTip
    from provisioner.model.plan import Plan
    from provisioner.planning.plan_file import SavedPlan
    from provisioner.workflow.session import Session

PLANFILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("apply", short_help="Make the workspace match the manifests.")
@click.argument("planfile", required=False, type=PLANFILE)
@target_options
@resource_options
@apply_options
@reporting_options
def command(
    planfile: Path | None,
    common: CommonOptions,
    target: TargetOptions,
    resources: ResourceOptions,
    options: ApplyOptions,
) -> int:
    """Make the workspace match the manifests.

    `apply` makes a plan, asks for confirmation, applies the changes, waits until the endpoints
    are ready, and compares again.

    With PLANFILE, `apply` applies exactly the saved plan, and only to resources that have not
    changed since. With --expect-plan-digest, `apply` makes the plan again and applies it if
    it matches the approved digest. Neither asks for confirmation, and replacements and
    deletions need their own options.

    With --require-tip, `apply` runs only at the newest commit of a branch, without uncommitted
    changes. It checks the remote at the start and right before the first write.

    \b
    Exit codes: 0 done or nothing to do; 1 error or refused; 4 applied in part, safe to
    run again; 5 still updating after the timeout; 130 interrupted.
    """
    return _apply(planfile, common, target, resources, options)


def _apply(
    planfile: Path | None,
    common: CommonOptions,
    target: TargetOptions,
    resources: ResourceOptions,
    options: ApplyOptions,
) -> int:
    from provisioner.cli import consent, plan_output
    from provisioner.cli.report_output import recording
    from provisioner.commands.apply.required_tip import RequiredTip
    from provisioner.workflow import saved_plan
    from provisioner.workflow.project import open_project
    from provisioner.workflow.session import open_session

    approved = bool(options.yes or planfile or options.expect_plan_digest)
    with recording(common, "apply", target.environment) as terminal:
        saved_plan.check_digest_given(options.expect_plan_digest)
        saved = plan_output.saved(planfile, resources) if planfile else None
        consent.refuse_silence(terminal, approved)
        project = open_project(common.project_dir)
        if saved and not target.environment:
            target = target._replace(environment=saved.plan.environment)
        saved_plan.refuse_foreign(saved, project.name, target.environment)
        tip = RequiredTip.of(project.root, options.require_tip) if options.require_tip else None
        target = plan_output.with_saved_variables(target, saved)
        with open_session(project, *target) as session:
            if tip:
                tip.check_files(session.environment, session.loaded)
            plan = _plan(terminal, session, saved, tip, resources)
            saved_plan.refuse_unapproved(saved.plan if saved else plan, options.expect_plan_digest)
            terminal.opened(session, writes=True)
            request = consent.ApplyRequest(options, approved, tip)
            return consent.carry_out(terminal, session, plan, request)


def _plan(
    terminal: Terminal,
    session: Session,
    saved: SavedPlan | None,
    tip: RequiredTip | None,
    resources: ResourceOptions,
) -> Plan:
    from provisioner.cli import plan_output
    from provisioner.workflow.plan import make_plan

    if saved:
        return _accepted(terminal, session, saved, tip)
    return make_plan(session, plan_output.wanted(resources))


def _accepted(
    terminal: Terminal, session: Session, saved: SavedPlan, tip: RequiredTip | None
) -> Plan:
    """The saved plan, if it may be applied here. Raises RefusedError."""
    from provisioner.workflow import saved_plan

    plan = saved_plan.accepted(session, saved)
    if tip:
        tip.check_plan(plan, session.loaded)
    terminal.say(saved_plan.other_manifests(session, plan))
    return plan
