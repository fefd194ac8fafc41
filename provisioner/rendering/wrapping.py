"""Texts broken into lines of so many columns, also where characters take two. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.rendering.values import columns


def wrapped(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` columns, broken at blanks where there are some.

    Line breaks stay, and so does what a line begins with.
    """
    return [line for part in text.split("\n") for line in _lines(part, max(width, 2))] or [""]


def _lines(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in _words(text):
        if columns(line + word.rstrip()) <= width:
            line += word
            continue
        if line.strip():
            yield line.rstrip()
        *full, line = _pieces(word, width)
        yield from full
    yield line.rstrip()


def _words(text: str) -> Iterator[str]:
    """Words with the blanks behind them; what is before the first one belongs to it."""
    start = 0
    for end in range(1, len(text)):
        if text[end - 1] == " " != text[end] and text[start:end].strip():
            yield text[start:end]
            start = end
    yield text[start:]


def _pieces(word: str, width: int) -> list[str]:
    """``word`` cut into what fits; only its last piece may have blanks behind it."""
    pieces, piece, used = [], "", 0
    for character in word:
        taken = columns(character)
        if used + taken > width and character != " ":
            pieces.append(piece)
            piece, used = "", 0
        piece, used = piece + character, used + taken
    return [*pieces, piece]
