"""The numbers of a run under names that pipelines can rely on. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from provisioner.commands.reports import view
from provisioner.commands.reports.annotations import annotations_of
from provisioner.commands.reports.report import Report
from provisioner.errors import Severity
from provisioner.model.plan import Action, Plan
from provisioner.planning.plan_json import SUMMARY, digest
from provisioner.rendering.text import harmless_line


def outputs(report: Report) -> dict[str, str]:
    """Names and values of step outputs and pipeline variables, the same for every system."""
    values = {
        "command": report.command,
        "project": report.project,
        "environment": report.environment,
        "exit_code": str(report.audit.exit_code),
        "headline": view.headline(report),
        **severities(report),
    }
    plan = report.plan
    if plan:
        values |= {
            "has_changes": str(not plan.is_empty).lower(),
            "digest": digest(plan),
            **_counts([plan]),
        }
    if report.parts is not None:
        plans = [part.plan for part in report.parts if part.plan]
        values |= {
            "environments": ",".join(part.environment for part in report.parts),
            "has_changes": str(not all(each.is_empty for each in plans)).lower(),
            **_counts(plans),
        }
    if report.drift:
        drifted = report.drift.drifted
        values |= {"has_drift": str(bool(drifted)).lower(), "drifted": str(drifted)}
    if report.plan_file:
        values["plan_file"] = report.plan_file
    return {name: harmless_line(value) for name, value in values.items()}


def _counts(plans: Sequence[Plan]) -> dict[str, str]:
    return {action.value: str(sum(each.counts[action] for each in plans)) for action in SUMMARY}


def severities(report: Report) -> dict[str, str]:
    """``{"errors": "1", "warnings": "0"}``, of all that reports mark."""
    found_severities = [each.severity for each in annotations_of(report)]
    return {
        "errors": str(found_severities.count(Severity.ERROR)),
        "warnings": str(found_severities.count(Severity.WARNING)),
    }


def terraform_counts(report: Report) -> dict[str, int]:
    """``create``, ``update`` and ``delete`` as Terraform counts: a replacement is two of them."""
    plans = [each.plan for each in (report, *(report.parts or ())) if each.plan]
    counts = {action: sum(plan.counts[action] for plan in plans) for action in Action}
    return {
        "create": counts[Action.CREATE] + counts[Action.REPLACE],
        "update": counts[Action.UPDATE] + counts[Action.ADOPT],
        "delete": counts[Action.DELETE] + counts[Action.REPLACE],
    }
