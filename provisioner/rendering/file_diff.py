"""Files as they are and as they are to be, as unified diffs."""

from __future__ import annotations

from difflib import unified_diff

from provisioner.rendering.text import harmless


def diff_of(file: str, before: str, after: str, *, new: bool = False) -> str:
    """A unified diff of ``file``; ``new``: there is none yet."""
    lines = unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        "/dev/null" if new else f"a/{file}",
        f"b/{file}",
    )
    return harmless("".join(line if line.endswith("\n") else f"{line}\n" for line in lines))
