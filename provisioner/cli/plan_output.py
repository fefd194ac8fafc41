"""What the commands around a plan have in common: asking for it, showing and saving it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from provisioner import __version__
from provisioner.cli.options import ResourceOptions, TargetOptions
from provisioner.cli.terminal import Terminal
from provisioner.errors import Problem, UsageError
from provisioner.model.plan import Plan
from provisioner.model.selection import Selection
from provisioner.workflow.scope import PlanOptions

if TYPE_CHECKING:
    from provisioner.commands.preflight.preflight import Preflight
    from provisioner.planning.plan_file import SavedPlan


def wanted(resources: ResourceOptions, only: Selection | None = None) -> PlanOptions:
    """The options as the workflow takes them. ``only``: nothing but these resources."""
    selection = resources.select
    return PlanOptions(
        selection if only is None else replace(only, patterns=selection.patterns),
        frozenset(resources.rotate),
        frozenset(resources.redeploy),
        resources.take_over_from,
        resources.prune,
    )


def words(resources: ResourceOptions) -> tuple[str, ...]:
    """The options as they were typed, for whoever has to type them again."""
    made = [word for value in resources.select.patterns for word in ("--select", value)]
    made += [word for value in resources.rotate for word in ("--rotate", value)]
    made += [word for value in resources.redeploy for word in ("--redeploy", value)]
    if resources.take_over_from:
        made += ["--take-over-from", resources.take_over_from]
    return (*made, "--prune") if resources.prune else tuple(made)


def refuse_options(resources: ResourceOptions) -> None:
    """Raise UsageError for options that would change a plan which is already made."""
    given = [f"--{name.replace('_', '-')}" for name, value in resources._asdict().items() if value]
    if given:
        raise UsageError.of(
            "E813",
            f"{', '.join(given)} cannot be combined with a saved plan",
            hint="pass these options when you make the plan: plan --out FILE",
        )


def saved(path: Path, resources: ResourceOptions) -> SavedPlan:
    """The plan in ``path``. Raises FileError, and UsageError for options that would change it."""
    from provisioner.planning.plan_file import load

    refuse_options(resources)
    return load(path)


def with_saved_variables(target: TargetOptions, saved: SavedPlan | None) -> TargetOptions:
    """The target with the values of variables that a saved plan was made with.

    Raises UsageError for other values: they would change a plan that is already made.
    """
    if saved is None:
        return target
    stored = saved.plan.inputs.variables
    if target.variables and tuple(target.variables) != stored:
        raise UsageError.of(
            "E813",
            "--var cannot be combined with a saved plan, which contains its own values",
            hint="pass the values when you make the plan: plan --var NAME=VALUE --out FILE",
        )
    return target._replace(variables=stored)


class Beside(NamedTuple):
    """What is shown with a plan: what its workspace lacks, and the policies that it violates."""

    preflight: Preflight | None = None
    violations: tuple[Problem, ...] = ()


PLAN_ALONE = Beside()


def show(
    terminal: Terminal, plan: Plan, beside: Beside = PLAN_ALONE, *, verbose: bool = False
) -> None:
    """Print ``plan``, and what is ``beside`` it, in the form that was asked for.

    ``verbose``: also what is left alone.
    """
    preflight = beside.preflight
    if terminal.common.is_data:
        from provisioner.planning.plan_json import to_json
        from provisioner.rendering.problems import to_json as problems_to_json

        answer = to_json(plan, __version__)
        if plan.policy_digest:
            answer["policies"]["problems"] = problems_to_json(beside.violations)
        if preflight:
            answer["preflight"] = problems_to_json(preflight.problems)
        terminal.problems(beside.violations)
        terminal.answer_data(answer)
        return
    terminal.answer(as_text(terminal, plan, verbose=verbose))
    terminal.problems(beside.violations)
    if preflight:
        terminal.problems(preflight.problems)
        terminal.answer(f"\n{preflight.summary()}")


def as_text(terminal: Terminal, plan: Plan, *, verbose: bool = False) -> str:
    """``plan`` as people read it, fitted to the terminal."""
    from provisioner.rendering.plan_text import text
    from provisioner.rendering.style import Style

    style = Style(
        colour=terminal.colour(sys.stdout),
        unicode=terminal.unicode(sys.stdout),
        width=terminal.width,
        verbose=verbose,
    )
    return text(plan, style)


def save(terminal: Terminal, plan: Plan, path: Path) -> None:
    """Write ``plan`` to ``path`` and say how to apply it. Raises FileError."""
    import shlex

    from provisioner.planning.plan_file import save

    digest = save(plan, path, __version__)
    terminal.note(plan_file=str(path))
    command = f"provisioner apply -e {plan.environment} {shlex.quote(str(path))}"
    terminal.say(f"Saved with the digest {digest}\nApply exactly this plan: {command}")
