"""What has been released to an environment: values of variables, and where each is from.

Words only: manifests/ reads them, promotion/ decides about them and writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from provisioner.errors import Position

Value = str | int | float | bool
"""What a released variable can hold: one value, never a list or a mapping."""

FOLDER: Final = "environments/releases"


@dataclass(frozen=True, slots=True)
class Released:
    """One released variable. Without a ``value`` nothing was released so far.

    ``source`` is the environment it was promoted from, ``alias`` the
    ``catalog.schema.model@alias`` it was resolved from, ``rolled_back`` the value that a
    rollback took away: at most one of them is set. ``commit`` is the project's when that was
    written, ``at`` then (RFC 3339, UTC), and ``verified`` what had been checked, in words.
    ``rejected`` are values that were rolled back. ``where`` is its line in the release file.
    """

    value: Value | None = None
    previous: Value | None = None
    source: str = ""
    alias: str = ""
    rolled_back: Value | None = None
    commit: str = ""
    at: str = ""
    verified: str = ""
    rejected: tuple[Value, ...] = ()
    where: Position | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Alias:
    """An alias of a registered model: ``catalog.schema.model@champion``."""

    model: str
    name: str

    def __str__(self) -> str:
        return f"{self.model}@{self.name}"


Releases = Mapping[str, Released]
"""By the name of the variable."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """How an environment takes part: what is released to it, and from where it comes.

    ``soak_s`` is for how long a value has to be unchanged where it comes from.
    """

    released: tuple[str, ...] = ()
    promotes_from: str = ""
    soak_s: int = 0
    releases: Releases = field(default_factory=dict)


def release_path(environment: str) -> str:
    """The release file of ``environment``, relative to the project root."""
    return f"{FOLDER}/{environment}.yaml"
