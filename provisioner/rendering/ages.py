"""How long ago something was, in one word and a number. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

MINUTE_S: Final = 60
HOUR_S: Final = 60 * MINUTE_S
DAY_S: Final = 24 * HOUR_S
# Largest first; a year is told in days up to two of them.
UNITS: Final = ((730 * DAY_S, 365 * DAY_S, "year"), (DAY_S, DAY_S, "day"))
SHORT_UNITS: Final = ((HOUR_S, HOUR_S, "hour"), (MINUTE_S, MINUTE_S, "min"))


def age(at: str, now: datetime) -> str:
    """``3 days`` between ``at``, an RFC 3339 time, and ``now``; ``""`` where there is none.

    Less than a minute is ``just now``, and so is the future: clocks differ.
    """
    if not at:
        return ""
    passed_s = int((now - datetime.fromisoformat(at)).total_seconds())
    for least_s, unit_s, word in (*UNITS, *SHORT_UNITS):
        if passed_s >= least_s:
            number = passed_s // unit_s
            return f"{number} {word}" + ("" if number == 1 or word == "min" else "s")
    return "just now"
