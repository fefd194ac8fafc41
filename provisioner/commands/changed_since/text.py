"""The plans of several environments that one change of the files touches. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from provisioner.errors import Problem
from provisioner.model.plan import Plan
from provisioner.planning.plan_json import to_json as plan_json
from provisioner.rendering import problems
from provisioner.rendering.plan_text import drift_line, summary_line_of
from provisioner.rendering.text import harmless_line

Found = tuple[Plan, Iterable[Problem] | None]
"""A plan, and what its workspace lacks (None: nobody looked)."""


UnplannedEnvironment = tuple[str, Iterable[Problem]]
"""An environment that could not be planned, and why."""


def to_json(
    plans: Iterable[Found],
    failed: Iterable[UnplannedEnvironment],
    notes: Iterable[Problem],
    tool_version: str,
) -> dict[str, Any]:
    """``plans`` as ``plan -o json`` has each, and what has to be said besides."""
    return {
        "plans": [_plan(plan, lacks, tool_version) for plan, lacks in plans],
        "not_planned": [
            {"environment": name, "diagnostics": problems.to_json(why)["diagnostics"]}
            for name, why in failed
        ],
        "notes": problems.to_json(notes)["diagnostics"],
    }


def _plan(plan: Plan, lacks: Iterable[Problem] | None, tool_version: str) -> dict[str, Any]:
    extra = {} if lacks is None else {"preflight": problems.to_json(lacks)}
    return {**plan_json(plan, tool_version), **extra}


def summary(plans: Sequence[Plan], since: str, failed: Sequence[str] = ()) -> str:
    """The last lines: which environments are touched, and what is planned in all of them.

    ``failed`` are those that could not be planned.
    """
    steps = [step for plan in plans for step in plan.steps]
    if not steps and not failed:
        return f"Nothing that is declared was touched since {harmless_line(since)}"
    lines = [
        f"Touched since {harmless_line(since)}: "
        + _listed(sorted([*(plan.environment for plan in plans), *failed])),
        summary_line_of(steps) if plans else "",
        drift_line(steps),
        f"Not planned, see the errors: {_listed(failed)}" if failed else "",
    ]
    return "\n".join(filter(None, lines))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(harmless_line(name) for name in names)
