"""The help of all commands as text, for the usual widths: most of the time of ``--help`` is click.

`make docs-reference` writes ``help_pages.txt``. What has no page there, click answers, and what
is for a terminal: in colour and, where it is long, in a pager.
"""

from __future__ import annotations

import os
import sys

FILE = os.path.join(os.path.dirname(__file__), "help_pages.txt")
# Columns of a terminal: of none, and of each that is wider than the help ever gets.
PIPED, WIDEST = 80, 100
WIDTHS = (PIPED, WIDEST)


def page(arguments: list[str]) -> str | None:
    """The help that ``arguments`` ask for; None if it is no such question, or has no page."""
    path = _path(arguments)
    if path is None or "_PROVISIONER_COMPLETE" in os.environ or _is_for_a_terminal():
        return None
    try:
        with open(FILE, encoding="utf-8") as file:
            pages = file.read()
    except OSError:
        return None
    return pages.partition(heading(min(_columns(), WIDEST), path))[2].partition("\f")[0] or None


def heading(width: int, path: tuple[str, ...]) -> str:
    """What stands before the page of the command ``path``."""
    return f"\f{width} {' '.join(path)}\n"


def _path(arguments: list[str]) -> tuple[str, ...] | None:
    if arguments and arguments[-1] in ("--help", "-h"):
        return tuple(arguments[:-1])
    if arguments[:1] == ["help"]:
        return tuple(arguments[1:])
    return None if arguments else ()


def _is_for_a_terminal() -> bool:
    wishes = [os.environ.get(name, "") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")]
    forced = any(wish not in ("", "0", "false") for wish in wishes)
    return forced or (sys.stdout is not None and sys.stdout.isatty())


def _columns() -> int:
    """What ``shutil.get_terminal_size`` says, without the import of ``shutil``."""
    try:
        columns = int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        columns = 0
    if columns > 0:
        return columns
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or PIPED  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):
        return PIPED
