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


@click.command("plan", short_help="Show the changes that apply would make.")
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
    click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if changes are pending."),
    click.option(
        "--preflight",
        is_flag=True,
        help="Also check that the models, secrets and principals exist.",
    ),
    click.option(
        "--changed-since",
        metavar="REF",
        default="",
        help=(
            "Plan only resources that the changes since this commit affect, in all "
            "environments or in -e."
        ),
    ),
)
@reporting_options
def command(
    common: CommonOptions,
    target: TargetOptions,
    resources: ResourceOptions,
    options: PlanCommandOptions,
) -> int:
    """Compare the manifests with the workspace, and show the changes that apply would make.

    For each changed field, the plan shows the value before and after, the reason if there is one,
    and the API calls. `plan` writes nothing.

    With --preflight, `plan` also checks that the workspace has the objects that the manifests
    name: versions of registered models, feature specs, secret keys and principals. It also
    shows who would own new endpoints.

    With --changed-since, `plan` compares the files with the last common commit of HEAD and REF
    (origin/main). It plans the resources that the change affects, in every environment where
    they change. Live differences that the change did not cause are marked as drift.

    \b
    Exit codes: 0 done; 1 error, a step is blocked, or --preflight found something missing;
    2 changes are pending (only with --detailed-exitcode); 6 --preflight found nothing
    missing, but skipped some checks.
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
                terminal.say(f"{problem.message}; required for apply")
        refused = bool(policies.errors_of(judged) or (before and not before.is_clear))
        changes = options.detailed_exitcode and not plan.is_empty
        code = ExitCode.CHANGES if changes else ExitCode.DONE
        # What was not looked at may be missing, so that a pipeline must not take it for a yes.
        code = ExitCode.NOT_LOOKED_AT if before and before.unknown else code
        return terminal.ended(1 if plan.blocked or refused else code)
