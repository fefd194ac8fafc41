"""A line of the status of an environment."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.plan import Address
from provisioner.resource import Readiness
from provisioner.served import Served


@dataclass(frozen=True, slots=True)
class StatusRow:
    """Where one declared resource stands, and what it serves.

    ``changed_at`` is when it was last written, RFC 3339 in UTC; ``""`` where nobody tells.
    """

    address: Address
    name: str
    readiness: Readiness
    serves: tuple[Served, ...] = ()
    changed_at: str = ""
