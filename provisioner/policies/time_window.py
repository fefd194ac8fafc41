"""When a policy holds: weekdays and hours in a time zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """``start`` to before ``end`` on each of ``weekdays``; an end at or before the start is
    on the next day, which the weekday of the start counts for. ``words`` are for people.
    """

    weekdays: frozenset[int]
    start: time
    end: time | None
    zone: ZoneInfo
    words: str

    def covers(self, moment: datetime) -> bool:
        """Whether ``moment``, with its time zone, is inside."""
        local = moment.astimezone(self.zone)
        clock = local.time()
        if self.end is None or self.start < self.end:
            inside = clock >= self.start and (self.end is None or clock < self.end)
            return inside and local.weekday() in self.weekdays
        if clock >= self.start:
            return local.weekday() in self.weekdays
        return clock < self.end and (local.weekday() - 1) % 7 in self.weekdays


def time_window(data: Mapping[str, Any]) -> TimeWindow:
    """The window that a policy's ``when`` describes, whose shape is right.

    Raises ValueError for a time zone that this machine does not know.
    """
    name = data.get("time_zone", "UTC")
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as error:
        raise ValueError(f"this machine does not know the time zone `{name}`") from error
    days = data.get("weekdays", WEEKDAYS)
    start, end = data.get("from", "00:00"), data.get("to", "")
    until = f" to {end}" if end else ""
    words = f"{', '.join(days)} from {start}{until} {name}"
    return TimeWindow(
        frozenset(map(WEEKDAYS.index, days)),
        time.fromisoformat(start),
        time.fromisoformat(end) if end else None,
        zone,
        words,
    )
