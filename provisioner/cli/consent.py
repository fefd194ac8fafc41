"""What apply and destroy have in common: show the plan, get consent, do it, tell how it went."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import click

from provisioner.applying.executor import Hooks, Options
from provisioner.applying.interrupt import stopping
from provisioner.cli import plan_output
from provisioner.cli.options import ApplyOptions
from provisioner.cli.terminal import Terminal
from provisioner.commands.apply.required_tip import RequiredTip
from provisioner.errors import RefusedError
from provisioner.errors.wording import counted
from provisioner.model.outcome import Defect, Outcome
from provisioner.model.plan import DESTRUCTIVE, Action, Plan, Step
from provisioner.planning.guard import Consent
from provisioner.workflow.apply import apply, refuse_blocked, refuse_unsafe
from provisioner.workflow.parallel import page_url
from provisioner.workflow.policies import errors_of, judge_of_moves, judged, read_policies
from provisioner.workflow.session import Session

if TYPE_CHECKING:
    from provisioner.model.outcome import Outcome
    from provisioner.model.plan import Address, Plan
    from provisioner.model.resource import Resource
    from provisioner.workflow.rollout import RolloutReport
    from provisioner.workflow.session import Session


# What apply does about gradual rollouts: the first moves, and waiting where that is asked for.

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

    judge = judge_of_moves(session, options.policy_dir, options.policy_digest)
    moving = RolloutOptions(judge=judge)
    reports = follow(session, started(session, plan, results), moving)
    _tell(terminal, reports)
    if options.wait_rollout is not None or options.detailed_exitcode:
        waiting = _with_rollout(session, plan)
        wait_s = options.wait_rollout if options.wait_rollout is not None else -1.0
        if waiting and wait_s >= 0:
            tell = (wait_s, lambda some: _tell(terminal, some))
            reports = wait_for_end(session, waiting, moving, tell)
            _tell(terminal, reports)
        elif waiting:
            from provisioner.workflow.rollout import look_at_all

            reports = look_at_all(session, waiting, moving)
    if any(map(has_failed, reports)):
        return 1
    planned = frozenset(step.address for step in plan.steps)
    if code := move_aliases(terminal, session, reports, planned):
        return code
    under_way = any(map(is_under_way, reports))
    return NOT_FINISHED if under_way and options.detailed_exitcode else 0


def move_aliases(
    terminal: Terminal,
    session: Session,
    reports: Sequence[RolloutReport],
    selected: frozenset[Address] | None = None,
) -> int:
    """Move the aliases of versions that have all of the traffic now, and return the exit code.

    ``selected`` are the resources that may be changed, None for all.
    """
    from provisioner.rendering import outcomes
    from provisioner.workflow.followers import move_followers

    results = move_followers(session, reports, selected)
    for outcome in results:
        terminal.say(f"{outcome.step.address} follows: {outcome.status}")
    _problems(terminal, results)
    code: int = outcomes.exit_code(results, interrupted=False)
    return code


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
    terminal.problems(
        dict.fromkeys(
            problem for report in reports for problem in (*report.problems, *report.warnings)
        )
    )


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """How a plan is to be carried out. ``approved``: no question is asked.

    ``tip`` is looked at again right before the first write.
    """

    options: ApplyOptions
    approved: bool
    tip: RequiredTip | None = None


# What approves changes without a terminal.
APPLY_APPROVAL: Final = "pass -y/--auto-approve, or apply a saved plan: plan --out FILE, apply FILE"
DESTROY_APPROVAL: Final = "pass -y with --allow-delete ADDRESS for each endpoint to delete"


def refuse_silence(terminal: Terminal, approved: bool, hint: str = APPLY_APPROVAL) -> None:
    """Raise RefusedError when consent is needed and there is no user to ask.

    Before anything is read: a pipeline that forgot -y should not learn it after a minute.
    """
    if not approved and not terminal.interactive():
        raise RefusedError.of(
            "E804",
            "cannot ask for confirmation: stdin is not a terminal",
            hint=hint,
        )


def carry_out(terminal: Terminal, session: Session, plan: Plan, request: ApplyRequest) -> int:
    """Show ``plan``, make sure of consent, apply it and return the exit code."""
    if agreed(terminal, session, plan, request):
        return run(terminal, session, plan, request)
    return nothing(terminal, session, plan, request.options)


def agreed(terminal: Terminal, session: Session, plan: Plan, request: ApplyRequest) -> bool:
    """Show ``plan`` and make sure of consent; False where there is nothing to do.

    Raises RefusedError without consent, and where a guard says no.
    """
    terminal.note(plan=plan)
    if not (terminal.common.is_data or terminal.silent):
        is_brief = terminal.common.quiet and request.approved
        if not is_brief:  # Nobody can agree to a plan that is not shown.
            verbose = terminal.common.verbose
            terminal.answer(plan_output.as_text(terminal, plan, verbose=verbose))
    elif not request.approved:
        # stdout is for something else, but a user can only agree to what is shown.
        click.echo(plan_output.as_text(terminal, plan), err=True)
    consent = _given(request.options)
    refuse_blocked(plan)
    _refuse_violations(terminal, session, plan, request.options)
    waits = not request.options.no_wait and any(step.only_waits for step in plan.steps)
    if not (plan.has_operations or waits):
        return False
    if not request.approved:
        consent = _asked(session, plan, consent)
    refuse_unsafe(session, plan, consent)
    if request.tip:
        request.tip.check_again()
    return True


def _refuse_violations(
    terminal: Terminal, session: Session, plan: Plan, options: ApplyOptions
) -> None:
    """Raise RefusedError where ``plan``, also a saved one, violates a policy that holds here."""
    policies = read_policies(session.project.root, options.policy_dir, options.policy_digest)
    _, problems = judged(policies, plan, session)
    if errors := errors_of(problems):
        raise RefusedError(errors)
    terminal.problems(problems)
    terminal.note(problems=problems)


def nothing(terminal: Terminal, session: Session, plan: Plan, options: ApplyOptions) -> int:
    """Say that there is nothing to do."""
    if options.wait_rollout is not None or options.detailed_exitcode:
        return terminal.ended(follow_rollouts(terminal, session, plan, (), options))
    if terminal.common.is_data:
        from provisioner.rendering.outcomes import to_json

        terminal.answer_data(to_json((), plan))
    else:
        terminal.say("Nothing to do.")
    return 0


def _given(options: ApplyOptions) -> Consent:
    return Consent(
        yes=options.yes,
        adopt=options.adopt,
        allow_replace=frozenset(options.allow_replace),
        allow_double=frozenset(options.allow_double),
        allow_delete=frozenset(options.allow_delete),
        allow_destructive=options.allow_destructive,
    )


def _asked(session: Session, plan: Plan, consent: Consent) -> Consent:
    """Ask at the terminal: each name for what is destroyed, one yes for the rest."""
    for step in plan.steps:
        named = consent.allow_replace | consent.allow_delete
        if not _is_to_be_named(step) or str(step.address) in named:
            continue
        verb = "deletes" if step.action is Action.DELETE else "deletes and recreates"
        typed = click.prompt(f"This {verb} {step.name}. Type its name to confirm", err=True)
        if typed != step.name:
            raise RefusedError.of("E805", f"`{typed}` is not `{step.name}`: nothing was changed")
        field = "allow_delete" if step.action is Action.DELETE else "allow_replace"
        agreed = getattr(consent, field) | {str(step.address)}
        consent = replace(consent, **{field: agreed})
    if any(step.operations and not _is_to_be_named(step) for step in plan.steps):
        typed = click.prompt(_question(session, plan), err=True)
        if typed != "yes":
            raise RefusedError.of("E805", "not approved: nothing was changed")
        consent = replace(consent, adopt=True)
    return replace(consent, yes=True, interactive=True)


def _question(session: Session, plan: Plan) -> str:
    """The question names the target: the first line of a long plan is off the screen."""
    count = sum(bool(step.operations) and not _is_to_be_named(step) for step in plan.steps)
    target = f"{plan.project}/{plan.environment}"
    facts = ", ".join(["protected"] * session.environment.protected + [plan.host])
    return f"Apply {counted(count, 'change')} to {target} ({facts})? Type `yes` to continue"


def _is_to_be_named(step: Step) -> bool:
    """Whether a yes is not enough; what ``removed:`` names was named in a review."""
    return step.action in DESTRUCTIVE and not step.consented


def run(terminal: Terminal, session: Session, plan: Plan, request: ApplyRequest) -> int:
    """Apply ``plan``, tell how it went and return the exit code."""
    from provisioner.rendering import outcomes, progress

    stop, options = threading.Event(), request.options
    execution = Options(options.parallelism, options.timeout_s, wait=not options.no_wait)
    with (
        stopping(stop),
        progress.shown(
            sys.stderr,
            live=_live(terminal),
            quiet=terminal.common.quiet,
            verbose=terminal.common.verbose,
            total=_total(plan),
        ) as announce,
    ):
        try:
            results = apply(session, plan, execution, Hooks(announce=announce, stop=stop))
        except Defect as defect:
            # A bug of ours must not hide what has already been done.
            terminal.say(outcomes.text(defect.outcomes))
            _problems(terminal, defect.outcomes)
            terminal.note(outcomes=defect.outcomes)
            raise
    _answer(terminal, plan, results)
    _problems(terminal, results)
    code: int = outcomes.exit_code(results, interrupted=stop.is_set())
    if code == 0 and not options.no_wait:
        code = follow_rollouts(terminal, session, plan, results, options)
    return terminal.ended(code)


def _total(plan: Plan) -> int:
    """How many resources an apply works on."""
    return sum(bool(step.operations) for step in plan.steps)


def _answer(terminal: Terminal, plan: Plan, results: Sequence[Outcome]) -> None:
    """Print how the steps ended; with -q only those that did not go well."""
    from provisioner.rendering import outcomes

    terminal.note(outcomes=results)
    if terminal.common.is_data:
        urls = {
            step.address: page_url(plan.host, step.address.kind, step.name) for step in plan.steps
        }
        terminal.answer_data(outcomes.to_json(results, plan, urls))
    else:
        if not terminal.common.quiet:
            terminal.answer("")
        shown = [each for each in results if not (terminal.common.quiet and each.went_well)]
        colour = terminal.colour(sys.stdout)
        terminal.answer(outcomes.text(results, colour, plan.environment, shown))


def _problems(terminal: Terminal, results: Iterable[Outcome]) -> None:
    for result in results:
        if result.error:
            terminal.problems(result.error.problems)


def _live(terminal: Terminal) -> bool:
    """Whether progress may move the cursor."""
    return terminal.colour(sys.stderr)
