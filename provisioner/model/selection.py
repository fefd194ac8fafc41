"""Which of the declared and live resources a command is about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from provisioner.errors import UsageError
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.model.plan import Address
from provisioner.model.resource import Resource


@dataclass(frozen=True, slots=True)
class Selection:
    """Which resources a command is about: all of them, unless it is narrowed.

    ``patterns`` are words of the command line: a key, address or name, or a glob of one.
    ``addresses`` are resources that the tool itself has found (None: no such limit). With
    both, a resource has to be in both. ``orphans`` are (kind name, resource name) of live
    resources without a manifest that ``addresses`` covers too.
    """

    patterns: tuple[str, ...] = ()
    addresses: frozenset[Address] | None = None
    orphans: frozenset[tuple[str, str]] = frozenset()

    def __bool__(self) -> bool:
        """Whether it is narrowed, as an option is true when it was given."""
        return bool(self.patterns) or self.addresses is not None

    @classmethod
    def of_words(cls, words: Iterable[str]) -> Selection:
        """The selection of ``--select``; each word may hold several, separated by commas."""
        return cls(tuple(part for word in words for part in word.split(",") if part))

    @classmethod
    def of_addresses(cls, addresses: Iterable[Address]) -> Selection:
        """Exactly the resources with these addresses, and no orphan."""
        return cls(addresses=frozenset(addresses))

    def choose(self, resources: Sequence[Resource]) -> tuple[Resource, ...]:
        """The selected ones of ``resources``, in their order.

        Raises UsageError for a pattern that names nothing: a typo must not plan an empty set.
        """
        for pattern in self.patterns:
            if not any(_matches(resource, pattern) for resource in resources):
                hint = _hint(resources, pattern)
                raise UsageError.of("E801", f"`{pattern}` matches no resource", hint)
        return tuple(resource for resource in resources if self._covers(resource))

    def covers_orphan(self, kind: str, name: str) -> bool:
        """Whether a live resource that no manifest declares is selected; patterns never do."""
        if self.patterns:
            return False
        return self.addresses is None or (kind, name) in self.orphans

    def _covers(self, resource: Resource) -> bool:
        if self.addresses is not None and resource.address not in self.addresses:
            return False
        return not self.patterns or any(_matches(resource, each) for each in self.patterns)


EVERYTHING: Final = Selection()
"""All declared resources, and all orphans."""


def check_rotated(holders: Iterable[Resource], addresses: Iterable[str]) -> None:
    """Raise UsageError for an address to rotate that none of ``holders`` of secrets has.

    A key may follow in brackets. A typo must not read as "rotated".
    """
    resources = tuple(holders)
    known = {str(resource.address) for resource in resources}
    for address in sorted(addresses):
        if address.split("[")[0] not in known:
            raise UsageError.of("E812", f"`{address}` cannot be rotated", _hint(resources, address))


def check_redeployed(deployed: Iterable[Resource], addresses: Iterable[str]) -> None:
    """Raise UsageError for an address to redeploy that none of ``deployed`` has."""
    resources = tuple(deployed)
    known = {str(resource.address) for resource in resources}
    for address in sorted(set(addresses) - known):
        hint = _hint(resources, address)
        raise UsageError.of("E819", f"`{address}` cannot be redeployed", hint)


def _words(resource: Resource) -> tuple[str, ...]:
    address = resource.address
    # `chat` and its address mean all elements of the block `chat`, too.
    block = (address.block.key, str(address.block)) if address.block != address else ()
    return (address.key, str(address), resource.name, *block)


def _matches(resource: Resource, pattern: str) -> bool:
    return any(fnmatchcase(word, pattern) for word in _words(resource))


def _hint(resources: Sequence[Resource], pattern: str) -> str:
    known = [word for resource in resources for word in _words(resource)]
    declared = ", ".join(sorted({str(r.address) for r in resources})[:8])
    return did_you_mean(pattern, known, f"the manifests declare {declared or 'none'}")
