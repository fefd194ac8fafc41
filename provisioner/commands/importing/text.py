"""What an import made, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioner.commands.importing.result import FileStatus, ImportedResource, ImportResult
from provisioner.rendering.file_diff import diff_of
from provisioner.rendering.text import harmless, harmless_line

WIDEST = 60
"""Columns for the names of files."""
SYMBOLS = {FileStatus.NEW: "+", FileStatus.CHANGED: "~", FileStatus.SAME: "="}
WORDS = {FileStatus.NEW: "new", FileStatus.CHANGED: "changed", FileStatus.SAME: "as it was"}


def text(imported: ImportResult) -> str:
    """A line for each resource, what is left out below it; the counts at the end."""
    rows = list(imported.outcomes)
    width = min(max((len(one.file) for one in rows), default=0), WIDEST)
    found = [line for one in rows for line in _row(one, width)]
    counts = {fate: sum(one.fate is fate for one in rows) for fate in FileStatus}
    words = ", ".join(f"{number} {WORDS[fate]}" for fate, number in counts.items())
    return "\n".join((*found, *[""] * bool(found), f"Manifests: {words}")) + "\n"


def _row(one: ImportedResource, width: int) -> Iterator[str]:
    file = harmless_line(one.file)
    yield f"{SYMBOLS[one.fate]} {file:{width}}  {harmless_line(one.name)}"
    for said in one.left_out:
        yield f"    not in it: {harmless_line(said)}"


def files(imported: ImportResult) -> str:
    """The new and changed files themselves, one after the other, each below its name."""
    found = imported.files.values()
    several = len(found) > 1
    texts = (f"# {one.file}\n{one.text}" if several else one.text for one in found)
    return harmless("---\n".join(texts))


def diff(imported: ImportResult) -> str:
    """The new and changed files as one unified diff; ``""`` where there are none."""
    return "".join(
        diff_of(one.file, one.before, one.text, new=one.fate is FileStatus.NEW)
        for one in imported.files.values()
    )


def to_json(imported: ImportResult) -> dict[str, Any]:
    """``{"resources": [...], "files": {...}, "problems": [...], "next": [...]}``."""
    return {
        "resources": [
            {
                "address": str(one.address),
                "name": one.name,
                "file": one.file,
                "fate": one.fate.value,
                "left_out": list(one.left_out),
            }
            for one in imported.outcomes
        ],
        "files": {name: one.text for name, one in imported.files.items()},
        "problems": [
            {"code": one.code, "message": one.message, "hint": one.hint, "subject": one.subject}
            for one in imported.problems
        ],
        "notes": list(imported.notes),
        "next": list(imported.next),
    }
