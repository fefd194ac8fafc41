"""Settings of a local workspace: its state, its token, how fast it is."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

MEMORY = ":memory:"
# Keys of providers are sent there: never in the clear over a network. No user, no query.
UPSTREAM = re.compile(
    r"(https://[^\s/?#@]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?)(/[^\s?#]*)?",
    re.IGNORECASE,
)
LARGEST_PORT = 65_535
LONGEST_NUMBER = 12


@dataclass(frozen=True, slots=True)
class Transition:
    """When an update ends: after ``polls`` reads and ``seconds``, or ``on_command`` only."""

    polls: int = 0
    seconds: float = 0.0
    on_command: bool = False

    @classmethod
    def parse(cls, text: str) -> Transition:
        """Reads ``immediate``, ``command``, ``polls=N`` or ``seconds=S``. Raises ValueError."""
        unit, _, amount = text.partition("=")
        if text == "immediate":
            return cls()
        if text == "command":
            return cls(on_command=True)
        if unit == "polls" and _is_number(amount):
            return cls(polls=int(amount))
        if unit == "seconds" and _is_number(amount.replace(".", "", 1)):
            return cls(seconds=float(amount))
        raise ValueError(
            f"transition must be immediate, command, polls=N or seconds=S, not {text!r}"
        )


def _is_number(text: str) -> bool:
    """Digits of ASCII, as many as a time or a count can need."""
    return text.isdecimal() and text.isascii() and len(text) < LONGEST_NUMBER


@dataclass(frozen=True, slots=True)
class Settings:
    """``port`` 0 takes a free one, an empty ``token`` makes a random one.

    ``certificate`` is a certificate file and a key file; with it the server speaks TLS.
    ``upstream`` is the base URL of an OpenAI-compatible server that answers queries, for instance
    ``http://127.0.0.1:11434/v1``; ``upstream_model`` is asked there whatever an entity names.
    ``keeps_omitted_traffic``: a config update without a traffic split keeps the old one, which
    nobody knows of the service; for tests of clients that must be right either way.
    ``shuffle`` answers lists in another order than they were sent, as the service may.
    ``strict`` refuses what breaks a rule of the service that is only assumed.
    """

    state: Literal[":memory:"] | str | Path = MEMORY
    port: int = 0
    token: str = field(default="", repr=False)
    transition: str = "immediate"
    latency_ms: int = 0
    certificate: tuple[str | Path, str | Path] | None = None
    upstream: str = ""
    upstream_model: str = ""
    keeps_omitted_traffic: bool = False
    strict: bool = False
    shuffle: bool = True

    def completed(self) -> Settings:
        """Returns the settings with a token. Raises ValueError for a setting without sense."""
        Transition.parse(self.transition)
        if not 0 <= self.port <= LARGEST_PORT:
            raise ValueError(f"port must be between 0 and {LARGEST_PORT}")
        if self.latency_ms < 0:
            raise ValueError("latency_ms must not be negative")
        if self.upstream and not UPSTREAM.fullmatch(self.upstream):
            raise ValueError("upstream must be https://..., or http://... on the loopback")
        if self.upstream_model and not self.upstream:
            raise ValueError("upstream_model needs upstream")
        # The prefix of a personal access token, so that scanners of logs recognise it.
        return self if self.token else replace(self, token=f"dapi{secrets.token_hex(16)}")
