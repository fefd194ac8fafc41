"""Shows on stderr what a command is busy with while it reads a workspace."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioner.rendering.activity import ActivityLine

QUIET = frozenset({"-q", "--quiet"})


@contextmanager
def activity_shown(words: list[str]) -> Iterator[None]:
    """Shows the activity of the command line ``words``; nothing with ``--quiet``."""
    if not QUIET.isdisjoint(words):
        yield
        return
    from provisioner.model.activity import observed_by

    with observed_by(LazyActivityLine(no_color="--no-color" in words)):
        yield


class LazyActivityLine:
    """Implements ``model.activity.ActivityObserver``: makes the line at the first task.

    ``--help`` and ``validate`` have no task, and load nothing for it.
    """

    def __init__(self, *, no_color: bool) -> None:
        self._no_color = no_color
        self._line: ActivityLine | None = None

    def started(self, label: str, total: int) -> None:
        """See ``model.activity.ActivityObserver``."""
        self._line = self._line or _activity_line(no_color=self._no_color)
        self._line.started(label, total)

    def advanced(self) -> None:
        """See ``model.activity.ActivityObserver``."""
        if self._line:
            self._line.advanced()

    def waiting(self, reason: str, seconds: float) -> None:
        """See ``model.activity.ActivityObserver``."""
        if self._line:
            self._line.waiting(reason, seconds)

    def ended(self) -> None:
        """See ``model.activity.ActivityObserver``."""
        if self._line:
            self._line.ended()


def _activity_line(*, no_color: bool) -> ActivityLine:
    import shutil

    from provisioner.rendering.activity import ActivityLine

    live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not no_color
    return ActivityLine(sys.stderr, live=live, width=shutil.get_terminal_size((80, 24)).columns)
