"""One change, and the two documents that it lies between."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.model.paths import Document
from provisioner.model.plan import FieldAction, FieldChange

Verdict = FieldAction | None
"""None for no opinion."""


@dataclass(frozen=True, slots=True)
class Case:
    """``live`` is the live document, ``desired`` the manifest's."""

    change: FieldChange
    desired: Document
    live: Document

    @property
    def names(self) -> tuple[str, ...]:
        """The names on the path, without the keys of entries."""
        return tuple(segment for segment in self.change.path if isinstance(segment, str))
