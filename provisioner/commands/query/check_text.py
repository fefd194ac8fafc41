"""Results of checks as a table and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from provisioner.model.query import CaseCounts, CheckResult
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.values import columns, padded, safe, shortened, wrapped

INDENT = "      "
LEAST_NAME, LONGEST_ENTITY = 16, 24
MOST_FAILED = 20
"""Cases of one check whose failure is shown."""

WORDS = {True: Span("pass", Role.ADDED), False: Span("fail", Role.REMOVED)}


def text(results: Sequence[CheckResult], style: Style) -> str:
    """The checks below their resources, what went wrong below a check, and a count."""
    rows = [_row(result, style) for result in results]
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    # The name takes what the others leave: two columns stand before each.
    room = style.width - len(INDENT) - sum(2 + width for width in widths[1:])
    widths[0] = min(widths[0], max(room - 2, LEAST_NAME))
    paired = zip(results, rows, strict=True)
    lines: list[Line] = []
    for address, group in groupby(paired, key=lambda pair: pair[0].address):
        lines.append((Span(safe(str(address), style), Role.STRONG),))
        lines += [line for pair in group for line in _lines(*pair, widths, style)]
    return painted([*lines, (Span(summary(results)),)], style)


def summary(results: Sequence[CheckResult]) -> str:
    """``3 of 4 checks passed``."""
    passed = sum(result.passed for result in results)
    noun = "check" if len(results) == 1 else "checks"
    return f"{passed} of {len(results)} {noun} passed"


def _row(result: CheckResult, style: Style) -> tuple[str, str, str, str]:
    glyph = style.glyphs.ellipsis
    was_asked = result.duration_ms or result.passed
    return (
        safe(result.check, style),
        f"{result.duration_ms} ms" if was_asked else "",
        "" if result.tokens is None else f"{result.tokens} tokens",
        shortened(safe(result.entity, style), LONGEST_ENTITY, glyph),
    )


def _lines(
    result: CheckResult, row: Sequence[str], widths: Sequence[int], style: Style
) -> Iterator[Line]:
    name, took, tokens, entity = row
    name = shortened(name, widths[0], style.glyphs.ellipsis)
    cells = (padded(name, widths[0]), f"{took:>{widths[1]}}", f"{tokens:>{widths[2]}}", entity)
    yield (Span("  "), WORDS[result.passed], Span("  " + "  ".join(cells).rstrip()))
    if result.message:
        message = safe(result.message, style)
        for line in wrapped(message, style.width - len(INDENT)):
            yield (Span(INDENT + line),)
    if result.cases:
        yield from _case_lines(result.cases, style, is_told=bool(result.message))


def _case_lines(counts: CaseCounts, style: Style, *, is_told: bool) -> Iterator[Line]:
    """How many cases passed, and the lines of those that did not."""
    if not is_told:
        yield (Span(f"{INDENT}{safe(counts.text, style)}", Role.FAINT),)
    # The first one is in the message of a check that failed.
    for failure in counts.failures[1 if is_told else 0 : MOST_FAILED]:
        for line in wrapped(safe(failure, style), style.width - len(INDENT)):
            yield (Span(INDENT + line),)
    more = len(counts.failed) - MOST_FAILED
    if more > 0:
        yield (Span(f"{INDENT}and {more:,} more; -o json has all of them"),)


def to_json(results: Sequence[CheckResult]) -> dict[str, Any]:
    """``{"passed", "failed", "checks": [{"address", "name", "check", …}]}``."""
    passed = sum(result.passed for result in results)
    return {
        "passed": passed,
        "failed": len(results) - passed,
        "checks": [
            {
                "address": str(result.address),
                "name": result.name,
                "check": result.check,
                "entity": result.entity,
                "passed": result.passed,
                "message": result.message,
                "duration_ms": result.duration_ms,
                "tokens": result.tokens,
                **({"cases": _cases(result.cases)} if result.cases else {}),
            }
            for result in results
        ],
    }


def _cases(counts: CaseCounts) -> dict[str, Any]:
    return {
        "file": counts.file,
        "total": counts.total,
        "passed": counts.passed,
        "needed_percent": counts.needed,
        "failed": [{"line": each.line, "message": each.message} for each in counts.failed],
    }
