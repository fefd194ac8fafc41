"""SARIF 2.1.0, for code scanning and editors. Pure.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/, and what GitHub asks for beyond it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from provisioner.commands.reports.annotations import Annotation, annotations_of
from provisioner.commands.reports.report import Report
from provisioner.errors import Severity
from provisioner.errors.codes import explanations
from provisioner.rendering.text import json_text

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
OTHER_RULES = {
    "check": "a check of a live resource that failed",
    "drift": "a live resource that differs from its manifest",
}
"""Titles of rules that are no code; the others are actions of a plan."""

MOST_RESULTS = 5_000
"""GitHub shows no more, and refuses a file with more than 25,000."""


def text(report: Report) -> str:
    """A log with one run of one tool."""
    annotations = annotations_of(report)[:MOST_RESULTS]
    rules = sorted({each.rule for each in annotations})
    run = {
        "tool": {
            "driver": {
                "name": "provisioner",
                "semanticVersion": report.audit.tool_version or "0.0.0",
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "automationDetails": {"id": f"provisioner/{report.command}/{report.environment or 'all'}/"},
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, rules.index(each.rule)) for each in annotations],
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(rule: str) -> dict[str, Any]:
    known = explanations().get(rule)
    title = known.title if known else OTHER_RULES.get(rule, f"a planned {rule}")
    more = " ".join(known.text.split()) if known else title
    return {
        "id": rule,
        "shortDescription": {"text": title},
        "fullDescription": {"text": more},
        "help": {"text": f"{more}\n\nprovisioner explain {rule}" if known else more},
    }


def _result(each: Annotation, rule_index: int) -> dict[str, Any]:
    region = {
        "startLine": each.line,
        "startColumn": each.column,
        "endColumn": max(each.end_column, each.column),
    }
    return {
        "ruleId": each.rule,
        "ruleIndex": rule_index,
        "level": LEVELS[each.severity],
        "message": {"text": each.told},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(each.file), "uriBaseId": "%SRCROOT%"},
                    "region": region,
                }
            }
        ],
        "partialFingerprints": {"provisioner/v1": each.fingerprint},
    }
