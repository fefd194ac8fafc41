"""Writes a text file whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace_file(path: Path, content: str) -> None:
    """Writes ``content`` to ``path``. Another process sees the old file or the new one.

    Folders are made, and the permissions of an existing file are kept. A symbolic link is
    followed. Raises OSError, and leaves nothing beside the file then.
    """
    if path.exists() and not path.is_file():
        # A pipe or /dev/stderr has no name to replace: the text goes into it.
        _write_into(path, content)
        return
    # Replacing a link would part the file that it leads to from everybody who shares it.
    target = path.resolve() if path.is_symlink() else path
    beside = ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(content)
        # mkstemp makes the file private; a file of a repository is as readable as any other.
        Path(beside).chmod(target.stat().st_mode & 0o777 if target.exists() else 0o644)
        Path(beside).replace(target)
    except BaseException:
        if beside:
            Path(beside).unlink(missing_ok=True)
        raise


def replace_own_file(path: Path, content: str) -> None:
    """Writes ``content`` to ``path``, a file for its owner alone. A link is replaced.

    For what a command was told to write: a link there may lead anywhere, and was put there by
    whoever may write to the folder. Raises OSError.
    """
    if path.exists() and not path.is_file():
        _write_into(path, content)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(content)
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _write_into(path: Path, content: str) -> None:
    """Writes to /dev/stderr and the like. A pipe without a reader is an error, and no wait."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        os.set_blocking(file.fileno(), True)
        file.write(content)


def append_text(path: Path, content: str) -> None:
    """Adds ``content`` to the end of ``path``, which others write to as well. Raises OSError.

    A pipe without a reader is an error, and no wait.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK
    with os.fdopen(os.open(path, flags, 0o666), "a", encoding="utf-8", newline="") as file:
        os.set_blocking(file.fileno(), True)
        file.write(content)


def create_file(path: Path, content: str | bytes) -> None:
    """Writes ``content`` to the new file ``path``. Folders are made.

    Raises FileExistsError for a file that exists, even if it was created a moment ago, and
    OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
