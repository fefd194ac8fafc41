"""The ways that requests to one resource take, for pictures: what a kind says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Branch:
    """One way: ``name`` in the manifest, ``serves`` what is behind it, in words.

    ``share`` is the percentage of requests that goes this way; ``fallback`` says that
    requests come here when another way has failed. ``secrets`` are the names of the scopes
    that this way takes secrets from.
    """

    name: str
    serves: str
    share: int
    fallback: bool = False
    secrets: tuple[str, ...] = ()


Topology = tuple[Branch, ...]
"""All ways of one resource; none where requests do not branch."""


class LogSource(StrEnum):
    """Which log of a served entity: of its deployment, or of its running server."""

    BUILD = "build"
    SERVER = "server"
