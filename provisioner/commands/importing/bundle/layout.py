"""What environments share: one manifest with overrides, or a manifest of each of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from provisioner.commands.importing.bundle.documents import Documents
from provisioner.commands.importing.bundle.fold import difference
from provisioner.commands.importing.bundle.targets import Target
from provisioner.kinds import KINDS
from provisioner.manifests.merge import Origin, PlacedValue, laid_over
from provisioner.model.paths import Document
from provisioner.model.plan import Address


@dataclass(frozen=True, slots=True)
class Layout:
    """``shared`` are manifests of all environments; ``own`` those of single ones, by name.

    ``overrides`` are by environment and address what is laid over the shared ones.
    """

    shared: Documents
    own: Mapping[str, Documents]
    overrides: Mapping[str, Mapping[Address, Document]] = field(default_factory=dict)

    def manifests_of(self, environment: str) -> Documents:
        """The manifests that ``environment`` has."""
        return {**self.shared, **self.own.get(environment, {})}


def layout(base: Documents, targets: Sequence[Target]) -> Layout:
    """Decides for each resource whether its environments share a manifest.

    ``base`` are the resources without a target. They share one where its overrides say exactly
    what the targets say; the merge rule cannot say everything that the CLI's can.
    """
    shared: dict[Address, Document] = {}
    own: dict[str, dict[Address, Document]] = {}
    overrides: dict[str, dict[Address, Document]] = {}
    for address in _addresses(targets):
        held = {
            target.name: target.documents[address]
            for target in targets
            if address in target.documents
        }
        under = base.get(address)
        parts = _overrides(address, under, held) if under and len(held) == len(targets) else None
        if under is None or parts is None:
            for name, document in held.items():
                own.setdefault(name, {})[address] = document
            continue
        shared[address] = under
        for name, part in parts.items():
            overrides.setdefault(name, {})[address] = part
    return Layout(shared, own, overrides)


def _addresses(targets: Iterable[Target]) -> Iterable[Address]:
    return dict.fromkeys(address for target in targets for address in target.documents)


def _overrides(
    address: Address, under: Document, held: Mapping[str, Document]
) -> dict[str, Document] | None:
    """What makes ``under`` to each of ``held``; None where an override cannot say it."""
    rules = KINDS[address.kind].schema.rules()
    manifests: dict[str, Document] = {}
    for name, wanted in held.items():
        part = difference(under, wanted, rules)
        # Asked, not assumed: entries of one identity merge here, and the CLI appends them.
        laid = laid_over(PlacedValue(under, Origin("")), PlacedValue(part, Origin("x")), rules)
        if laid.value != wanted:
            return None
        if part:
            manifests[name] = part
    return manifests


def file_pattern(to: str) -> str:
    """The pattern that matches the files of ``to``, such as ``manifests/*.yaml``."""
    return to.replace("{key}", "*").replace("{name}", "*")


def own_place(to: str, environment: str) -> str:
    """Where the files of one environment alone are: a folder of its name."""
    path = PurePosixPath(to)
    return str(path.parent / environment / path.name)
