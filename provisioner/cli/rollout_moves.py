"""What apply does about gradual rollouts: the first moves, and waiting where that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from provisioner.cli.options import ApplyOptions
from provisioner.cli.terminal import Terminal

if TYPE_CHECKING:
    from provisioner.model.outcome import Outcome
    from provisioner.model.plan import Plan
    from provisioner.model.resource import Resource
    from provisioner.workflow.rollout import RolloutReport
    from provisioner.workflow.session import Session

NOT_FINISHED: Final = 6


def follow_rollouts(
    terminal: Terminal,
    session: Session,
    plan: Plan,
    results: Sequence[Outcome],
    options: ApplyOptions,
) -> int:
    """Make the first moves of what was started, wait if asked, and return the exit code."""
    from provisioner.commands.rollout.result import has_failed, is_under_way
    from provisioner.workflow.rollout import RolloutOptions
    from provisioner.workflow.rollout_progress import follow, started, wait_for_end

    reports = follow(session, started(session, plan, results), RolloutOptions())
    _tell(terminal, reports)
    if options.wait_rollout is not None or options.detailed_exitcode:
        waiting = _with_rollout(session, plan)
        wait_s = options.wait_rollout if options.wait_rollout is not None else -1.0
        if waiting and wait_s >= 0:
            reports = wait_for_end(
                session, waiting, RolloutOptions(), (wait_s, lambda some: _tell(terminal, some))
            )
            _tell(terminal, reports)
        elif waiting:
            from provisioner.workflow.rollout import look_at_all

            reports = look_at_all(session, waiting, RolloutOptions())
    if any(map(has_failed, reports)):
        return 1
    under_way = any(map(is_under_way, reports))
    return NOT_FINISHED if under_way and options.detailed_exitcode else 0


def _with_rollout(session: Session, plan: Plan) -> Sequence[Resource]:
    from provisioner.workflow.rollout import rolled_out

    planned = {step.address for step in plan.steps}
    return [
        resource
        for resource in rolled_out(session, session.loaded.resources)
        if resource.address in planned
    ]


def _tell(terminal: Terminal, reports: Sequence[RolloutReport]) -> None:
    """Each rollout in a line. On stderr where stdout is JSON."""
    from provisioner.commands.rollout.result import standing

    for report in reports:
        terminal.say(f"rollout of {report.name}: {standing(report)}")
    terminal.problems(problem for report in reports for problem in report.problems)
