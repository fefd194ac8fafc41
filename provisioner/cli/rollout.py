"""provisioner rollout: gradual rollouts of new versions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from provisioner.cli.options import (
    DATA_FORMS,
    POLICIES,
    TALK,
    CommonOptions,
    TargetOptions,
    folder_option,
    output_option,
    packed,
    target_options,
)
from provisioner.cli.terminal import Terminal

if TYPE_CHECKING:
    from provisioner.workflow.rollout import RolloutReport
    from provisioner.workflow.session import Session

ANY = click.argument("names", nargs=-1, metavar="[NAME...]")
SOME = click.argument("names", nargs=-1, required=True, metavar="NAME...")
form_options = packed(
    CommonOptions,
    "common",
    folder_option,
    output_option("text", *DATA_FORMS, "markdown", "junit"),
    *TALK,
)


class MoveOptions(NamedTuple):
    """What a command may do besides its move, and the policies that judge it."""

    take_over: bool = False
    write: bool = False
    policy_dir: Path | None = None
    policy_digest: str = ""


take_over = click.option(
    "--take-over",
    is_flag=True,
    help="If traffic was changed by hand, continue from the nearest lower step.",
)
write = click.option(
    "--write",
    is_flag=True,
    help="Write each rolled back version to the release file as `rejected`.",
)


@click.group("rollout", short_help="Show and control gradual rollouts.")
def command() -> None:
    """Control gradual rollouts of new versions.

    `rollout:` in a manifest sets the steps, and `apply` starts a rollout. `rollout advance`, run
    every few minutes, evaluates the new version and moves traffic forward or back. Use the
    other commands to decide yourself.
    """


def _moving(name: str, help_text: str, summary: str, *options: Any, named: bool = True) -> None:
    """Add the command ``name``, which makes the moves of its occasion."""

    def run(
        common: CommonOptions,
        target: TargetOptions,
        names: tuple[str, ...],
        **options: Any,
    ) -> int:
        return _run(name, common, target, names, MoveOptions(**options))

    run.__doc__ = help_text
    wrapped: Callable[..., Any] = run
    for option in reversed((SOME if named else ANY, *options, target_options, form_options)):
        wrapped = option(wrapped)
    command.command(name, short_help=summary)(wrapped)


_moving(
    "status",
    """Show the state of each rollout, its next step and the time of that step.

    `rollout status` reads the metrics of the endpoint once. It sends no request to a model and
    changes nothing.

    \b
    Exit codes: 0 done; 1 error, or a rollout needs a decision (moved by hand, failed).
    """,
    "Show the state of each rollout.",
    named=False,
)
_moving(
    "advance",
    """Evaluate each active rollout, and move each at most one step.

    Run it every few minutes in a pipeline. It is safe to run twice at the same time, and safe to
    kill. It moves at most 40 endpoints within five minutes, because the service accepts 50
    changes in that time. The output lists the other endpoints, which come first in the next run.

    A policy can refuse a step to more traffic, as it can refuse `apply`. It never refuses a step
    back.

    \b
    Exit codes: 0 moved, held, or nothing due; 1 stepped back, refused by a policy, or failed.
    """,
    "Evaluate all rollouts, and move each at most once.",
    take_over,
    write,
    *POLICIES,
    named=False,
)
_moving(
    "go",
    """Continue with the next step now, despite a pause, a hold, or remaining time.

    After a bad verdict the rollout still steps back.

    \b
    Exit codes: 0 moved; 1 stepped back, refused by a policy, or failed.
    """,
    "Continue with the next step.",
    take_over,
    *POLICIES,
)
_moving(
    "hold",
    """Keep the traffic split until `rollout go`, `back` or `finish`.

    \b
    Exit codes: 0 held; 1 error.
    """,
    "Keep the traffic as it is.",
)
_moving(
    "back",
    """Give all traffic to the previous version at once, and reject the new one.

    A tag of the endpoint records the rejection. If the version comes from a release file,
    `rollout back` also marks it there as `rejected`: commit that file.

    \b
    Exit codes: 0 went back; 1 error.
    """,
    "Return all traffic to the previous version.",
)
_moving(
    "finish",
    """Give all traffic to the new version now, if its checks pass.

    If the new version already has all traffic, `rollout finish` removes the previous version.

    \b
    Exit codes: 0 moved; 1 a check failed, a policy refused it, or error.
    """,
    "Give all traffic to the new version.",
    *POLICIES,
)
_moving(
    "retry",
    """Clear the rejection of a version that was rolled back, and start again at 0 %.

    If a version with provisioned capacity was removed in the meantime, run `apply`, which asks
    for your consent to pay twice.

    \b
    Exit codes: 0 started; 1 refused by a policy, or error.
    """,
    "Try a rejected version again.",
    *POLICIES,
)


def _run(
    name: str,
    common: CommonOptions,
    target: TargetOptions,
    names: Sequence[str],
    given: MoveOptions,
) -> int:
    from provisioner.cli.consent import move_aliases
    from provisioner.commands.rollout.result import has_failed
    from provisioner.workflow.policies import judge_of_moves
    from provisioner.workflow.project import open_project
    from provisioner.workflow.rollout import RolloutOptions, look_at_all, move_all
    from provisioner.workflow.session import open_session

    terminal, code = Terminal(common), 0
    project = open_project(common.project_dir)
    with open_session(project, *target) as session:
        resources = _chosen(session, names)
        if name == "status":
            reports = look_at_all(session, resources, RolloutOptions())
        else:
            judge = judge_of_moves(session, given.policy_dir, given.policy_digest)
            options = RolloutOptions(_occasion(name), takes_over=given.take_over, judge=judge)
            reports = move_all(session, resources, options)
            code = move_aliases(terminal, session, reports)
        _show(terminal, reports)
        if name == "back" or given.write:
            _reject(terminal, session, reports)
    terminal.problems(
        dict.fromkeys(
            problem for report in reports for problem in (*report.problems, *report.warnings)
        )
    )
    return 1 if code or any(map(has_failed, reports)) or _is_refused(name, reports) else 0


def _occasion(name: str) -> Any:
    from provisioner.planning.rollout_state import Occasion

    return Occasion(name)


def _is_refused(name: str, reports: Sequence[RolloutReport]) -> bool:
    """Whether a person's word had no effect."""
    from provisioner.planning.rollout_procedure import Ending

    is_word = name not in ("status", "advance")
    return is_word and any(report.ending is not Ending.MOVED for report in reports)


def _chosen(session: Session, names: Sequence[str]) -> Sequence[Any]:
    from provisioner.errors import UsageError
    from provisioner.kinds import KINDS
    from provisioner.model.selection import Selection
    from provisioner.workflow.rollout import rolled_out

    if names:
        chosen = Selection.of_words(names).choose(session.loaded.resources)
        # Also without its block: a rollout that is under way can always be ended.
        able = tuple(resource for resource in chosen if KINDS[resource.address.kind].rollout)
        if able:
            return able
        raise UsageError.of("E796", "none of the named resources supports rollouts")
    return rolled_out(session, session.loaded.resources)


def _show(terminal: Terminal, reports: Sequence[RolloutReport]) -> None:
    import sys

    from provisioner.commands.rollout import text

    match terminal.common.output:
        case "json" | "yaml":
            terminal.answer_data(text.to_json(reports))
        case "markdown":
            terminal.answer(text.markdown(reports))
        case "junit":
            terminal.answer(text.junit(reports))
        case _:
            wraps = sys.stdout.isatty()
            terminal.answer(text.text(reports, terminal.style(), wraps=wraps))


def _reject(terminal: Terminal, session: Session, reports: Sequence[RolloutReport]) -> None:
    from provisioner.commands.rollout.rejection import reject
    from provisioner.model.release import release_path
    from provisioner.model.rollout import MoveKind
    from provisioner.planning.rollout_procedure import Ending

    for report in reports:
        if report.ending is Ending.MOVED and report.move.kind is MoveKind.BACK:
            for variable in reject(session, report):
                file = release_path(session.environment.name)
                terminal.say(f"marked `{variable}` as rejected in {file}: commit that file")
