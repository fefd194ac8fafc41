"""Writes a file of the user's repository whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace_file(path: Path, content: str) -> None:
    """Writes ``content`` to ``path``. Another process sees the old file or the new one.

    Folders are made, and the permissions of an existing file are kept. Raises OSError, and
    leaves nothing beside the file then.
    """
    beside = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(content)
        # mkstemp makes the file private; a file of a repository is as readable as any other.
        Path(beside).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(beside).replace(path)
    except OSError:
        if beside:
            Path(beside).unlink(missing_ok=True)
        raise
