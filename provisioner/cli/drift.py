"""provisioner drift: what differs from the manifests, and of which sort it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from provisioner.cli.options import (
    POLICIES,
    CommonOptions,
    TargetOptions,
    packed,
    reporting_options,
    select_option,
    target_options,
)
from provisioner.errors.exit_codes import ExitCode

if TYPE_CHECKING:
    from provisioner.cli.terminal import Terminal
    from provisioner.errors import Problem
    from provisioner.model.selection import Selection
    from provisioner.workflow.session import Session


class DriftPolicyOptions(NamedTuple):
    """Whether what is live is judged, and by which policies besides the project's."""

    judge: bool
    policy_dir: Path | None
    policy_digest: str


@click.command("drift", short_help="Show what differs from the manifests.")
@target_options
@select_option
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if there is drift.")
@packed(
    DriftPolicyOptions,
    "policies",
    click.option(
        "--policies",
        "judge",
        is_flag=True,
        help="Also check all live endpoints against the policies.",
    ),
    *POLICIES,
)
@reporting_options
def command(
    common: CommonOptions,
    target: TargetOptions,
    select: Selection,
    policies: DriftPolicyOptions,
    detailed_exitcode: bool,
) -> int:
    """Show where the workspace differs from the manifests, and why.

    Run it every night in a pipeline. `drift` finds values changed by hand, other model versions,
    added or removed permissions and tags, failed updates, resources that were deleted,
    recreated or taken over by another project, and managed resources without a manifest. It
    shows the declared and the live value, and the commands that resolve the difference.

    provisioner has no state file. It compares each live value with the manifests of the last 20
    commits: a value that one of them declared was not applied yet, and any other value was
    changed by hand. Without earlier commits (no git, or a shallow clone) the cause is
    unknown. `drift` writes nothing.

    `drift` also shows updates in progress and stopped endpoints, but they are not drift by
    themselves.

    With --policies, `drift` checks all live endpoints of the workspace against the policies,
    including endpoints without a manifest; with --select, only the selected ones.

    \b
    Exit codes: 0 no drift, or drift without --detailed-exitcode; 1 error, or a policy is violated;
    2 drift (only with --detailed-exitcode).
    """
    return _drift(common, target, select, policies, detailed_exitcode=detailed_exitcode)


def _drift(
    common: CommonOptions,
    target: TargetOptions,
    select: Selection,
    policies: DriftPolicyOptions,
    *,
    detailed_exitcode: bool,
) -> int:
    from provisioner.cli.report_output import recording
    from provisioner.commands.drift.detect import look
    from provisioner.errors import Severity
    from provisioner.workflow.project import open_project
    from provisioner.workflow.session import open_session

    with recording(common, "drift", target.environment) as terminal:
        project = open_project(common.project_dir)
        with open_session(project, *target) as session:
            terminal.opened(session)
            drifted = look(session, select)
            judged = _judged(terminal, session, select, policies)
        terminal.note(drift=drifted, problems=judged)
        if common.is_data:
            from provisioner.commands.drift.text import to_json

            terminal.answer_data(to_json(drifted, judged if policies.judge else None))
        else:
            from provisioner.commands.drift.text import text

            terminal.answer(text(drifted, terminal.style()))
        terminal.problems(judged)
        if any(problem.severity is Severity.ERROR for problem in judged):
            return terminal.ended(1)
        return terminal.ended(ExitCode.CHANGES if detailed_exitcode and drifted.drifted else 0)


def _judged(
    terminal: Terminal, session: Session, select: Selection, options: DriftPolicyOptions
) -> tuple[Problem, ...]:
    """The policies that live resources violate; nothing where it is not asked for."""
    if not options.judge:
        return ()
    from provisioner.commands.drift.policies import judge_live
    from provisioner.workflow.policies import read_policies

    root = session.project.root
    policies = read_policies(root, options.policy_dir, options.policy_digest)
    if not policies.policies:
        terminal.say("no policies: add a folder `policies/`, or pass --policy-dir")
    return judge_live(session, policies, select)
