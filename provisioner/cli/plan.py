"""provisioner plan: show what apply would do, and change nothing."""

from __future__ import annotations

from pathlib import Path

import click

from provisioner.cli.options import (
    POLICIES,
    CommonOptions,
    PlanCommandOptions,
    ResourceOptions,
    TargetOptions,
    packed,
    reporting_options,
    resource_options,
    target_options,
)
from provisioner.errors.exit_codes import ExitCode


@click.command("plan", short_help="Show what would change.")
@target_options
@resource_options
@packed(
    PlanCommandOptions,
    "options",
    *POLICIES,
    click.option(
        "--out",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Save the plan for `apply FILE`.",
    ),
    click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when changes are pending."),
    click.option(
        "--preflight",
        is_flag=True,
        help="Also look for the models, secrets and principals that are named.",
    ),
    click.option(
        "--changed-since",
        metavar="REF",
        default="",
        help="Plan what the files' changes since this commit touch, in all environments unless -e.",
    ),
)
@reporting_options
def command(
    common: CommonOptions,
    target: TargetOptions,
    resources: ResourceOptions,
    options: PlanCommandOptions,
) -> int:
    """Compare the manifests with the workspace and show the difference.

    Each changed field is shown with its value before and after, the reason where there
    is one, and the calls that apply would make. Nothing is written.

    With --preflight the workspace is also asked for what the manifests name and others
    provide: versions of registered models, feature specs, secret keys, principals, and who
    would own new endpoints.

    With --changed-since the files are compared with those of the commit at which HEAD and REF
    (origin/main) parted. What renders to something else is planned, in every environment where
    it does; a live difference that the change did not make is marked as drift.

    \b
    Exit codes: 0 done; 1 error, a step is blocked, or --preflight found something missing;
    2 changes are pending (only with --detailed-exitcode); 6 --preflight found nothing
    missing, and could not look at everything.
    """
    if options.changed_since:
        from provisioner.cli.changed_plans import plan_changes

        return plan_changes(common, target, resources, options)
    return _plan(common, target, resources, options)


def _plan(
    common: CommonOptions,
    target: TargetOptions,
    resources: ResourceOptions,
    options: PlanCommandOptions,
) -> int:
    from provisioner.cli import plan_output
    from provisioner.cli.report_output import recording
    from provisioner.commands.preflight.preflight import examine
    from provisioner.workflow import policies
    from provisioner.workflow.apply import missing_secrets
    from provisioner.workflow.plan import make_plan, undeclared_dependencies
    from provisioner.workflow.project import open_project
    from provisioner.workflow.session import open_session

    with recording(common, "plan", target.environment) as terminal:
        project = open_project(common.project_dir)
        source = (options.policy_dir, options.policy_digest)
        policy_files = policies.read_policies(project.root, *source)
        with open_session(project, *target) as session:
            made = make_plan(session, plan_output.wanted(resources))
            plan, judged = policies.judged(policy_files, made, session)
            terminal.opened(session)
            before = examine(session, resources.select) if options.preflight else None
            problems = (*judged, *(before.problems if before else ()))
            terminal.note(plan=plan, options=plan_output.words(resources), problems=problems)
            beside = plan_output.Beside(before, judged)
            plan_output.show(terminal, plan, beside, verbose=common.verbose)
            if options.out:
                plan_output.save(terminal, plan, options.out)
            for note in () if before else undeclared_dependencies(session, plan):
                terminal.say(f"note: {note}")
            for problem in () if before else missing_secrets(session, plan):
                terminal.say(f"{problem.message}; apply needs it")
        refused = bool(policies.errors_of(judged) or (before and not before.is_clear))
        changes = options.detailed_exitcode and not plan.is_empty
        code = ExitCode.CHANGES if changes else ExitCode.DONE
        # What was not looked at may be missing, so that a pipeline must not take it for a yes.
        code = ExitCode.NOT_LOOKED_AT if before and before.unknown else code
        return terminal.ended(1 if plan.blocked or refused else code)
