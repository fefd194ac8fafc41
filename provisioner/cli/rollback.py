"""provisioner rollback: go back to what was released before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from provisioner.cli.options import (
    Applying,
    Common,
    environment_option,
    packed,
    reporting_options,
    rollback_options,
)
from provisioner.cli.terminal import Terminal

if TYPE_CHECKING:
    from provisioner.commands.promotion.rollback import RollingBack
    from provisioner.workflow.project import Project


class How(NamedTuple):
    """To which value, and whether to apply it."""

    to: str
    apply: bool


@click.command("rollback", short_help="Go back to the value released before.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@environment_option
@packed(
    How,
    "how",
    click.option("--to", default="", metavar="VALUE", help="Go to this value instead."),
    click.option("--apply", is_flag=True, help="Also apply the endpoints concerned."),
)
@rollback_options
@reporting_options
def command(
    names: tuple[str, ...], environment: str, common: Common, how: How, applying: Applying
) -> int:
    """Release the previous value again, and reject the one that was released.

    NAME is a released variable, or an endpoint, which stands for those it is made from. Only
    environments/releases/ENVIRONMENT.yaml is written, and the difference is shown; git is
    not needed. Promote skips the rejected value from then on, unless it is given
    --retry-rejected.

    With --apply the endpoints made from these variables, and nothing else, are planned and
    applied as `apply` does, with its questions and flags; the file is written once you agree.

    -o json: {"file", "written", "resources": [ADDRESS], "variables": [{"name", "value",
    "rolled_back", "rejected"}]}; with --apply the answer of apply.

    \b
    Exit codes: 0 done; 1 error or refused; with --apply also those of apply.
    """
    from provisioner.cli import consent
    from provisioner.cli.reporting import recording
    from provisioner.commands.promotion import rollback
    from provisioner.commands.promotion.rollback_text import next_step
    from provisioner.workflow.project import open_project

    with recording(common, "rollback", environment) as terminal:
        if how.apply:
            consent.refuse_silence(terminal, applying.yes or bool(applying.expect_plan_digest))
        project = open_project(common.project_dir)
        decided = rollback.roll_back(project, environment, names, how.to)
        terminal.problems(decided.warnings)
        if how.apply and decided.affected:
            return _applied(terminal, project, decided, applying)
        rollback.write(project, decided)
        terminal.say(next_step(decided.environment.name, decided.affected))
        _show(terminal, decided)
        return terminal.ended(0)


def _show(terminal: Terminal, decided: RollingBack) -> None:
    from provisioner.commands.promotion import rollback_text

    if terminal.common.json:
        answer = rollback_text.to_json(decided.draft, decided.after, decided.affected)
        terminal.answer_json(answer)
    else:
        terminal.answer(rollback_text.diff(decided.draft))


def _applied(terminal: Terminal, project: Project, decided: RollingBack, applying: Applying) -> int:
    """Plan and apply what is made from the variables; the file is written in between."""
    from provisioner.cli import consent
    from provisioner.commands.promotion import rollback, rollback_text
    from provisioner.workflow import saved_plan, session
    from provisioner.workflow.plan import Wanted, make_plan

    saved_plan.check_digest_given(applying.expect_plan_digest)
    approved = applying.yes or bool(applying.expect_plan_digest)
    shown = rollback_text.diff(decided.draft)
    if terminal.common.json:
        terminal.say(shown)
    else:
        terminal.answer(shown)
    with session.session_of(project, decided.environment, decided.loaded) as opened:
        plan = make_plan(opened, Wanted(select=decided.selection))
        saved_plan.refuse_unapproved(plan, applying.expect_plan_digest)
        terminal.opened(opened, writes=True)
        order = consent.Order(applying, approved)
        pending = consent.agreed(terminal, opened, plan, order)
        rollback.write(project, decided)
        if pending:
            return consent.run(terminal, opened, plan, order)
        return consent.nothing(terminal, plan)
