"""What is live, or stands in another tool's files, as a manifest would describe it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from provisioner.errors import Problem
from provisioner.model.plan import Address

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
