"""What `doctor` found as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provisioner.commands.doctor.doctor import Diagnosis, DiagnosisStatus
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.text import harmless_line
from provisioner.rendering.values import wrapped

# Symbol, the same in ASCII, and how it looks.
SIGNS = {
    DiagnosisStatus.OK: ("✓", "+", Role.ADDED),
    DiagnosisStatus.WARNING: ("!", "!", Role.CHANGED),
    DiagnosisStatus.FAILED: ("✗", "x", Role.REMOVED),
    DiagnosisStatus.UNKNOWN: ("?", "?", Role.FAINT),
}
ABOUT, VERDICT = 17, 7
INDENT = 2 + VERDICT + 2 + ABOUT + 2
NARROWEST = 30


def text(finding: Diagnosis, style: Style) -> str:
    """``finding`` in a line and what wraps; the hint below it."""
    unicode, plain, role = SIGNS[finding.verdict]
    width = max(style.width - INDENT, NARROWEST)
    first, *more = wrapped(harmless_line(finding.message), width)
    hints = [
        row for part in finding.hint.split("\n") for row in wrapped(harmless_line(part), width)
    ]
    sign = unicode if style.unicode else plain
    lines: list[Line] = [
        (
            Span(f"{sign} {finding.verdict:{VERDICT}}", role),
            Span(f"  {finding.about:{ABOUT}}  {first}"),
        ),
        *((Span(" " * INDENT + row),) for row in more),
    ]
    if finding.hint:
        lines += [(Span(" " * INDENT + row, Role.TAKEN),) for row in hints]
    return painted(lines, style)


def to_json(findings: Sequence[Diagnosis]) -> dict[str, Any]:
    """``{"healthy", "findings": [{"about", "verdict", "message", "hint"}]}``."""
    return {
        "healthy": all(finding.verdict is not DiagnosisStatus.FAILED for finding in findings),
        "findings": [
            {
                "about": finding.about,
                "verdict": str(finding.verdict),
                "message": finding.message,
                "hint": finding.hint,
            }
            for finding in findings
        ],
    }
