"""The entries of ``removed:``: what is to become of resources whose manifests are gone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from provisioner.errors import Finding, Location, Problem
from provisioner.manifests.declaration import Declaration
from provisioner.manifests.envelope import KEY_HINT, REMOVED, RESOURCE_KEY, no_mapping, unknown_kind
from provisioner.manifests.layers import Layers
from provisioner.manifests.references import References
from provisioner.manifests.yaml.source import SourceFile
from provisioner.model import schemas
from provisioner.model.kind import Kind
from provisioner.model.plan import Address
from provisioner.model.resource import Removal


@dataclass(frozen=True, slots=True)
class RemovedEntry:
    """One entry, and the file it stands in."""

    source: SourceFile
    at: Location
    removal: Removal
    kind: Kind

    def problem(self, code: str, message: str, hint: str, field: str = "") -> Problem:
        """A problem at the entry's key, or at one of its fields."""
        at = (*self.at, field) if field else self.at
        finding = Finding(at, code, message, hint, key=not field)
        return self.source.problem(finding, str(self.removal.address))


def removed_in(
    source: SourceFile, kinds: Mapping[str, Kind], layers: Layers
) -> Iterator[RemovedEntry | Problem]:
    """The entries of one manifest, and what is wrong with them."""
    kinds_removed = source.data.get(REMOVED) if isinstance(source.data, dict) else None
    if kinds_removed is None:
        return
    if not isinstance(kinds_removed, dict):
        yield from map(source.problem, no_mapping((), REMOVED, kinds_removed))
        return
    for kind, entries in kinds_removed.items():
        at = (REMOVED, kind)
        if kind not in kinds:
            yield source.problem(unknown_kind(at, kind, kinds))
        # Without a mark of ownership nothing proves that the object is the one meant.
        elif not kinds[kind].is_owned:
            message = f"a {kinds[kind].title} is never deleted, and has no tags"
            yield source.problem(Finding(at, "E214", message, "remove this entry", key=True))
        elif not isinstance(entries, dict):
            yield from map(source.problem, no_mapping(at[:1], kind, entries))
        else:
            for key, entry in entries.items():
                references = References(layers.variables)
                made = references.replaced(entry, (*at, key))
                if references.findings:
                    yield from map(source.problem, references.findings)
                else:
                    for removed in _entry(source, kinds[kind], key, made):
                        yield (
                            _prefixed(removed, layers)
                            if isinstance(removed, RemovedEntry)
                            else removed
                        )


def _entry(
    source: SourceFile, kind: Kind, key: str, entry: Any
) -> Iterator[RemovedEntry | Problem]:
    from provisioner.manifests.schema.check import shape

    at: Location = (REMOVED, kind.name, key)
    if not re.fullmatch(RESOURCE_KEY, key):
        message = f"`{key}` cannot be the key of a resource"
        yield source.problem(Finding(at, "E109", message, KEY_HINT, key=True))
        return
    if not isinstance(entry, dict):
        yield from map(source.problem, no_mapping(at[:2], key, entry))
        return
    address = Address(kind.name, key)
    wrong = [
        source.problem(_moved(finding, at), str(address))
        for finding in shape(entry, schemas.schema("removed"))
    ]
    if wrong:
        yield from wrong
        return
    removal = Removal(address, entry["name"], entry["delete"], source.position(at))
    yield RemovedEntry(source, at, removal, kind)


def _prefixed(entry: RemovedEntry, layers: Layers) -> RemovedEntry:
    name = layers.name(entry.removal.name, entry.kind)
    return replace(entry, removal=replace(entry.removal, name=name))


def _moved(finding: Finding, at: Location) -> Finding:
    return Finding(
        (*at, *finding.at),
        finding.code,
        finding.message,
        finding.hint,
        finding.severity,
        finding.key,
    )


def contradictions(
    entries: Iterable[RemovedEntry], declarations: Iterable[Declaration]
) -> Iterator[Problem]:
    """Entries whose name or key is declared as well, or is removed twice."""
    names = {(declaration.kind.name, declaration.name): declaration for declaration in declarations}
    addresses = {declaration.address: declaration for declaration in names.values()}
    removed_names: dict[tuple[str, str], RemovedEntry] = {}
    removed_addresses: dict[Address, RemovedEntry] = {}
    for entry in entries:
        name = (entry.kind.name, entry.removal.name)
        address = entry.removal.address
        # By name and by address: either of them alone would let one object be removed twice.
        first = removed_names.setdefault(name, entry)
        same_key = removed_addresses.setdefault(address, entry)
        if name in names:
            message = f"`{entry.removal.name}` is removed here, but it is also declared"
            hint = f"it is declared at {names[name].where}: keep one of them"
            yield entry.problem("E212", message, hint, "name")
        elif address in addresses:
            message = f"`{address}` is removed here, but it is also declared"
            hint = f"it is declared at {addresses[address].where}: change the key of this entry"
            yield entry.problem("E212", message, hint)
        elif first is not entry or same_key is not entry:
            other = first if first is not entry else same_key
            message = f"`{entry.removal.name}` is removed twice"
            if other is not first:
                message = f"`{address}` is removed twice"
            yield entry.problem(
                "E213", message, f"it is also removed at {other.removal.where}: keep one of them"
            )
