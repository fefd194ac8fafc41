"""The numbers of a run under names that pipelines can rely on. Pure."""

from __future__ import annotations

from provisioner.errors import Severity
from provisioner.plan import Action
from provisioner.rendering.plan_json import SUMMARY, digest
from provisioner.rendering.reports import view
from provisioner.rendering.reports.annotations import annotations_of
from provisioner.rendering.text import harmless_line
from provisioner.report import Report


def outputs(report: Report) -> dict[str, str]:
    """Names and values of step outputs and pipeline variables, the same for every system."""
    found = {
        "command": report.command,
        "project": report.project,
        "environment": report.environment,
        "exit_code": str(report.audit.exit_code),
        "headline": view.headline(report),
        **severities(report),
    }
    plan = report.plan
    if plan:
        found |= {
            "has_changes": str(not plan.is_empty).lower(),
            "digest": digest(plan),
            **{action.value: str(plan.counts[action]) for action in SUMMARY},
        }
    if report.drift:
        drifted = report.drift.drifted
        found |= {"has_drift": str(bool(drifted)).lower(), "drifted": str(drifted)}
    if report.plan_file:
        found["plan_file"] = report.plan_file
    return {name: harmless_line(value) for name, value in found.items()}


def severities(report: Report) -> dict[str, str]:
    """``{"errors": "1", "warnings": "0"}``, of all that reports mark."""
    found = [each.severity for each in annotations_of(report)]
    return {
        "errors": str(found.count(Severity.ERROR)),
        "warnings": str(found.count(Severity.WARNING)),
    }


def terraform_counts(report: Report) -> dict[str, int]:
    """``create``, ``update`` and ``delete`` as Terraform counts: a replacement is two of them."""
    counts = report.plan.counts if report.plan else dict.fromkeys(Action, 0)
    return {
        "create": counts[Action.CREATE] + counts[Action.REPLACE],
        "update": counts[Action.UPDATE] + counts[Action.ADOPT],
        "delete": counts[Action.DELETE] + counts[Action.REPLACE],
    }
