"""What a resource serves and the ways that requests take, what it provisions, and what that costs.

A capacity is known offline and exactly. Prices are numbers of the project, with a date: what is
used, and so what pay-per-token costs, is not known before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, NamedTuple

from provisioner.model.paths import Path


@dataclass(frozen=True, slots=True)
class Served:
    """``share`` is the percentage of the traffic, ``since`` RFC 3339 in UTC.

    ``version`` and ``since`` are ``""`` where there is none or the service does not tell.
    ``dbus`` are the DBUs an hour, at least and at most, where the service tells them.
    """

    name: str
    model: str
    version: str
    share: int
    since: str
    dbus: tuple[float, ...] = ()

    @property
    def what(self) -> str:
        """The model with its version, for people."""
        return f"{self.model} v{self.version}" if self.version else self.model


@dataclass(frozen=True, slots=True)
class Branch:
    """One way: ``name`` in the manifest, ``serves`` what is behind it, in words.

    ``share`` is the percentage of requests that goes this way; ``fallback`` says that
    requests come here when another way has failed. ``secrets`` are the names of the scopes
    that this way takes secrets from.
    """

    name: str
    serves: str
    share: int
    fallback: bool = False
    secrets: tuple[str, ...] = ()


Topology = tuple[Branch, ...]
"""All ways of one resource; none where requests do not branch."""


class LogSource(StrEnum):
    """Which log of a served entity: of its deployment, or of its running server."""

    BUILD = "build"
    SERVER = "server"


class CapacityUnit(StrEnum):
    """What a capacity is counted in.

    ``SIZE``: entities with a size that only the workspace knows; their concurrency is not known.
    """

    CONCURRENCY = "concurrency"
    TOKENS = "tokens_per_second"
    MODEL_UNITS = "model_units"
    SIZE = "size"


@dataclass(frozen=True, slots=True, order=True)
class Provision:
    """A range of capacity: ``least`` is always provisioned, ``most`` is what it grows to.

    ``workload_type`` is ``""`` where the unit has none, ``size`` is for ``CapacityUnit.SIZE``.
    With ``scales_to_zero`` nothing is provisioned while nobody asks, whatever ``least`` is.
    """

    unit: CapacityUnit
    workload_type: str = ""
    size: str = ""
    scales_to_zero: bool = False
    least: int = 0
    most: int = 0

    @property
    def group(self) -> tuple[CapacityUnit, str, str, bool]:
        """Provisions of one group can be added up."""
        return self.unit, self.workload_type, self.size, self.scales_to_zero

    @property
    def text(self) -> str:
        """``concurrency 4-16 on CPU (always on)``."""
        return self._text(f"{self.least:,}-{self.most:,}", f"{self.most:,}")

    @property
    def signed_text(self) -> str:
        """The same for a change: ``concurrency +4 to +12 on CPU (always on)``."""
        same = self.least == self.most
        ends = f"{self.most:+,}" if same else f"{self.least:+,} to {self.most:+,}"
        return self._text(ends, f"{self.most:+,}")

    def _text(self, ends: str, number: str) -> str:
        mode = "scales to zero" if self.scales_to_zero else "always on"
        words = {
            CapacityUnit.CONCURRENCY: f"concurrency {ends} on {self.workload_type}",
            CapacityUnit.TOKENS: f"{ends} tokens/s",
            CapacityUnit.MODEL_UNITS: f"{number} model units",
            CapacityUnit.SIZE: f"{number} of size `{self.size}` on {self.workload_type}",
        }
        return f"{words[self.unit]} ({mode})"


Capacity = tuple[Provision, ...]
"""One provision for each group, sorted; nothing provisioned is the empty one."""


class EntityCapacity(NamedTuple):
    """What one part of a resource provisions; ``at`` is the part's path in the document."""

    at: Path
    provision: Provision


@dataclass(frozen=True, slots=True)
class CapacityChange:
    """What a step does to a capacity.

    ``during`` is what is provisioned at most while the step is carried out: the old and the
    new deployment are both there, and both are paid for. It is empty where nothing is paid twice.
    """

    before: Capacity = ()
    after: Capacity = ()
    during: Capacity = ()

    @property
    def difference(self) -> Capacity:
        """``after`` less ``before``: what comes is above zero, what goes is below."""
        gone = (replace(each, least=-each.least, most=-each.most) for each in self.before)
        return summed((*self.after, *gone))

    def __bool__(self) -> bool:
        return bool(self.before or self.after or self.during)


def summed(provisions: Iterable[Provision]) -> Capacity:
    """The sum of ``provisions`` for each group that has any."""
    groups: dict[object, Provision] = {}
    for each in provisions:
        known = groups.get(each.group)
        groups[each.group] = (
            replace(each, least=known.least + each.least, most=known.most + each.most)
            if known
            else each
        )
    return tuple(sorted(each for each in groups.values() if each.least or each.most))


def total(changes: Iterable[CapacityChange | None]) -> CapacityChange:
    """The sum over several resources.

    ``during`` is as if all were carried out at the same time, which `apply` may do: a resource
    of which nothing is paid twice has the larger of its two sides there.
    """
    given = [change for change in changes if change]
    whole = CapacityChange(
        summed(each for change in given for each in change.before),
        summed(each for change in given for each in change.after),
    )
    if not any(change.during for change in given):
        return whole
    return replace(whole, during=summed(each for change in given for each in _highest(change)))


def _highest(change: CapacityChange) -> Capacity:
    if change.during:
        return change.during
    sides = (change.before, change.after)
    return max(sides, key=lambda side: sum(each.most for each in side))


def capacity_text(capacity: Capacity) -> str:
    """``concurrency 4-4 on CPU (always on) + 50 model units (always on)``; ``nothing``."""
    return " + ".join(each.text for each in capacity) or "nothing"


def difference_text(change: CapacityChange) -> str:
    """The difference in words; ``nothing`` where both sides are the same."""
    return " + ".join(each.signed_text for each in change.difference) or "nothing"


class Cost(NamedTuple):
    """Money an hour, from what is always provisioned to what it grows to.

    ``unpriced`` names what the prices do not have: that is not in the amounts.
    """

    least: float
    most: float
    unpriced: tuple[str, ...] = ()


DEFAULT_CURRENCY: Final = "USD"


@dataclass(frozen=True, slots=True)
class Prices:
    """A team's own prices, as of ``date``.

    ``dbu`` is the price of a DBU. The others are DBUs an hour: of one request at a time on a
    workload type, of one token a second, of one model unit. None: not given.
    """

    date: str
    dbu: float
    currency: str = DEFAULT_CURRENCY
    concurrency: Mapping[str, float] = field(default_factory=dict)
    tokens_per_second: float | None = None
    model_units: float | None = None

    def cost(self, capacity: Capacity) -> Cost:
        """What ``capacity`` costs an hour."""
        least = most = 0.0
        unpriced: list[str] = []
        for each in capacity:
            dbus = self._dbus(each)
            if dbus is None:
                unpriced.append(each.workload_type or each.unit.value)
                continue
            # What scales to zero may cost nothing: it is not known before whether requests come.
            least += 0 if each.scales_to_zero else each.least * dbus * self.dbu
            most += each.most * dbus * self.dbu
        return Cost(least, most, tuple(dict.fromkeys(unpriced)))

    def cost_text(self, capacity: Capacity) -> str:
        """``0.28 to 1.12 USD/h``, with what is not in it."""
        cost = self.cost(capacity)
        ends = f"{cost.least:,.2f}"
        ends += f" to {cost.most:,.2f}" if f"{cost.most:,.2f}" != ends else ""
        missing = (
            f" without {', '.join(cost.unpriced)}, which has no price" if cost.unpriced else ""
        )
        return f"{ends} {self.currency}/h{missing}"

    def _dbus(self, provision: Provision) -> float | None:
        if provision.unit is CapacityUnit.CONCURRENCY:
            return self.concurrency.get(provision.workload_type)
        if provision.unit is CapacityUnit.TOKENS:
            return self.tokens_per_second
        return self.model_units if provision.unit is CapacityUnit.MODEL_UNITS else None
