"""Drift as people read it: by resource and sort, the declared value before the live one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from provisioner.drifted import Drift, Drifted, Sort
from provisioner.plan import ABSENT
from provisioner.rendering.drift_ways import Way, ways_out
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.values import Sides, columns, fitted, padded, safe, value_text
from provisioner.rendering.wrapping import wrapped
from provisioner.semantics import path_text

WORDS: Final = {
    Sort.NOT_OURS: "not ours any more",
    Sort.RECREATED: "created again by somebody else, or its tags were taken off",
    Sort.GONE: "gone: deleted, or never applied",
    Sort.FAILED_UPDATE: "the last update failed",
    Sort.VERSION: "version changed",
    Sort.EDITED: "edited by hand",
    Sort.PERMISSION_ADDED: "permission added",
    Sort.PERMISSION_CHANGED: "permission changed",
    Sort.PERMISSION_REMOVED: "permission removed",
    Sort.TAG_ADDED: "tag added",
    Sort.NOT_APPLIED: "not applied yet",
    Sort.ORPHAN: "orphan: our tag, no manifest",
    Sort.UPDATING: "updating: compared with what the update brings",
    Sort.STOPPED: "stopped",
}
ROLES: Final = {
    Sort.NOT_OURS: Role.REMOVED,
    Sort.RECREATED: Role.REMOVED,
    Sort.GONE: Role.REMOVED,
    Sort.FAILED_UPDATE: Role.REMOVED,
    Sort.ORPHAN: Role.ODD,
    Sort.UPDATING: Role.TAKEN,
    Sort.STOPPED: Role.TAKEN,
    Sort.NOT_APPLIED: Role.TAKEN,
}
EITHER: Final = frozenset(
    {
        *(Sort.VERSION, Sort.EDITED),
        *(Sort.PERMISSION_ADDED, Sort.PERMISSION_CHANGED, Sort.PERMISSION_REMOVED, Sort.TAG_ADDED),
    }
)
CAVEAT: Final = (
    "The live value is on the right. A difference may also be a manifest that was changed and "
    "not applied yet."
)
SAME: Final = frozenset({"the last update failed", "the last config update failed"})
"""Messages that say no more than the sort does."""

INDENT, INNER = "  ", "    "
LEAST_ROOM: Final = 24
"""Columns that values have beside their path; with less they stand below it."""


def text(drifted: Drifted, style: Style) -> str:
    """All of it; it ends with the summary."""
    return painted(_lines(drifted, style), style)


def summary_line(drifted: Drifted) -> str:
    """``Drift: 3 differences in 2 of 5 resources``, or that there is none."""
    counted = [one for one in drifted.findings if one.counts]
    looked = _counted(drifted.resources, "resource")
    if not counted:
        return f"No drift: {looked}, all as declared"
    return f"Drift: {_counted(len(counted), 'difference')} in {drifted.drifted} of {looked}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _lines(drifted: Drifted, style: Style) -> Iterator[Line]:
    where = safe(f"{drifted.project}/{drifted.environment} at {drifted.host}", style)
    yield (Span(f"Drift of {where}", Role.STRONG),)
    yield ()
    places = dict(drifted.places)
    for address, found in groupby(drifted.findings, key=lambda one: one.address):
        group = list(found)
        place = f"{places[address].file}:{places[address].line}" if address in places else ""
        yield from _resource(group, place, style)
        yield ()
    yield from _ways_out(drifted, style)
    yield (Span(summary_line(drifted), Role.STRONG),)


def _resource(group: Sequence[Drift], place: str, style: Style) -> Iterator[Line]:
    first = group[0]
    address, name = safe(str(first.address), style), safe(f"({first.name})", style)
    words = [Span(address, Role.STRONG), Span(name, Role.FAINT)]
    if place:
        words.append(Span(safe(place, style), Role.FAINT))
    yield from _beside(words, style)
    written = next((one.at for one in group if one.path and one.at), "")
    if written:
        yield (Span(f"{INDENT}last written {safe(written, style)}", Role.FAINT),)
    for sort, found in groupby(group, key=lambda one: one.sort):
        yield (Span(INDENT), Span(WORDS[sort], ROLES.get(sort, Role.CHANGED)))
        yield from _of_sort(list(found), style)


def _beside(words: list[Span], style: Style) -> Iterator[Line]:
    line: Line = ()
    for word in words:
        wider = (*line, Span("  "), word) if line else (word,)
        if line and sum(columns(span.text) for span in wider) > style.width:
            yield line
            wider = (Span(INNER), word)
        line = wider
    yield line


def _of_sort(found: Sequence[Drift], style: Style) -> Iterator[Line]:
    """The fields in two columns, and below each what else there is to say."""
    labels = [label_of(one, style) for one in found]
    room = style.width - len(INNER) - 2 - LEAST_ROOM
    width = max((columns(label) for label in labels if columns(label) <= room), default=0)
    for one, label in zip(found, labels, strict=True):
        if one.path:
            yield from _field(one, label, width, style)
        for said in told(one):
            for line in wrapped(safe(said, style), style.width - len(INNER)):
                yield (Span(INNER + line, Role.FAINT),)


def label_of(one: Drift, style: Style) -> str:
    """The path as plans show it."""
    return safe(path_text(one.path).replace('[""]', "[]"), style)


def _field(one: Drift, label: str, width: int, style: Style) -> Iterator[Line]:
    arrow = f" {style.glyphs.arrow} "
    before = f"{INNER}{padded(label, width)}  "
    if columns(label) > width:
        yield (Span(INNER + label),)
        before = INNER + INDENT
    room = style.width - columns(before) - len(arrow)
    sides = fitted(sides_of(one, style), room, style.glyphs.ellipsis)
    yield (Span(before), Span(arrow.join(sides), ROLES.get(one.sort, Role.CHANGED)))


def sides_of(one: Drift, style: Style) -> Sides:
    """The declared and the live value; what cannot be read back is not shown."""
    declared = value_text(one.declared, style)
    if one.sort is Sort.NOT_APPLIED and one.live is ABSENT:
        return Sides(declared, "(cannot be read back)")
    return Sides(declared, value_text(one.live, style))


def told(one: Drift) -> Iterator[str]:
    """Who, when and why, as far as it is known, a line each."""
    if one.owner:
        yield f"it carries the tag of {one.owner}"
    if not one.path and one.sort in (Sort.RECREATED, Sort.NOT_OURS):
        made = " ".join(filter(None, (one.at, f"by {one.by}" if one.by else "")))
        if made:
            yield f"created {made}"
    if one.reason and one.reason not in SAME and one.sort is not Sort.ORPHAN:
        yield one.reason


def _ways_out(drifted: Drifted, style: Style) -> Iterator[Line]:
    if any(one.sort in EITHER for one in drifted.findings):
        for line in wrapped(CAVEAT, style.width):
            yield (Span(line, Role.FAINT),)
    ways = ways_out(drifted)
    if ways:
        yield (Span("Ways out:"),)
        yield from (line for way in ways for line in _way(way, style))
    if ways or drifted.findings:
        yield ()


def _way(way: Way, style: Style) -> Iterator[Line]:
    """A command is never broken, so that it can be copied."""
    yield (Span(f"{INDENT}{safe(way.command, style)}"),)
    yield (Span(f"{INNER}{safe(way.does, style)}", Role.FAINT),)
