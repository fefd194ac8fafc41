"""What a resource needs from its workspace before it can be applied there, as data.

A kind says what it needs; ``lookups`` knows how to ask for each sort of need.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol

from provisioner.errors import Finding, Location, Problem
from provisioner.model.paths import Document


class RestrictedName(NamedTuple):
    """One name, and where it stands. ``sort`` is the word of a boundary for such names.

    ``unprefixed`` is the name without the prefix of the environment, where it may have one.
    """

    sort: str
    value: str
    at: Location
    unprefixed: str = ""

    @property
    def spellings(self) -> tuple[str, ...]:
        """The name as in the workspace, and without the prefix."""
        return tuple(dict.fromkeys((self.value, self.unprefixed or self.value)))


class NameRules(Protocol):
    """What the manifests of each folder may name: loading finds names and judges none."""

    def forbidden(self, file: str, names: Sequence[RestrictedName]) -> Iterator[Finding]:
        """Yields a finding for each of ``names`` that the manifest ``file`` may not contain."""
        ...

    def uncovered(self, files: Iterable[str]) -> Iterator[Problem]:
        """Yields a problem for each manifest that no rule is about."""
        ...


class Restriction(NamedTuple):
    """One sort of names that a boundary can restrict: in words, and for the schema."""

    title: str
    description: str


class Release(NamedTuple):
    """A version of a resource of ``kind`` that another resource brings to its users."""

    kind: str
    name: str
    version: str


def no_references(document: Document) -> Iterator[RestrictedName]:
    """For kinds without restrictions."""
    return iter(())


EVERY: Final = "*"
ELSEWHERE: Final = {"elsewhere": ""}


class PrerequisiteType(StrEnum):
    """The sorts of things that are needed, each with what names one."""

    MODEL_VERSION = "model version"  # model, version
    FUNCTION = "function"  # full name
    SECRET = "secret"  # scope, key
    PRINCIPAL = "principal"  # user_name, group_name or service_principal_name; and who
    GRANT = "privilege"  # who ("": the login), type and name of the object, privilege
    ENDPOINT_LEVEL = "permission on an endpoint"  # its name, the level of the login


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """One thing that has to be there; ``at`` is where the document asks for it.

    ``source``: the document itself brings it, from there (``{"from_env": "X"}``), or it is
    kept where no call can look (``ELSEWHERE``); a name that ends with ``EVERY`` then
    stands for all that begin like it. ``unless``: not needed where this resource, by kind and
    name, is there. ``is_provided``: applying the document brings it, so it need not exist.
    """

    need: PrerequisiteType
    name: tuple[str, ...]
    at: Location
    source: Mapping[str, str] = field(default_factory=dict)
    unless: tuple[str, str] | None = None
    is_provided: bool = False


def nothing(document: Document) -> Iterator[Any]:
    """For kinds that need nothing."""
    return iter(())
