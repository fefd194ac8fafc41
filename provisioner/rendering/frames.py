"""Frames of text that are drawn over each other on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def redrawn(stream: TextIO) -> Iterator[Callable[[str], None]]:
    """Gives a function that draws a frame, ANSI colours included, in place of the last one."""
    # Imported late: a tenth of a second that a pipe should not pay.
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console = Console(file=stream, highlight=False, markup=False, emoji=False)
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:

        def draw(frame: str) -> None:
            drawn = Text.from_ansi(frame, no_wrap=True, overflow="ellipsis")
            live.update(drawn, refresh=True)

        yield draw
