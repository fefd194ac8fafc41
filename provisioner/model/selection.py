"""Which resources are meant by ``--select``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from provisioner.errors import UsageError
from provisioner.errors.wording import did_you_mean
from provisioner.model.plan import Address
from provisioner.model.resource import Resource


@dataclass(frozen=True, slots=True)
class Exactly:
    """The resources with these addresses, and of the orphans those that had a manifest.

    ``former`` are (kind name, resource name).
    """

    addresses: frozenset[Address] = frozenset()
    former: frozenset[tuple[str, str]] = frozenset()


def selected(resources: Sequence[Resource], patterns: Sequence[str]) -> tuple[Resource, ...]:
    """The resources that any of ``patterns`` names: key, address, name, or a glob of one.

    No pattern selects all. A pattern may hold several, separated by commas. Raises
    UsageError for a pattern that names nothing: a typo must not plan an empty set.
    """
    wanted = [part for pattern in patterns for part in pattern.split(",") if part]
    if not wanted:
        return tuple(resources)
    for pattern in wanted:
        if not any(_meant(resource, pattern) for resource in resources):
            raise UsageError.of("E801", f"`{pattern}` selects nothing", _hint(resources, pattern))
    return tuple(r for r in resources if any(_meant(r, pattern) for pattern in wanted))


def check_rotated(resources: Sequence[Resource], addresses: Iterable[str]) -> None:
    """Raise UsageError for an address to rotate that no resource has.

    A key may follow in brackets. A typo must not read as "rotated".
    """
    known = {str(resource.address) for resource in resources}
    for address in sorted(addresses):
        if address.split("[")[0] not in known:
            raise UsageError.of("E812", f"`{address}` cannot be rotated", _hint(resources, address))


def _words(resource: Resource) -> tuple[str, str, str]:
    return (resource.address.key, str(resource.address), resource.name)


def _meant(resource: Resource, pattern: str) -> bool:
    return any(fnmatchcase(word, pattern) for word in _words(resource))


def _hint(resources: Sequence[Resource], pattern: str) -> str:
    known = [word for resource in resources for word in _words(resource)]
    declared = ", ".join(sorted({str(r.address) for r in resources})[:8])
    return did_you_mean(pattern, known, f"the manifests declare {declared}")
