"""A line of the status of an environment."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.plan import Address
from provisioner.resource import Readiness


@dataclass(frozen=True, slots=True)
class StatusRow:
    """Where one declared resource stands, and in lines what it serves."""

    address: Address
    name: str
    readiness: Readiness
    serves: tuple[str, ...] = ()
