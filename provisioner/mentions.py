"""What a resource names that teams who share a repository may be restricted in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from provisioner.errors import Location
from provisioner.semantics import Document


class Mention(NamedTuple):
    """One name, and where it stands. ``sort`` is the word of a boundary for such names."""

    sort: str
    value: str
    at: Location


class Restriction(NamedTuple):
    """One sort of names that a boundary can restrict: in words, and for the schema."""

    title: str
    description: str


def no_mentions(document: Document) -> Iterator[Mention]:
    """For kinds that nobody is restricted in."""
    return iter(())
