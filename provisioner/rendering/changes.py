"""The plans of several environments that one change of the files touches. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from provisioner.errors import Problem
from provisioner.plan import Plan
from provisioner.rendering import problems
from provisioner.rendering.plan_json import to_json as plan_json
from provisioner.rendering.plan_text import drift_line, summary_line_of
from provisioner.rendering.text import harmless_line

Found = tuple[Plan, Iterable[Problem] | None]
"""A plan, and what its workspace lacks (None: nobody looked)."""


def to_json(plans: Iterable[Found], notes: Iterable[Problem], tool_version: str) -> dict[str, Any]:
    """``plans`` as ``plan -o json`` has each, and what has to be said besides."""
    return {
        "plans": [_plan(plan, lacks, tool_version) for plan, lacks in plans],
        "notes": problems.to_json(notes)["diagnostics"],
    }


def _plan(plan: Plan, lacks: Iterable[Problem] | None, tool_version: str) -> dict[str, Any]:
    found = {} if lacks is None else {"preflight": problems.to_json(lacks)}
    return {**plan_json(plan, tool_version), **found}


def summary(plans: Sequence[Plan], since: str) -> str:
    """The last line: which environments are touched, and what is planned in all of them."""
    steps = [step for plan in plans for step in plan.steps]
    if not steps:
        return f"Nothing that is declared was touched since {harmless_line(since)}"
    names = ", ".join(harmless_line(plan.environment) for plan in plans)
    said = (f"Touched since {harmless_line(since)}: {names}", summary_line_of(steps))
    return "\n".join(line for line in (*said, drift_line(steps)) if line)
