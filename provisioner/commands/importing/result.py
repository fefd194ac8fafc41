"""What is live, or stands in another tool's files, as a manifest would describe it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from provisioner.errors import Problem
from provisioner.model.plan import Address
from provisioner.rendering.markup import diff_of
from provisioner.rendering.text import harmless, harmless_line

if TYPE_CHECKING:
    pass


class FileStatus(StrEnum):
    """What becomes of a file."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class ImportedResource:
    """What an import says about one resource. ``file`` is relative to the project root.

    ``text`` is the whole file as it is to be; ``left_out`` what it cannot hold, in words;
    ``before`` the file as it is, ``""`` where there is none.
    """

    address: Address
    name: str
    file: str
    fate: FileStatus
    text: str = ""
    before: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The result of an import. ``notes`` are for whoever ran it; ``next`` are commands."""

    outcomes: tuple[ImportedResource, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    next: tuple[str, ...] = ()

    @property
    def files(self) -> Mapping[str, ImportedResource]:
        """The files that differ from what is there, by name."""
        return {
            outcome.file: outcome
            for outcome in self.outcomes
            if outcome.fate is not FileStatus.SAME
        }


WIDEST = 60
"""Columns for the names of files."""
SYMBOLS = {FileStatus.NEW: "+", FileStatus.CHANGED: "~", FileStatus.SAME: "="}
WORDS = {FileStatus.NEW: "new", FileStatus.CHANGED: "changed", FileStatus.SAME: "unchanged"}


def text(imported: ImportResult) -> str:
    """A line for each resource, what is left out below it; the counts at the end."""
    rows = list(imported.outcomes)
    width = min(max((len(row.file) for row in rows), default=0), WIDEST)
    lines = [line for row in rows for line in _row(row, width)]
    counts = {fate: sum(row.fate is fate for row in rows) for fate in FileStatus}
    words = ", ".join(f"{number} {WORDS[fate]}" for fate, number in counts.items())
    return "\n".join((*lines, *[""] * bool(lines), f"Manifests: {words}")) + "\n"


def _row(row: ImportedResource, width: int) -> Iterator[str]:
    file = harmless_line(row.file)
    yield f"{SYMBOLS[row.fate]} {file:{width}}  {harmless_line(row.name)}"
    for reason in row.left_out:
        yield f"    not imported: {harmless_line(reason)}"


def files(imported: ImportResult) -> str:
    """The new and changed files themselves, one after the other, each below its name."""
    files = imported.files.values()
    several = len(files) > 1
    texts = (f"# {file.file}\n{file.text}" if several else file.text for file in files)
    return harmless("---\n".join(texts))


def diff(imported: ImportResult) -> str:
    """The new and changed files as one unified diff; ``""`` where there are none."""
    return "".join(
        diff_of(file.file, file.before, file.text, new=file.fate is FileStatus.NEW)
        for file in imported.files.values()
    )


def to_json(imported: ImportResult) -> dict[str, Any]:
    """``{"resources": [...], "files": {...}, "problems": [...], "next": [...]}``."""
    return {
        "resources": [
            {
                "address": str(outcome.address),
                "name": outcome.name,
                "file": outcome.file,
                "fate": outcome.fate.value,
                "left_out": list(outcome.left_out),
            }
            for outcome in imported.outcomes
        ],
        "files": {name: file.text for name, file in imported.files.items()},
        "problems": [
            {
                "code": problem.code,
                "message": problem.message,
                "hint": problem.hint,
                "subject": problem.subject,
            }
            for problem in imported.problems
        ],
        "notes": list(imported.notes),
        "next": list(imported.next),
    }
