"""Old spellings: where a part of a document in today's spelling stands in its file. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provisioner.errors import Location


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a document is spelled in its file.

    ``moved`` are the locations of old words in the file. ``has`` says whether a location is
    there. With ``moved`` at ``config.served_models`` the value at
    ``config.served_entities[0].name`` stands at ``config.served_models[0].name``.
    """

    moved: tuple[Location, ...]
    has: Callable[[Location], bool]

    def location(self, at: Location) -> Location:
        """Returns where in the file the part at ``at`` of the document stands."""
        if not self.moved or self.has(at):
            return at
        ways = [(*old, *at[end:]) for old in self.moved for end in range(1, len(at) + 1)]
        known = [way for way in ways if self.has(way)]
        return max(known, key=lambda way: _shared(way, at), default=at)

    def name(self, at: Location) -> str:
        """Returns the name in the file of the field at ``at``; ``""`` where it is the same."""
        place = self.location(at)
        if not at or not place or place == at or not isinstance(at[-1], str):
            return ""
        return str(place[-1]) if place in self.moved else ""


def _shared(first: Location, other: Location) -> int:
    """The number of steps from the root on that two locations have in common."""
    count = 0
    for left, right in zip(first, other, strict=False):
        if left != right:
            break
        count += 1
    return count
