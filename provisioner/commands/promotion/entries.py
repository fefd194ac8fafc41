"""What a pin or a promotion writes about one variable. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from provisioner.model.release import Alias, Released, Value

SHORT_COMMIT: Final = 12
DIRTY: Final = "+"


@dataclass(frozen=True, slots=True)
class Stamp:
    """When and from which state of the project: ``now`` in UTC, ``commit`` a hash or ``""``."""

    now: datetime
    commit: str = ""

    @property
    def at(self) -> str:
        """The time as RFC 3339."""
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def short(self) -> str:
        """The hash shortened; its ``+`` for files that differ from the commit stays."""
        dirty = DIRTY if self.commit.endswith(DIRTY) else ""
        return self.commit.removesuffix(DIRTY)[:SHORT_COMMIT] + dirty


def pinned(known: Released | None, value: Value, alias: Alias, stamp: Stamp) -> Released:
    """The entry of a variable whose alias stands for ``value`` now."""
    known = known or Released()
    return Released(
        value=value,
        previous=known.value,
        alias=str(alias),
        commit=stamp.short,
        at=stamp.at,
        rejected=_without(known.rejected, value),
    )


def promoted(known: Released, value: Value, source: str, stamp: Stamp, verified: str) -> Released:
    """The entry of a variable that takes ``value`` from the environment ``source``.

    ``known.value`` is what it was worth so far, wherever that was written.
    """
    return Released(
        value=value,
        previous=known.value,
        source=source,
        commit=stamp.short,
        at=stamp.at,
        verified=verified,
        rejected=_without(known.rejected, value),
    )


def _without(values: tuple[Value, ...], value: Value) -> tuple[Value, ...]:
    return tuple(kept for kept in values if kept != value)
