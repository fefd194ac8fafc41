"""The state of resources as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from provisioner.commands.rollout.result import bar, hint, is_under_way, standing
from provisioner.commands.rollout.text import rollout_json
from provisioner.commands.status.status import StatusRow
from provisioner.model.live import Phase
from provisioner.model.rollout import Sample
from provisioner.model.serving import Served
from provisioner.rendering.style import Line, Role, Span, Style, painted
from provisioner.rendering.text import harmless_line
from provisioner.rendering.values import columns, common_width, wrapped
from provisioner.workflow.rollout import RolloutReport

# Symbol, the same in ASCII, and how it looks.
SIGNS = {
    Phase.READY: ("✓", "+", Role.ADDED),
    Phase.UPDATING: ("…", "~", Role.CHANGED),
    Phase.FAILED: ("✗", "!", Role.REMOVED),
    Phase.STOPPED: ("■", "#", Role.ODD),
    Phase.NOT_READY: ("✗", "!", Role.REMOVED),
    Phase.ABSENT: ("·", "-", Role.FAINT),
}


INDENT = "    "


def text(rows: Sequence[StatusRow], style: Style) -> str:
    """A line for each resource, what it serves below it, and a count at the end."""
    lines = [line for row in rows for line in _lines(row, rows, style)]
    ready = sum(row.readiness.phase is Phase.READY for row in rows)
    return painted([*lines, (Span(f"{ready} of {len(rows)} ready"),)], style)


def _lines(row: StatusRow, rows: Sequence[StatusRow], style: Style) -> Iterator[Line]:
    yield from _head(row, rows, style)
    width = max((columns(harmless_line(entity.name)) for entity in row.serves), default=0)
    widest = max((columns(harmless_line(entity.what)) for entity in row.serves), default=0)
    for entity in row.serves:
        yield _served(entity, width, widest)
    if row.rollout:
        yield from _rollout(row.rollout, style)
    for words in _details(row):
        for line in wrapped(harmless_line(words), style.width - len(INDENT)):
            yield (Span(f"{INDENT}{line}", Role.FAINT),)


def _details(row: StatusRow) -> Iterator[str]:
    """What only `status -v` asks for."""
    if row.usage_policy:
        yield f"usage policy {row.usage_policy}"
    for sample in row.metrics:
        where = f" {sample.version}" if sample.version else ""
        values = [f"{name} {value:g}" for name, value in sorted(_gauges(sample).items())]
        numbers = [f"{sample.requests:g} requests", f"{sample.errors:g} errors", *values]
        yield f"last minute{where}: {', '.join(numbers)}"
    if row.no_metrics:
        yield f"no metrics: {row.no_metrics}"


def _rollout(report: RolloutReport, style: Style) -> Iterator[Line]:
    """Where it stands and what comes next, its steps as a bar, and what a person can do."""
    parts = [f"rollout: {standing(report)}"]
    if report.state and is_under_way(report):
        parts += [bar(report.state, unicode=style.unicode)]
    parts += [f"hint: {hint(report)}"] if hint(report) else []
    for part in filter(None, parts):
        for line in wrapped(harmless_line(part), style.width - len(INDENT)):
            yield (Span(f"{INDENT}{line}", Role.FAINT),)


def _head(row: StatusRow, rows: Sequence[StatusRow], style: Style) -> Iterator[Line]:
    readiness = row.readiness
    unicode, ascii_sign, role = SIGNS[readiness.phase]
    width = common_width(str(each.address) for each in rows)
    message = f": {harmless_line(readiness.message)}" if readiness.message else ""
    since = f"  since {moment(row.changed_at)}" if row.changed_at and not message else ""
    head = (
        Span(f"{unicode if style.unicode else ascii_sign} ", role),
        Span(f"{row.address!s:{width}}", link=row.url),
        Span("  "),
        Span(f"{readiness.phase}", role),
    )
    used = sum(columns(span.text) for span in head)
    if used + columns(message) + columns(since) <= style.width:
        yield (*head, Span(message), Span(since, Role.FAINT))
        return
    # What does not fit stands below, broken at blanks alone.
    yield head
    below = message.removeprefix(": ") or since.strip()
    for line in wrapped(below, style.width - len(INDENT)) if below else ():
        yield (Span(f"{INDENT}{line}", Role.PLAIN if message else Role.FAINT),)


def _served(served: Served, width: int, widest: int) -> Line:
    name, what = harmless_line(served.name), harmless_line(served.what)
    since = f"  since {moment(served.since)}" if served.since else ""
    if served.dbus:
        since += f"  {'..'.join(f'{each:g}' for each in served.dbus)} DBU/h"
    return (
        Span(f"    {name}{' ' * (width - columns(name))}  {served.share:>3} %  {what}"),
        Span(f"{' ' * (widest - columns(what))}{since}" if since else "", Role.FAINT),
    )


def moment(time: str) -> str:
    """``2026-11-20 10:00 UTC`` of a time in RFC 3339, which is in UTC."""
    return f"{time[:10]} {time[11:16]} UTC"


def news(before: Sequence[StatusRow], after: Sequence[StatusRow]) -> list[str]:
    """A line for each resource whose state or traffic is not as it was."""
    old = {row.address: row for row in before}
    lines = []
    for row in after:
        was = old.get(row.address)
        if was and (_state(was), _traffic(was)) == (_state(row), _traffic(row)):
            continue
        moved = f"  ({_traffic(row)})" if was is None or _traffic(was) != _traffic(row) else ""
        lines.append(f"{row.address}: {_state(row)}{moved if row.serves else ''}")
    return lines


def _state(row: StatusRow) -> str:
    message = f": {harmless_line(row.readiness.message)}" if row.readiness.message else ""
    return f"{row.readiness.phase}{message}"


def _traffic(row: StatusRow) -> str:
    return ", ".join(
        f"{harmless_line(served.name)} {served.share} % {harmless_line(served.what)}"
        for served in row.serves
    )


def _gauges(sample: Sample) -> dict[str, float]:
    """The values that mean something alone: the parts of histograms do not."""
    return {
        name: value
        for name, value in sample.values.items()
        if not name.endswith(("_sum", "_count"))
    }


def _detail_fields(row: StatusRow) -> dict[str, Any]:
    metrics = [
        {
            "entity": sample.version,
            "requests": sample.requests,
            "errors": sample.errors,
            **_gauges(sample),
        }
        for sample in row.metrics
    ]
    details = {"usage_policy_id": row.usage_policy, "metrics": metrics}
    return {name: value for name, value in details.items() if value}


def _dbus(served: Served) -> dict[str, float]:
    return dict(zip(("min_dbus", "max_dbus"), served.dbus, strict=False))


def to_json(rows: Sequence[StatusRow]) -> dict[str, Any]:
    """``{"resources": [{"address", "name", "phase", "message", "url", "changed_at", "serves"}]}``.

    ``serves``: ``{"entity", "model", "version", "traffic_percentage", "since"}``, the most
    traffic first. Times are RFC 3339 in UTC; what is unknown is ``""``. ``rollout``, as
    `rollout status -o json` has it, is there where one is under way or was rolled back.
    ``usage_policy_id`` and, with `-v`, ``metrics`` of the last minute are there where the service
    tells them. ``min_dbus`` and ``max_dbus`` are DBUs an hour, only where the service tells them.
    """
    return {
        "resources": [
            {
                "address": str(row.address),
                "name": row.name,
                "phase": str(row.readiness.phase),
                "message": row.readiness.message,
                "url": row.url,
                "changed_at": row.changed_at,
                **_detail_fields(row),
                "serves": [
                    {
                        "entity": served.name,
                        "model": served.model,
                        "version": served.version,
                        "traffic_percentage": served.share,
                        "since": served.since,
                        **_dbus(served),
                    }
                    for served in row.serves
                ],
                **({"rollout": rollout_json(row.rollout)} if row.rollout else {}),
            }
            for row in rows
        ]
    }
