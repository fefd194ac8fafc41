"""What is live, or stands in another tool's files, as a manifest would describe it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from provisioner.errors import Location, Problem
from provisioner.plan import Address
from provisioner.semantics import Document

if TYPE_CHECKING:
    from provisioner.resource import Live


@dataclass(frozen=True, slots=True)
class Portrait:
    """A resource in manifest vocabulary, without what nobody has to write.

    Texts are as they are: a ``${`` in one is no reference yet. A value that only somebody
    else knows is ``{"$secret": {"from_env": NAME}}``. ``comments`` are lines that stand above
    the part at a place. ``left_out`` names what the manifest cannot hold, and why.
    """

    document: Document
    comments: Mapping[Location, Sequence[str]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StateEntry:
    """One instance of a resource in a Terraform state.

    ``address`` is what a ``removed`` block takes, which is without the key of an instance;
    ``instance`` is its full address.
    """

    type: str
    address: str
    instance: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one kind makes of a Terraform state: a portrait, and the entries that are in it."""

    name: str
    portrait: Portrait
    entries: tuple[StateEntry, ...]


@dataclass(frozen=True, slots=True)
class Importer:
    """How a kind describes what it did not create.

    ``asked`` is a document that makes a driver read all that can be described. ``portray``
    takes the live resource and the words that names of environment variables begin with.
    ``provided``: a resource of this name is the service's own. ``from_terraform`` takes the
    entries of a state and claims those of its kind.
    """

    portray: Callable[[Live, str], Portrait]
    asked: Document = field(default_factory=dict)
    provided: Callable[[str], bool] = lambda name: False
    from_terraform: Callable[[Sequence[StateEntry]], Sequence[Claimed]] = lambda entries: ()


class Fate(StrEnum):
    """What becomes of a file."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import says about one resource. ``file`` is relative to the project root.

    ``text`` is the whole file as it is to be; ``left_out`` what it cannot hold, in words;
    ``before`` the file as it is, ``""`` where there is none.
    """

    address: Address
    name: str
    file: str
    fate: Fate
    text: str = ""
    before: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import. ``notes`` are for whoever ran it; ``next`` are commands."""

    outcomes: tuple[Outcome, ...] = ()
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    next: tuple[str, ...] = ()

    @property
    def files(self) -> Mapping[str, Outcome]:
        """The files that differ from what is there, by name."""
        return {one.file: one for one in self.outcomes if one.fate is not Fate.SAME}


def variable_name(text: str) -> str:
    """``text`` as the name of an environment variable."""
    name = re.sub(r"[^A-Z0-9]+", "_", text.upper(), flags=re.ASCII).strip("_")
    return name if name[:1].isalpha() else f"KEY_{name}"
