"""``plan --changed-since``: a plan for each environment that a change of files affects."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import NamedTuple

import click
from click.core import ParameterSource

from provisioner import __version__
from provisioner.cli import plan_output, report_output
from provisioner.cli.options import (
    CommonOptions,
    PlanCommandOptions,
    ResourceOptions,
    TargetOptions,
)
from provisioner.cli.terminal import Terminal
from provisioner.commands.changed_since import affected_resources
from provisioner.commands.changed_since import change as changed_since_change
from provisioner.commands.changed_since.change import AffectedEnvironment, ChangeSet
from provisioner.commands.preflight.preflight import Preflight, examine
from provisioner.commands.reports.recorder import Recorder
from provisioner.commands.reports.report import Report
from provisioner.errors import Problem, ProvisionerError, UsageError
from provisioner.errors.exit_codes import ExitCode
from provisioner.model.plan import Plan
from provisioner.model.selection import Selection
from provisioner.workflow import policies
from provisioner.workflow.apply import missing_secrets
from provisioner.workflow.plan import make_plan
from provisioner.workflow.project import Project, open_project, refuse_one_token
from provisioner.workflow.session import Session, session_of


class PlanRequest(NamedTuple):
    """The options of the command that hold for the plan of each environment."""

    profile: str
    resources: ResourceOptions
    options: PlanCommandOptions


class EnvironmentPlan(NamedTuple):
    """The plan of one environment, and with ``--preflight`` what its workspace lacks."""

    plan: Plan
    preflight: Preflight | None
    violations: tuple[Problem, ...] = ()

    @property
    def has_errors(self) -> bool:
        refused = bool(policies.errors_of(self.violations))
        lacks = bool(self.preflight and not self.preflight.is_clear)
        return self.plan.blocked or refused or lacks


class UnplannedEnvironment(NamedTuple):
    """An environment without a plan, and the problems that prevent the plan."""

    environment: str
    problems: tuple[Problem, ...]


class PlannedChange(NamedTuple):
    """The plans that a change of files leads to, one for each affected environment."""

    change: ChangeSet
    plans: list[EnvironmentPlan]
    unplanned: list[UnplannedEnvironment]

    def exit_code(self, *, detailed: bool) -> int:
        """Returns 1 where anything cannot be planned or applied, 6 or 2 as a plan does."""
        return 1 if self.unplanned else _exit_code(self.plans, detailed=detailed)


def plan_changes(
    common: CommonOptions,
    target: TargetOptions,
    resources: ResourceOptions,
    options: PlanCommandOptions,
) -> int:
    """Plans what the change of files affects, shows it, and returns the exit code."""
    source = click.get_current_context().get_parameter_source("environment")
    environment = "" if source is ParameterSource.DEFAULT else target.environment
    _refuse_options(resources, options, environment)
    if not environment:
        report_output.refuse_for_several(common)
    with report_output.recording(common, "plan", environment) as terminal:
        project = open_project(common.project_dir)
        change = changed_since_change.change_since(
            project, options.changed_since, environment, target.variables
        )
        terminal.problems(change.notes)
        terminal.note(problems=change.notes, changed_since=change.ref, project=project.name)
        request = PlanRequest(target.profile, resources, options)
        if environment:
            # One environment was asked for: what prevents its plan ends the command.
            plans = [_plan(terminal, project, part, request) for part in change.parts]
            planned = PlannedChange(change, plans, [])
        else:
            planned = _plan_all(terminal, project, change, request)
        _show(terminal, planned, verbose=common.verbose)
        if options.out:
            plan_output.save(terminal, planned.plans[0].plan, options.out)
        return terminal.ended(planned.exit_code(detailed=options.detailed_exitcode))


def _refuse_options(
    resources: ResourceOptions, options: PlanCommandOptions, environment: str
) -> None:
    given = [f"--{name}" for name in ("select", "rotate", "redeploy") if getattr(resources, name)]
    if given:
        message = f"--changed-since cannot be combined with {given[0]}"
        raise UsageError.of(
            "E526",
            message,
            "--changed-since selects the resources that the change affects; remove one of "
            "the two options",
        )
    if options.out and not environment:
        message = "--out saves the plan of one environment, but --changed-since can plan several"
        raise UsageError.of("E526", message, "add -e NAME")


def _plan_all(
    terminal: Terminal, project: Project, change: ChangeSet, request: PlanRequest
) -> PlannedChange:
    """Plans each environment; one that cannot be planned does not hide the others."""
    refuse_one_token((part.environment for part in change.parts), os.environ)
    planned = PlannedChange(change, [], [])
    reports = []
    for part in change.parts:
        plan, report = _plan_and_record(terminal, project, part, request)
        if isinstance(plan, EnvironmentPlan):
            planned.plans.append(plan)
        else:
            planned.unplanned.append(plan)
        reports.append(report)
    terminal.note(parts=tuple(reports), root=project.root)
    return planned


def _plan_and_record(
    terminal: Terminal, project: Project, part: AffectedEnvironment, request: PlanRequest
) -> tuple[EnvironmentPlan | UnplannedEnvironment, Report]:
    """Plans one environment, with a report of its own whether or not there is a plan."""
    name = part.environment.name
    recorder = Recorder("plan", name)
    recorder.note(project=project.name)
    planned: EnvironmentPlan | UnplannedEnvironment
    try:
        planned = _plan(terminal.with_recorder(recorder), project, part, request)
        recorder.exit_code = _exit_code([planned], detailed=request.options.detailed_exitcode)
    except ProvisionerError as error:
        problems = tuple(_with_environment(problem, name) for problem in error.problems)
        planned = UnplannedEnvironment(name, problems)
        recorder.note(problems=problems)
        recorder.exit_code = error.exit_code
    return planned, recorder.finished()


def _with_environment(problem: Problem, environment: str) -> Problem:
    """Names the environment as the subject of a problem that has none."""
    return replace(problem, subject=problem.subject or f"environment {environment}")


def _plan(
    terminal: Terminal, project: Project, part: AffectedEnvironment, request: PlanRequest
) -> EnvironmentPlan:
    selection = part.affected.selection
    with session_of(project, part.environment, part.loaded, request.profile) as session:
        plan = make_plan(session, plan_output.wanted(request.resources, selection))
        plan = affected_resources.with_drift(plan, part.affected)
        terminal.opened(session)
        options = request.options
        policy_files = policies.read_policies(
            project.root, options.policy_dir, options.policy_digest
        )
        plan, violations = policies.judged(policy_files, plan, session)
        preflight = _preflight(session, part) if options.preflight else None
        terminal.note(
            plan=plan,
            changed_since=options.changed_since,
            options=_apply_words(part, request.resources),
            problems=(*violations, *(preflight.problems if preflight else ())),
        )
        # The preflight looks for the secrets too: they would be listed twice.
        for problem in () if preflight else missing_secrets(session, plan):
            terminal.say(f"{problem.message}; required for apply")
    return EnvironmentPlan(plan, preflight, violations)


def _preflight(session: Session, part: AffectedEnvironment) -> Preflight | None:
    paths = part.affected.paths
    return examine(session, Selection.of_addresses(paths)) if paths else None


def _apply_words(part: AffectedEnvironment, resources: ResourceOptions) -> tuple[str, ...]:
    """Returns the options with which ``apply`` selects the affected resources by itself."""
    if resources.prune:
        # --prune with --select would leave the orphans out, which this plan deletes.
        return plan_output.words(resources)
    names = [str(address) for address in sorted(part.affected.paths)]
    selected = [word for name in names for word in ("--select", name)]
    return (*selected, *plan_output.words(resources))


def _show(terminal: Terminal, planned: PlannedChange, *, verbose: bool) -> None:
    if terminal.common.is_data:
        for each in planned.plans:
            terminal.problems(each.violations)
        terminal.answer_data(_to_json(planned))
    else:
        _print_text(terminal, planned, verbose=verbose)
    for unplanned in planned.unplanned:
        terminal.problems(unplanned.problems)


def _to_json(planned: PlannedChange) -> dict[str, object]:
    change = planned.change
    plans = [
        (each.plan, each.preflight.problems if each.preflight else None) for each in planned.plans
    ]
    return {
        "changed_since": change.ref,
        "commit": change.commit,
        **changed_since_change.to_json(plans, planned.unplanned, change.notes, __version__),
    }


def _print_text(terminal: Terminal, planned: PlannedChange, *, verbose: bool) -> None:
    for each in planned.plans:
        beside = plan_output.Beside(each.preflight, each.violations)
        plan_output.show(terminal, each.plan, beside, verbose=verbose)
        terminal.answer("")
    since = f"{planned.change.ref} ({planned.change.commit[:12]})"
    plans = [each.plan for each in planned.plans]
    names = [unplanned.environment for unplanned in planned.unplanned]
    terminal.answer(changed_since_change.summary(plans, since, names))


def _exit_code(plans: list[EnvironmentPlan], *, detailed: bool) -> int:
    if any(each.has_errors for each in plans):
        return 1
    if any(each.preflight and each.preflight.unknown for each in plans):
        return ExitCode.NOT_LOOKED_AT
    has_changes = any(not each.plan.is_empty for each in plans)
    return ExitCode.CHANGES if detailed and has_changes else 0
