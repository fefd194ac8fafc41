"""Artifacts that GitLab shows in a merge request: plan counts and code quality. Pure."""

from __future__ import annotations

import json
from typing import Any

from provisioner.commands.reports.annotations import Annotation, annotations_of
from provisioner.commands.reports.counts import terraform_counts
from provisioner.commands.reports.report import Report
from provisioner.errors import Severity
from provisioner.rendering.text import json_text

SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTE: "info"}


def terraform(report: Report) -> str:
    """For ``artifacts:reports:terraform``: the three counts that its widget shows."""
    return json.dumps(terraform_counts(report)) + "\n"


def code_quality(report: Report) -> str:
    """For ``artifacts:reports:codequality``: an issue for each annotation."""
    return json_text([_issue(each) for each in annotations_of(report)])


def _issue(each: Annotation) -> dict[str, Any]:
    # A live object has no line of its own, so that only the subject names it.
    subject = f" ({each.subject})" if each.subject else ""
    hint = f". Hint: {each.hint}" if each.hint else ""
    return {
        "description": f"{each.message}{subject}{hint}".replace("\n", " "),
        "check_name": each.rule,
        "fingerprint": each.fingerprint,
        "severity": SEVERITIES[each.severity],
        "location": {"path": each.file, "lines": {"begin": each.line}},
    }
