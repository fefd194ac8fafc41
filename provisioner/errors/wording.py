"""Words that many messages share: lists of names and counted nouns."""

from __future__ import annotations

from collections.abc import Iterable


def listed(names: Iterable[object], nothing: str = "") -> str:
    """Returns the names in backticks, with commas; ``nothing`` where there are none."""
    return ", ".join(f"`{name}`" for name in names) or nothing


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun: ``1 file``, ``2 files``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
