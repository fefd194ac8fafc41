"""One thing that a live resource serves, in the words of all kinds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Served:
    """``share`` is the percentage of the traffic, ``since`` RFC 3339 in UTC.

    ``version`` and ``since`` are ``""`` where there is none or the service does not tell.
    """

    name: str
    model: str
    version: str
    share: int
    since: str

    @property
    def what(self) -> str:
        """The model with its version, for people."""
        return f"{self.model} v{self.version}" if self.version else self.model
