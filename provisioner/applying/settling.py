"""How often to read until a write shows, and when what the reads show is final. Pure."""

from __future__ import annotations

from provisioner.resource import Live

SOON_S = (0.2, 0.4, 0.8, 1.6)
SETTLING_S = (*SOON_S, 3.2, 5.0, 5.0, 5.0, 5.0, 5.0)
"""Pauses between reads until a write shows. Half a minute in all: how long the service's
reads may lag is not documented, and a wrong "did not converge" is worse than the wait."""

SETTLED_S = 3.0
"""Reads that show a write and are equal for so long will not show more of it."""


class Reads:
    """The reads after the writes of a step: whether they show those, and since when all of it."""

    def __init__(self, before: Live | None) -> None:
        self._before = self._last = _traces(before)
        self._equal_s = 0.0

    def have_settled(self, live: Live | None, pause_s: float) -> bool:
        """Take in a read that came ``pause_s`` after the one before it."""
        seen = _traces(live)
        self._equal_s = self._equal_s + pause_s if seen == self._last else 0.0
        self._last = seen
        return live is not None and seen != self._before and self._equal_s >= SETTLED_S


def _traces(live: Live | None) -> tuple[str, str]:
    """What of a resource no write leaves as it was."""
    return (live.fingerprint, live.touched) if live else ("", "")
