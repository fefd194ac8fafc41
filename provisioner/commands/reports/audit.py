"""A report as JSON: the audit record of a run. Pure.

Who did what to which workspace, from which commit and plan, when, and how each resource
ended. Requests are left out; secrets are named by their source, as everywhere.
"""

from __future__ import annotations

from typing import Any

from provisioner.commands.drift import text as drift_json
from provisioner.commands.query import check_text
from provisioner.commands.reports.report import Report
from provisioner.model.outcome import Outcome
from provisioner.model.plan import Action, Step
from provisioner.planning.plan_json import SUMMARY, digest
from provisioner.planning.step_json import change_json
from provisioner.rendering import outcomes as outcome_words
from provisioner.rendering import problems
from provisioner.rendering.text import harmless, json_text

FORMAT_VERSION = 1
DRIFT = ("resources", "drifted", "summary", "drift", "ways_out")


def text(report: Report) -> str:
    """The record as ASCII, so that no reader meets a control character."""
    return json_text(to_json(report))


def to_json(report: Report) -> dict[str, Any]:
    """The record; what a command has none of is left out."""
    made = _record(report)
    if report.changed_since:
        made["changed_since"] = report.changed_since
    if report.parts is not None:
        made["reports"] = [to_json(part) for part in report.parts]
    return made


def _record(report: Report) -> dict[str, Any]:
    audit, plan = report.audit, report.plan
    made: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "command": report.command,
        "tool_version": audit.tool_version,
        "project": report.project,
        "environment": report.environment,
        "workspace": {"host": report.host},
        "actor": harmless(audit.actor),
        "git_commit": audit.git_commit or (plan.source.git_commit if plan else ""),
        "started_at": audit.started_at,
        "finished_at": audit.finished_at,
        "exit_code": audit.exit_code,
    }
    if plan:
        made["plan_digest"] = digest(plan)
        made["source_digest"] = plan.source.digest
        made["summary"] = {action.value: plan.counts[action] for action in SUMMARY}
    if report.outcomes:
        made["applied"] = outcome_words.to_counts(report.outcomes)
    if plan:
        made["resources"] = _resources(report)
    if report.drift:
        drift = drift_json.to_json(report.drift)
        names = {"drift": "differences"}
        made["drift"] = {names.get(name, name): drift[name] for name in DRIFT}
    if report.checks:
        made["checks"] = check_text.to_json(report.checks)["checks"]
    made["problems"] = problems.to_json(report.problems)["diagnostics"]
    return made


def _resources(report: Report) -> list[dict[str, Any]]:
    """What the plan changes, and what was waited for, in the order of the plan."""
    ends = {outcome.step.address: outcome for outcome in report.outcomes}
    steps = report.plan.steps if report.plan else ()
    return [
        _resource(step, ends.get(step.address))
        for step in steps
        if step.action is not Action.KEEP or step.address in ends
    ]


def _resource(step: Step, outcome: Outcome | None) -> dict[str, Any]:
    made: dict[str, Any] = {
        "address": str(step.address),
        "name": step.name,
        "action": step.action.value,
        "reason": harmless(step.reason),
        "changes": [change_json(change) for change in step.changes],
        "calls": [operation.call for operation in step.operations],
    }
    if outcome:
        ended = outcome_words.outcome_json(outcome)
        made |= {name: ended[name] for name in ("status", "done", "message", "seconds", "problems")}
    return made
