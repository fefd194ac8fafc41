"""Drift as people read it: by resource and sort, the declared value before the live one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from provisioner.commands.drift.remedies import Remedy, ways_out
from provisioner.commands.drift.words import evidence, label_of, sides_of, summary_line, told, words
from provisioner.errors import Problem
from provisioner.model.drift import Drift, DriftCategory, Drifted
from provisioner.model.paths import path_text
from provisioner.model.plan import ABSENT
from provisioner.rendering.problems import to_json as problems_to_json
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.text import harmless
from provisioner.rendering.values import columns, fitted, padded, safe, wrapped

ROLES: Final = {
    DriftCategory.NOT_OURS: Role.REMOVED,
    DriftCategory.RECREATED: Role.REMOVED,
    DriftCategory.GONE: Role.REMOVED,
    DriftCategory.FAILED_UPDATE: Role.REMOVED,
    DriftCategory.ROLLOUT: Role.REMOVED,
    DriftCategory.ORPHAN: Role.ODD,
    DriftCategory.UPDATING: Role.TAKEN,
    DriftCategory.STOPPED: Role.TAKEN,
    DriftCategory.NOT_APPLIED: Role.TAKEN,
}
INDENT, INNER = "  ", "    "
LEAST_ROOM: Final = 24
"""Columns that values have beside their path; with less they stand below it."""


def text(drifted: Drifted, style: Style) -> str:
    """All of it; it ends with the summary."""
    return painted(_lines(drifted, style), style)


def _lines(drifted: Drifted, style: Style) -> Iterator[Line]:
    where = safe(f"{drifted.project}/{drifted.environment} at {drifted.host}", style)
    yield (Span(f"Drift of {where}", Role.STRONG),)
    if any(finding.path for finding in drifted.findings):
        yield (Span(f"as declared {style.glyphs.arrow} as it is live", Role.FAINT),)
    yield ()
    places = dict(drifted.places)
    for address, members in groupby(drifted.findings, key=lambda finding: finding.address):
        group = list(members)
        place = f"{places[address].file}:{places[address].line}" if address in places else ""
        yield from _resource(group, place, style)
        yield ()
    yield from _ways_out(drifted, style)
    yield (Span(summary_line(drifted), Role.STRONG),)


def _resource(group: Sequence[Drift], place: str, style: Style) -> Iterator[Line]:
    first = group[0]
    address, name = safe(str(first.address), style), safe(f"({first.name})", style)
    heading = [Span(address, Role.STRONG), Span(name, Role.FAINT)]
    if place:
        heading.append(Span(safe(place, style), Role.FAINT))
    yield from _beside(heading, style)
    written = next((finding.at for finding in group if finding.path and finding.at), "")
    if written:
        yield (Span(f"{INDENT}last changed {safe(written, style)}", Role.FAINT),)
    for sort, members in groupby(group, key=lambda finding: finding.category):
        same = list(members)
        yield (Span(INDENT), Span(words(same[0]), ROLES.get(sort, Role.CHANGED)))
        yield from _of_sort(same, style)


def _beside(words: list[Span], style: Style) -> Iterator[Line]:
    line: Line = ()
    for word in words:
        wider = (*line, Span("  "), word) if line else (word,)
        if line and sum(columns(span.text) for span in wider) > style.width:
            yield line
            wider = (Span(INNER), word)
        line = wider
    yield line


def _of_sort(findings: Sequence[Drift], style: Style) -> Iterator[Line]:
    """The fields in two columns, and below each what else there is to say."""
    labels = [label_of(finding, style) for finding in findings]
    room = style.width - len(INNER) - 2 - LEAST_ROOM
    width = max((columns(label) for label in labels if columns(label) <= room), default=0)
    for finding, label in zip(findings, labels, strict=True):
        if finding.path:
            yield from _field(finding, label, width, style)
        for remark in told(finding):
            for line in wrapped(safe(remark, style), style.width - len(INNER)):
                yield (Span(INNER + line, Role.FAINT),)


def _field(finding: Drift, label: str, width: int, style: Style) -> Iterator[Line]:
    arrow = f" {style.glyphs.arrow} "
    before = f"{INNER}{padded(label, width)}  "
    if columns(label) > width:
        yield (Span(INNER + label),)
        before = INNER + INDENT
    room = style.width - columns(before) - len(arrow)
    sides = fitted(sides_of(finding, style), room, style.glyphs.ellipsis)
    yield (Span(before), Span(arrow.join(sides), ROLES.get(finding.category, Role.CHANGED)))


def _ways_out(drifted: Drifted, style: Style) -> Iterator[Line]:
    facts, ways = evidence(drifted), ways_out(drifted)
    if facts:
        yield from ((Span(line, Role.FAINT),) for line in wrapped(facts, style.width))
        yield ()
    if ways:
        yield (Span("To resolve:"),)
        yield from (line for way in ways for line in _way(way, style))
    if ways or drifted.findings:
        yield ()


def _way(way: Remedy, style: Style) -> Iterator[Line]:
    """A command is never broken, so that it can be copied."""
    yield (Span(f"{INDENT}{safe(way.command, style)}"),)
    yield (Span(f"{INNER}{safe(way.does, style)}", Role.FAINT),)


# Drift as JSON: its shape and the values of ``sort`` are relied on by other programs. Pure.

FORMAT_VERSION = 1


def to_json(drifted: Drifted, judged: Sequence[Problem] | None = None) -> dict[str, Any]:
    """``{"drifted": N, "summary": {SORT: N}, "drift": [...], "ways_out": [...]}`` and whereof.

    ``judged`` are the violations of policies, None where live resources were not judged.
    """
    return {
        "format_version": FORMAT_VERSION,
        "project": drifted.project,
        "environment": drifted.environment,
        "workspace": {"host": drifted.host},
        "source": {"git_commit": drifted.source.git_commit, "digest": drifted.source.digest},
        "resources": drifted.resources,
        "commits": drifted.commits,
        "drifted": drifted.drifted,
        "summary": summary(drifted),
        "drift": entries(drifted),
        "ways_out": [{"command": each.command, "does": each.does} for each in ways_out(drifted)],
        **({} if judged is None else {"policies": {"problems": problems_to_json(judged)}}),
    }


def summary(drifted: Drifted) -> dict[str, int]:
    """How many differences there are of each category, zeros included."""
    categories = [finding.category for finding in drifted.findings]
    return {category.value: categories.count(category) for category in DriftCategory}


def entries(drifted: Drifted) -> list[dict[str, Any]]:
    """The differences; what is absent or unknown is left out."""
    places = dict(drifted.places)
    return [_entry(finding, str(places.get(finding.address, ""))) for finding in drifted.findings]


def _entry(finding: Drift, where: str) -> dict[str, Any]:
    texts = {
        "reason": finding.reason,
        "owner": finding.owner,
        "by": finding.by,
        "at": finding.at,
        "commit": finding.commit,
    }
    texts["where"] = where
    sides = {"declared": finding.declared, "live": finding.live}
    return {
        "address": str(finding.address),
        "name": finding.name,
        "sort": finding.category.value,
        "counts": finding.counts,
        **({"by_hand": True} if finding.by_hand else {}),
        **({"path": path_text(finding.path)} if finding.path else {}),
        **{name: value for name, value in sides.items() if value is not ABSENT},
        **{name: harmless(text) for name, text in texts.items() if text},
    }
