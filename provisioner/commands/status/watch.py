"""The state of resources as it changes: redrawn on a terminal, elsewhere line by line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TextIO

from provisioner.commands.status import text as status_text
from provisioner.commands.status.status import StatusRow
from provisioner.model.clock import Now, utc_now
from provisioner.model.live import Phase
from provisioner.rendering.frames import redrawn
from provisioner.rendering.progress import duration
from provisioner.rendering.style import Style

Rows = Sequence[StatusRow]


def shown(
    seen: Iterable[Rows],
    style: Style,
    *,
    record: Callable[[Any], str] | None = None,
    now: Now = utc_now,
) -> Rows:
    """Show all that is ``seen`` on stdout, and return the last of it.

    ``record`` writes all of it for a program, at each change. Interrupting ends it where it is.
    """
    stream = sys.stdout
    if record:
        return _records(seen, record, stream)
    if stream.isatty() and style.colour:
        return _redrawn(seen, style, stream, now)
    return _lines(seen, style, stream, now)


def _records(seen: Iterable[Rows], record: Callable[[Any], str], stream: TextIO) -> Rows:
    last: Rows = ()
    printed = ""
    for rows in seen:
        last, now = rows, record(status_text.to_json(rows))
        if now != printed:
            printed = now
            print(now, end="", file=stream, flush=True)
    return last


def _lines(seen: Iterable[Rows], style: Style, stream: TextIO, now: Now) -> Rows:
    last: Rows | None = None
    for rows in seen:
        if last is None:
            print(status_text.text(rows, style), end="", file=stream, flush=True)
        else:
            for line in status_text.news(last, rows):
                print(f"{now():%H:%M:%S} UTC  {line}", file=stream, flush=True)
        last = rows
    return last or ()


def foot(rows: Rows, now: datetime) -> str:
    """When the frame was made, and how long each update has run."""
    lines = [
        f"{row.address} updating for {duration((now - begun).total_seconds())}\n"
        for row in rows
        if row.readiness.phase is Phase.UPDATING and (begun := _time(row.changed_at))
    ]
    return "".join([*lines, f"updated {now:%H:%M:%S} UTC, Ctrl-C ends\n"])


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _redrawn(seen: Iterable[Rows], style: Style, stream: TextIO, now: Now) -> Rows:
    last: Rows = ()
    with redrawn(stream) as draw:
        for rows in seen:
            last = rows
            draw(status_text.text(rows, style) + foot(rows, now()))
    return last
