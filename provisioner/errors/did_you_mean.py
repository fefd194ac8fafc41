"""Which known word a user meant who wrote another, and the hint that says so."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache


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
