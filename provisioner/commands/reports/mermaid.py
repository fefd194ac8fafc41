"""How requests to changed resources branch, as a Mermaid flowchart. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.commands.reports.report import Report
from provisioner.commands.reports.view import changed_steps
from provisioner.model.plan import Action, Step
from provisioner.model.serving import Branch, Topology
from provisioner.rendering.markup import in_mermaid
from provisioner.rendering.plan_rows import moved_traffic

MOST_RESOURCES, MOST_BRANCHES = 20, 30
"""A larger picture is not read, and GitHub does not draw one of more than 500 edges."""

COLOURS = {
    Action.CREATE: "stroke:#1a7f37,stroke-width:2px",
    Action.UPDATE: "stroke:#9a6700,stroke-width:2px",
    Action.ADOPT: "stroke:#0969da,stroke-width:2px",
    Action.REPLACE: "stroke:#cf222e,stroke-width:2px",
}


def flowchart(report: Report) -> str:
    """The source of the chart, ``""`` when there is nothing to draw."""
    drawn = drawn_steps(report)[:MOST_RESOURCES]
    if not drawn:
        return ""
    branches = dict(report.topology)
    lines = ["flowchart LR"]
    for index, step in enumerate(drawn):
        lines += _resource(f"r{index}", step, branches[step.address])
    return "\n".join(lines) + "\n"


def drawn_steps(report: Report) -> list[Step]:
    """The changed steps whose requests go somewhere afterwards, worst first."""
    known = dict(report.topology)
    return [
        step
        for step in (changed_steps(report.plan) if report.plan else ())
        if step.action in COLOURS and known.get(step.address)
    ]


def _resource(node: str, step: Step, branches: Topology) -> Iterator[str]:
    yield f'  {node}(["{in_mermaid(step.name)}"])'
    yield f"  style {node} {COLOURS[step.action]}"
    moved = moved_traffic(step)
    for index, branch in enumerate(branches[:MOST_BRANCHES]):
        target = f"{node}b{index}"
        label = f"{branch.name}: {branch.serves}" if branch.name else branch.serves
        yield f'  {target}["{in_mermaid(label)}"]'
        yield f"  {node} {_edge(branch, moved.get(branch.name))} {target}"
    if len(branches) > MOST_BRANCHES:
        yield f'  {node} --- {node}more["and {len(branches) - MOST_BRANCHES} more"]'


def _edge(branch: Branch, moved: tuple[int, int] | None) -> str:
    before, after = moved or (branch.share, branch.share)
    share = f"{after} %" if before in (after, 0) else f"{before} → {after} %"
    if branch.share:
        return f'-- "{share}" -->'
    return '-. "fallback" .->' if branch.fallback else f'-. "{share}" .->'
