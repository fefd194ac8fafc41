"""provisioner rollback: go back to what was released before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from provisioner.cli.options import (
    ApplyOptions,
    CommonOptions,
    apply_options_without_tip,
    environment_option,
    packed,
    reporting_options,
)
from provisioner.cli.terminal import Terminal

if TYPE_CHECKING:
    from provisioner.commands.promotion.rollback import RollbackProposal
    from provisioner.workflow.project import Project


class RollbackOptions(NamedTuple):
    """To which value, and whether to apply it."""

    to: str
    apply: bool


@click.command("rollback", short_help="Release the previous value again.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@environment_option
@packed(
    RollbackOptions,
    "rollback_options",
    click.option("--to", default="", metavar="VALUE", help="Release this value instead."),
    click.option("--apply", is_flag=True, help="Also apply the endpoints that use the variables."),
)
@apply_options_without_tip
@reporting_options
def command(
    names: tuple[str, ...],
    environment: str,
    common: CommonOptions,
    rollback_options: RollbackOptions,
    options: ApplyOptions,
) -> int:
    """Release the previous value again, and reject the current one.

    NAME is a released variable, or an endpoint, which means all released variables that it uses.
    `rollback` only writes environments/releases/ENVIRONMENT.yaml and shows the change; it
    does not need git. `promote` then skips the rejected value, unless you pass
    --retry-rejected.

    With --apply, `rollback` also plans and applies the endpoints that use these variables, with
    the confirmations and options of `apply`. It writes the file after you agree.

    \b
    Exit codes: 0 done; 1 error or refused; with --apply also the exit codes of apply.
    """
    return _rollback(common, environment, names, (rollback_options, options))


def _rollback(
    common: CommonOptions,
    environment: str,
    names: tuple[str, ...],
    all_options: tuple[RollbackOptions, ApplyOptions],
) -> int:
    rollback_options, options = all_options
    from provisioner.cli import consent
    from provisioner.cli.report_output import recording
    from provisioner.commands.promotion import rollback
    from provisioner.commands.promotion.rollback import next_step
    from provisioner.workflow.project import open_project

    with recording(common, "rollback", environment) as terminal:
        if rollback_options.apply:
            consent.refuse_silence(terminal, options.yes or bool(options.expect_plan_digest))
        project = open_project(common.project_dir)
        decided = rollback.roll_back(project, environment, names, rollback_options.to)
        terminal.problems(decided.warnings)
        if rollback_options.apply and decided.affected:
            return _applied(terminal, project, decided, options)
        rollback.write(project, decided)
        terminal.say(next_step(decided.environment.name, decided.affected))
        _show(terminal, decided)
        return terminal.ended(0)


def _show(terminal: Terminal, decided: RollbackProposal) -> None:
    from provisioner.commands.promotion import rollback

    if terminal.common.is_data:
        answer = rollback.to_json(decided.draft, decided.after, decided.affected)
        terminal.answer_data(answer)
    else:
        terminal.answer(rollback.diff(decided.draft))


def _applied(
    terminal: Terminal, project: Project, decided: RollbackProposal, options: ApplyOptions
) -> int:
    """Plan and apply what is made from the variables; the file is written in between."""
    from provisioner.cli import consent
    from provisioner.commands.promotion import rollback
    from provisioner.workflow import saved_plan, session
    from provisioner.workflow.plan import make_plan
    from provisioner.workflow.scope import PlanOptions

    saved_plan.check_digest_given(options.expect_plan_digest)
    approved = options.yes or bool(options.expect_plan_digest)
    shown = rollback.diff(decided.draft)
    if terminal.common.is_data:
        terminal.say(shown)
    else:
        terminal.answer(shown)
    with session.session_of(project, decided.environment, decided.loaded) as opened:
        plan = make_plan(opened, PlanOptions(decided.selection))
        saved_plan.refuse_unapproved(plan, options.expect_plan_digest)
        terminal.opened(opened, writes=True)
        request = consent.ApplyRequest(options, approved)
        pending = consent.agreed(terminal, opened, plan, request)
        rollback.write(project, decided)
        if pending:
            return consent.run(terminal, opened, plan, request)
        return consent.nothing(terminal, opened, plan, request.options)
