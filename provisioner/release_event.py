"""A change of one released variable in one environment, as words that are rendered."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.release import Released, Value


@dataclass(frozen=True, slots=True)
class ReleaseEvent:
    """``released`` is the entry after it, ``before`` the value so far.

    ``commit``, ``author``, ``committed_at`` (RFC 3339) and ``subject`` are of the commit that
    brought it, ``""`` where git does not know it: not committed, or no git.
    """

    environment: str
    variable: str
    released: Released
    before: Value | None = None
    commit: str = ""
    author: str = ""
    committed_at: str = ""
    subject: str = ""

    @property
    def at(self) -> str:
        """When it was written, or else committed; ``""`` where nobody knows."""
        return self.released.at or self.committed_at


@dataclass(frozen=True, slots=True)
class History:
    """Events newest first. ``by_git``: git knows the files; ``shallow``: not all of them."""

    events: tuple[ReleaseEvent, ...]
    by_git: bool = True
    shallow: bool = False
