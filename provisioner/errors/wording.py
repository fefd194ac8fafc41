"""Words that many messages share: lists of names, counted nouns, and "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache


def listed(names: Iterable[object], nothing: str = "") -> str:
    """Returns the names in backticks, with commas; ``nothing`` where there are none."""
    return ", ".join(f"`{name}`" for name in names) or nothing


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun: ``1 file``, ``2 files``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def closest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Returns the one of ``known`` that is most like ``word``; ``""`` where none is.

    ``cutoff`` is the least likeness, from 0 to 1.
    """
    return _closest(word, tuple(known), cutoff)


# A thousand endpoints may refer to the same scope.
@cache
def _closest(word: str, known: tuple[str, ...], cutoff: float) -> str:
    # Loaded for mistakes alone: no command that succeeds needs it.
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, known, n=1, cutoff=cutoff)), "")


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "", cutoff: float = 0.6) -> str:
    """Returns a hint with the one of ``known`` that is most like ``word``, or ``otherwise``."""
    name = closest(word, known, cutoff)
    return f"did you mean `{name}`?" if name else otherwise
