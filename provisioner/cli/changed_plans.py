"""``plan --changed-since``: a plan for each environment that a change of files affects."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import click
from click.core import ParameterSource

from provisioner import __version__
from provisioner.cli import plan_output, reporting
from provisioner.cli.options import Common, What, Where
from provisioner.cli.terminal import Terminal
from provisioner.commands.changed_since import affected
from provisioner.commands.changed_since import change as changed_since_change
from provisioner.commands.preflight.preflight import Preflight, examine
from provisioner.commands.reports.recorder import Recorder
from provisioner.errors import Problem, ProvisionerError, UsageError
from provisioner.model.plan import Plan
from provisioner.workflow.apply import missing_secrets
from provisioner.workflow.plan import make_plan
from provisioner.workflow.project import Project, open_project, refuse_one_token
from provisioner.workflow.session import Session, session_of

if TYPE_CHECKING:
    from provisioner.cli.plan import Telling

EXIT_CHANGES_PENDING = 2


class Asked(NamedTuple):
    """What was asked of one plan."""

    profile: str
    what: What
    telling: Telling


class Made(NamedTuple):
    """One plan, and what its workspace lacks if that was asked."""

    plan: Plan
    preflight: Preflight | None

    @property
    def is_troubled(self) -> bool:
        return self.plan.blocked or bool(self.preflight and not self.preflight.is_clear)


class Failed(NamedTuple):
    """An environment that could not be planned, and why."""

    environment: str
    problems: tuple[Problem, ...]


def plan_changes(common: Common, where: Where, what: What, telling: Telling) -> int:
    """Plan and show what is touched, and return the exit code."""
    source = click.get_current_context().get_parameter_source("environment")
    only = "" if source is ParameterSource.DEFAULT else where.environment
    _refuse(what, telling, only)
    if not only:
        reporting.refuse_for_several(common)
    with reporting.recording(common, "plan", only) as terminal:
        project = open_project(common.project_dir)
        change = changed_since_change.change_since(
            project, telling.changed_since, only, where.variables
        )
        terminal.problems(change.notes)
        terminal.note(problems=change.notes, changed_since=change.ref, project=project.name)
        asked = Asked(where.profile, what, telling)
        if only:
            made = [_planned(terminal, project, part, asked) for part in change.parts]
            failed: list[Failed] = []
        else:
            made, failed = _all_planned(terminal, project, change, asked)
        _show(terminal, change, made, failed, verbose=telling.verbose)
        if telling.out:
            plan_output.save(terminal, made[0].plan, telling.out)
        return terminal.ended(1 if failed else _code(made, detailed=telling.detailed_exitcode))


def _refuse(what: What, telling: Telling, only: str) -> None:
    given = [f"--{name}" for name in ("select", "rotate") if getattr(what, name)]
    if given:
        said = f"--changed-since selects what the change touches, and takes no {given[0]} besides"
        raise UsageError.of("E526", said, f"leave one of them away; {given[0]} alone plans all")
    if telling.out and not only:
        said = "--out saves the plan of one environment, and --changed-since may plan several"
        raise UsageError.of("E526", said, "add -e NAME")


def _all_planned(
    terminal: Terminal, project: Project, change: changed_since_change.Change, asked: Asked
) -> tuple[list[Made], list[Failed]]:
    """One plan for each environment; one that cannot be planned does not hide the others."""
    refuse_one_token((part.environment for part in change.parts), os.environ)
    made, failed, parts = [], [], []
    for part in change.parts:
        name = part.environment.name
        recorder = Recorder("plan", name)
        recorder.note(project=project.name)
        inner = terminal._replace(recorder=recorder)
        try:
            one = _planned(inner, project, part, asked)
            made.append(one)
            recorder.exit_code = _code([one], detailed=asked.telling.detailed_exitcode)
        except ProvisionerError as error:
            failed.append(Failed(name, tuple(_named(each, name) for each in error.problems)))
            recorder.note(problems=failed[-1].problems)
            recorder.exit_code = error.exit_code
        parts.append(recorder.finished())
    terminal.note(parts=tuple(parts), root=project.root)
    return made, failed


def _named(problem: Problem, environment: str) -> Problem:
    """``problem``, of which can be told where it is."""
    return replace(problem, subject=problem.subject or f"environment {environment}")


def _planned(
    terminal: Terminal, project: Project, part: changed_since_change.Part, asked: Asked
) -> Made:
    exactly = part.touched.exactly
    with session_of(project, part.environment, part.loaded, asked.profile) as session:
        made = make_plan(session, plan_output.wanted(asked.what, exactly))
        made = affected.with_drift(made, part.touched)
        terminal.opened(session)
        before = _preflight(session, part) if asked.telling.preflight else None
        terminal.note(
            plan=made,
            changed_since=asked.telling.changed_since,
            options=_words(part, asked.what),
            problems=before.problems if before else (),
        )
        for problem in () if before else missing_secrets(session, made):
            terminal.say(f"apply will need it: {problem.message}")
    return Made(made, before)


def _preflight(session: Session, part: changed_since_change.Part) -> Preflight | None:
    names = tuple(str(address) for address in sorted(part.touched.paths))
    return examine(session, names) if names else None


def _words(part: changed_since_change.Part, what: What) -> tuple[str, ...]:
    """The options with which apply does the same: it selects what is touched itself."""
    if what.prune:
        return plan_output.words(what)
    names = [str(address) for address in sorted(part.touched.paths)]
    selected = [word for name in names for word in ("--select", name)]
    return (*selected, *plan_output.words(what))


def _show(
    terminal: Terminal,
    change: changed_since_change.Change,
    made: list[Made],
    failed: list[Failed],
    *,
    verbose: bool,
) -> None:
    _answer(terminal, change, made, failed, verbose=verbose)
    for one in failed:
        terminal.problems(one.problems)


def _answer(
    terminal: Terminal,
    change: changed_since_change.Change,
    made: list[Made],
    failed: list[Failed],
    *,
    verbose: bool,
) -> None:
    if terminal.common.json:
        from provisioner.commands.changed_since.text import to_json

        plans = [(one.plan, one.preflight.problems if one.preflight else None) for one in made]
        found = {"changed_since": change.ref, "commit": change.commit}
        terminal.answer_json({**found, **to_json(plans, failed, change.notes, __version__)})
        return
    from provisioner.commands.changed_since.text import summary

    for one in made:
        plan_output.show(terminal, one.plan, one.preflight, verbose=verbose)
        terminal.answer("")
    since = f"{change.ref} ({change.commit[:12]})"
    names = [one.environment for one in failed]
    terminal.answer(summary([one.plan for one in made], since, names))


def _code(made: list[Made], *, detailed: bool) -> int:
    if any(one.is_troubled for one in made):
        return 1
    changes = detailed and not all(one.plan.is_empty for one in made)
    return EXIT_CHANGES_PENDING if changes else 0
