"""In what two environments differ, as immutable data: what `diff` finds and rendering shows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from provisioner.model.paths import Path
from provisioner.model.plan import ABSENT, Address


class Purpose(StrEnum):
    """Whether the difference is wanted, the unwanted ones first.

    ``LEFT_ALONE`` is what no plan would touch: told as data, and counted.
    """

    BY_ACCIDENT = "by accident"
    ON_PURPOSE = "on purpose"
    LEFT_ALONE = "left alone"


@dataclass(frozen=True, slots=True)
class Side:
    """What one environment has, or ABSENT; a secret only as ``{"$secret": …}``.

    ``origin`` is where that was said: ``FILE:LINE``, an option, or ``""``. ``words`` are the
    references that the value is made from (``var.version``). ``note`` tells what is odd, and
    ``declared`` what the manifests want instead.
    """

    value: Any = ABSENT
    origin: str = ""
    words: tuple[str, ...] = ()
    note: str = ""
    declared: Any = ABSENT


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field in which a resource differs."""

    path: Path
    left: Side
    right: Side
    purpose: Purpose
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ResourceDifference:
    """A resource that both environments have. Names are those in the two workspaces."""

    address: Address
    names: tuple[str, str]
    fields: tuple[FieldDifference, ...] = ()

    def of(self, purpose: Purpose) -> tuple[FieldDifference, ...]:
        """The fields that differ for this purpose."""
        return tuple(field for field in self.fields if field.purpose is purpose)


@dataclass(frozen=True, slots=True)
class OnlyHere:
    """A resource that one environment lacks. ``origin`` is where the other declares it."""

    address: Address
    name: str
    environment: str
    origin: str
    reason: str
    purpose: Purpose = Purpose.BY_ACCIDENT


@dataclass(frozen=True, slots=True)
class EnvironmentDiff:
    """Two environments side by side. ``hosts`` is None where only files were compared.

    ``absent`` counts what both declare and neither workspace has.
    """

    project: str
    environments: tuple[str, str]
    resources: tuple[ResourceDifference, ...]
    only: tuple[OnlyHere, ...] = ()
    hosts: tuple[str, str] | None = None
    absent: int = 0

    def fields(self, purpose: Purpose) -> int:
        """How many fields differ for this purpose."""
        return sum(len(resource.of(purpose)) for resource in self.resources)

    @property
    def differing(self) -> Iterator[ResourceDifference]:
        """What differs, resources with accidents first."""
        different = [resource for resource in self.resources if resource.fields]
        yield from sorted(different, key=lambda resource: not resource.of(Purpose.BY_ACCIDENT))

    @property
    def same(self) -> int:
        """How many resources do not differ."""
        return sum(not resource.fields for resource in self.resources)

    @property
    def has_accidents(self) -> bool:
        """Whether anything differs by accident."""
        alone = any(resource.purpose is Purpose.BY_ACCIDENT for resource in self.only)
        return alone or self.fields(Purpose.BY_ACCIDENT) > 0
