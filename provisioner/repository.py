"""What git says about the project: the commit, for the plan and the workspace's audit log."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit(root: Path) -> str:
    """The full hash of HEAD, with ``+`` when files differ from it; ``""`` without git."""
    head = _git(root, "rev-parse", "HEAD")
    if not head:
        return ""
    changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ".")
    return f"{head}+" if changed else head


def prefix(root: Path) -> str:
    """What leads from the top of the git repository to ``root``: ``""`` or ``serving/``."""
    return _git(root, "rev-parse", "--show-prefix")


def _git(root: Path, *words: str) -> str:
    command = ["git", "-C", str(root), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
