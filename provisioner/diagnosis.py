"""What `doctor` finds out, in the words of every stage."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a look at one thing ended. ``UNKNOWN``: nobody can tell, or not yet."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """``about`` is what was looked at, in a word; ``hint`` the way out. Never a secret."""

    about: str
    verdict: Verdict
    message: str
    hint: str = ""
