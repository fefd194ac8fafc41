"""Follows a pattern through the folders, and tells of everything on its way that is lost.

``pathlib`` skips in silence what it may not enter or cannot follow. Here nothing is: a
manifest that is not seen would look like the wish to delete what it declares.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from provisioner.errors import Problem

WILD = "*?["
_ANY_DEPTH = "**"


def walk(root: Path, pattern: str) -> Iterator[str | Problem]:
    """The files below ``root`` that ``pattern`` matches, relative, and what is in the way."""
    return _below(root, PurePosixPath(), PurePosixPath(pattern).parts)


def _below(root: Path, here: PurePosixPath, parts: tuple[str, ...]) -> Iterator[str | Problem]:
    head, rest = parts[0], parts[1:]
    if not any(sign in head for sign in WILD):
        yield from _step(root, here / head, rest)
        return
    try:
        names = sorted(os.listdir(root / here))
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        yield unreadable(here, error)
        return
    if head != _ANY_DEPTH:
        for name in names:
            if fnmatchcase(name, head):
                yield from _step(root, here / name, rest)
        return
    if rest:
        yield from _below(root, here, rest)
    for name in names:
        yield from _deeper(root, here / name, parts)


def _step(root: Path, at: PurePosixPath, rest: tuple[str, ...]) -> Iterator[str | Problem]:
    """One name that fits: a file at the end of the pattern, else a folder to go into."""
    path = root / at
    if not os.path.lexists(path):
        return
    try:
        path.stat()
    except OSError as error:
        yield unreadable(at, error)
        return
    if not is_below(root, path):
        yield _strays(at)
    elif rest and path.is_dir():
        yield from _below(root, at, rest)
    elif not rest and path.is_file():
        yield str(at)
    elif not rest and not path.is_dir():
        yield Problem("E208", f"`{at}` is no file", hint="rename it, or change the pattern")


def _deeper(root: Path, at: PurePosixPath, parts: tuple[str, ...]) -> Iterator[str | Problem]:
    """A name on the way of ``**``: only folders matter, and links to some are not followed."""
    path = root / at
    try:
        is_folder = path.is_dir()
        is_link = path.is_symlink()
        is_gone = is_link and not at.suffix and not path.exists()
    except OSError as error:
        yield unreadable(at, error)
        return
    if is_gone:
        yield Problem("E208", f"`{at}` is a link to nothing", hint="delete the link")
    elif is_folder and is_link and is_below(root, path):
        message = f"`{at}` is a link to a folder, and `**` follows none"
        yield Problem("E208", message, hint="add a pattern for the folder itself")
    elif is_folder and is_link:
        yield _strays(at)
    elif is_folder:
        yield from _below(root, at, parts)


def is_below(root: Path, path: Path) -> bool:
    """Whether ``path`` lies below ``root`` once every symbolic link is followed."""
    return not path.is_symlink() or path.resolve().is_relative_to(root.resolve())


def unreadable(at: PurePosixPath, error: OSError) -> Problem:
    """That what is ``at`` cannot be read, in the words of the operating system."""
    reason = (error.strerror or "it cannot be read").lower()
    return Problem("E208", f"cannot read `{at}`: {reason}")


def _strays(at: PurePosixPath) -> Problem:
    message = f"`{at}` is a link to what is not below the project root"
    return Problem("E204", message, hint="copy it into the project")
