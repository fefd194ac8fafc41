"""What is going on while a plan is applied, for a person or a log, on stderr.

On a terminal a count, and a live row for each resource that is under way, wiped away at the end.
Elsewhere a line for each resource that ended and a count every half minute; with ``verbose`` a
line at each change of state.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from provisioner.model.live import Phase
from provisioner.model.outcome import WENT_WELL, Announce, Event, What
from provisioner.model.plan import Address
from provisioner.rendering.text import harmless_line

if TYPE_CHECKING:
    from rich.console import RenderableType

REMINDER_S = 30.0


@contextmanager
def shown(
    stream: TextIO, *, live: bool, quiet: bool = False, verbose: bool = False, total: int = 0
) -> Iterator[Announce]:
    """What to announce events to.

    ``live``: ``stream`` is a terminal that can be redrawn. ``total`` is how many resources will
    be announced, where that is known.
    """
    if quiet:
        yield lambda event: None
    elif live:
        with _redrawn(stream, total) as announce:
            yield announce
    elif verbose:
        yield Lines(stream)
    else:
        with _summarised(stream, total) as announce:
            yield announce


def duration(seconds: float) -> str:
    """``45s``, ``1m30s`` or ``2h05m``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def state(event: Event) -> str:
    """What an event says about its resource, in one line and without its time."""
    message = f": {harmless_line(event.message)}" if event.message else ""
    match event.what:
        case What.STARTED:
            return "started"
        case What.CALLING:
            return f"calling {harmless_line(event.call)}"
        case What.WAITING:
            return f"waiting: {event.phase}{message}"
        case What.STOPPING:
            return "stopping: waiting for the response to the last request"
        case What.FINISHED:
            return f"{event.status}{message}"


class Counts:
    """How many resources are done, under way and failed, and which one runs for longest."""

    def __init__(self, total: int = 0, now: Callable[[], float] = time.monotonic) -> None:
        self._total, self._now = total, now
        self._began = now()
        self._running: dict[Address, float] = {}
        self._ended: dict[Address, bool] = {}

    def __call__(self, event: Event) -> None:
        if event.what is What.FINISHED:
            self._running.pop(event.address, None)
            self._ended[event.address] = event.status in WENT_WELL
        else:
            self._running.setdefault(event.address, self._now())

    def line(self) -> str:
        """``536 of 1,000 done, 8 running, 0 failed, 3m12s; oldest: ADDRESS 2m05s``."""
        failed = sum(not went_well for went_well in self._ended.values())
        total = max(self._total, len(self._ended) + len(self._running))
        counts = f"{len(self._ended) - failed:,} of {total:,} done, {len(self._running):,} running"
        line = f"{counts}, {failed:,} failed, {duration(self._now() - self._began)}"
        # Redrawn by a thread of its own, so from a copy.
        oldest = min(tuple(self._running.items()), key=lambda item: item[1], default=None)
        if oldest is None:
            return line
        return f"{line}; oldest: {oldest[0]} {duration(self._now() - oldest[1])}"


class Summaries:
    """A line for each resource that ended without success; the rest is counted."""

    def __init__(self, stream: TextIO, counts: Counts) -> None:
        self._stream, self._counts = stream, counts
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        self._counts(event)
        is_trouble = event.what is What.FINISHED and event.status not in WENT_WELL
        if is_trouble or event.what is What.STOPPING:
            self.write(f"{event.address}: {state(event)}")

    def write(self, line: str) -> None:
        """Writes one line at once."""
        with self._lock:
            self._stream.write(f"{line}\n")
            self._stream.flush()


@contextmanager
def _summarised(stream: TextIO, total: int) -> Iterator[Announce]:
    counts = Counts(total)
    summaries, over = Summaries(stream, counts), threading.Event()

    def remind() -> None:
        while not over.wait(REMINDER_S):
            summaries.write(counts.line())

    thread = threading.Thread(target=remind, name="progress", daemon=True)
    thread.start()
    try:
        yield summaries
    finally:
        over.set()
        thread.join()


class Lines:
    """A line for each change of state; plain text, so that any log can hold it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._states: dict[Address, str] = {}
        self._told: dict[Address, float] = {}

    def __call__(self, event: Event) -> None:
        line = self._line(event)
        if line:
            self._stream.write(f"{event.address}: {line}\n")
            self._stream.flush()

    def _line(self, event: Event) -> str:
        """What to say about ``event``, or nothing when it brings nothing new."""
        now = state(event)
        if event.what is What.STARTED or event.phase is Phase.READY:
            return ""  # What follows at once says as much.
        if self._states.get(event.address) != now:
            self._states[event.address] = now
            self._told[event.address] = event.seconds
            return f"{now} ({duration(event.seconds)})" if event.seconds >= 1 else now
        if event.what is What.WAITING and event.seconds - self._told[event.address] >= REMINDER_S:
            self._told[event.address] = event.seconds
            return f"still {now} {duration(event.seconds)}"
        return ""


class Rows:
    """A count, and the newest state of each resource, as rows that fit a terminal.

    ``now`` gives seconds; what is going on is shown with the time that goes on with it.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic, total: int = 0) -> None:
        self._now = now
        self._counts = Counts(total, now)
        self._events: dict[Address, tuple[Event, float]] = {}

    def __call__(self, event: Event) -> None:
        self._counts(event)
        self._events[event.address] = (event, self._now())

    def frame(self, most: int) -> list[str]:
        """At most ``most`` lines: the count, then ``lines``."""
        return [self._counts.line(), *self.lines(most - 1)]

    def lines(self, most: int) -> list[str]:
        """At most ``most`` lines: what is going on before what has ended."""
        # Redrawn by a thread of its own, so from a copy.
        rows = sorted(self._events.values(), key=lambda row: _rank(row[0]))
        shown = rows if len(rows) <= most else rows[: most - 1]
        width = max((len(str(event.address)) for event, _ in shown), default=0)
        lines = [self._row(event, since, width) for event, since in shown]
        more = len(rows) - len(shown)
        return [*lines, f"... and {more} more"] if more else lines

    def _row(self, event: Event, since: float, width: int) -> str:
        over = event.what is What.FINISHED
        seconds = event.seconds + (0.0 if over else self._now() - since)
        # The time stands before the message, of which a narrow terminal cuts off the end.
        return f"{event.address!s:{width}}  {duration(seconds):>6}  {state(event)}"


def _rank(event: Event) -> tuple[bool, Address]:
    return (event.what is What.FINISHED, event.address)


@contextmanager
def _redrawn(stream: TextIO, total: int = 0) -> Iterator[Announce]:
    # Imported late: a tenth of a second that a pipe should not pay.
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    rows = Rows(total=total)

    def table() -> RenderableType:
        most = max(3, console.height - 1)
        return Group(*(Text(line, no_wrap=True, overflow="ellipsis") for line in rows.frame(most)))

    # stdout is left alone: the answer goes there, and may well be a pipe.
    with Live(get_renderable=table, console=console, transient=True, redirect_stdout=False):
        yield rows
