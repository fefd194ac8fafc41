"""From an environment's files to its desired resources, or to everything wrong with them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from provisioner.errors import FileError, Finding, Problem, Severity, by_place
from provisioner.errors.wording import did_you_mean, listed
from provisioner.manifests import conversion_notes
from provisioner.manifests import unreleased as withheld
from provisioner.manifests.boundaries import Boundaries, boundaries_of
from provisioner.manifests.declaration import Declaration, declared
from provisioner.manifests.envelope import ManifestEntry, entries_of
from provisioner.manifests.files import manifest_files, overlooked, read
from provisioner.manifests.layers import Layers
from provisioner.manifests.lifecycle import ignored_paths
from provisioner.manifests.project import Environment
from provisioner.manifests.references import NoValueError, References, inside_a_text
from provisioner.manifests.removals import RemovedEntry, contradictions, removed_in
from provisioner.manifests.yaml.source import SourceFile, parse, without_collector
from provisioner.model.kind import Declared, Kind
from provisioner.model.paths import Document, path_text
from provisioner.model.plan import Address
from provisioner.model.resource import Removal, Resource


@dataclass(frozen=True, slots=True)
class Loaded:
    """``digest`` covers resources and removals; ``files`` are relative to the project root.

    ``declarations`` are what the resources were made of, in the same order. ``withheld`` are
    those that are left out because nothing was released to the environment so far: not to be
    created, and not to be taken for orphans. ``uses`` has for each variable the addresses
    that are made from it, the withheld ones too. ``notes`` are about how values were read:
    for whoever looks at the files, and not for every plan.
    """

    resources: tuple[Resource, ...]
    warnings: tuple[Problem, ...]
    digest: str
    files: tuple[str, ...]
    removals: tuple[Removal, ...] = ()
    declarations: tuple[Declaration, ...] = ()
    withheld: tuple[Resource, ...] = ()
    uses: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()


def load(root: Path, environment: Environment, kinds: Mapping[str, Kind]) -> Loaded:
    """The resources of ``environment``, sorted by address. Pure but for reading files.

    Raises FileError with all problems of all files.
    """
    files = manifest_files(root, environment.manifests)
    with without_collector():
        layers = Layers.of(environment, kinds)
        said = _read_all(root, files, kinds, layers)
        problems = list(_problems(environment, said, layers))
        problems += _out_of_bounds(boundaries_of(root, kinds.values()), files, said, layers)
        problems += overlooked(root, environment.manifests, files)
        errors = [problem for problem in problems if problem.severity is Severity.ERROR]
        if not errors and not said.declarations and not said.removed:
            errors = [_nothing(environment)]
        if errors:
            raise FileError(errors)
        return _loaded(environment, files, said, layers, problems)


def _problems(environment: Environment, said: _Said, layers: Layers) -> Iterator[Problem]:
    """Everything wrong with the manifests and layers of one environment."""
    yield from said.problems
    yield from layers.problems
    # What a file that cannot be read declares is not known: its overrides may be right.
    if said.is_whole:
        yield from layers.undeclared({one.address for one in said.declarations})
    yield from _repeated(said.declarations)
    yield from contradictions(said.removed, said.declarations)
    yield from _relations(said.declarations)
    yield from withheld.mistakes(layers, environment)


def _loaded(
    environment: Environment,
    files: tuple[str, ...],
    said: _Said,
    layers: Layers,
    warnings: Iterable[Problem],
) -> Loaded:
    declarations = sorted(said.declarations, key=lambda one: one.address)
    whole = tuple(one for one in declarations if not one.lacking)
    resources = tuple(one.resource() for one in whole)
    removals = sorted((one.removal for one in said.removed), key=lambda one: one.address)
    unused = layers.variables.unused()
    left_out = withheld.notes(declarations, environment)
    return Loaded(
        resources,
        tuple(sorted((*warnings, *unused, *left_out), key=by_place)),
        _digest(resources, removals),
        files,
        tuple(removals),
        whole,
        withheld.placeholders(declarations),
        withheld.uses(declarations),
        tuple(conversion_notes.notes(_conversions(declarations, layers))),
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """What all files say, and what is wrong with it so far."""

    declarations: list[Declaration] = field(default_factory=list)
    removed: list[RemovedEntry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether every file could be read, so that what is not there is nowhere."""
        return not self.unread


RESOURCES: Final = "resources"
FREE_TEXTS: Final = ("comment", "description")
"""Texts that are never a part of a name."""


class DeclaredNames:
    """What references in the manifests of one environment stand for, variables too.

    ``${resources.KIND.KEY.FIELD}``, as in bundles, is a name of another declared resource. It
    comes from manifest and layers alone, so it is known before anything is created. ``id`` is
    the name in the workspace, ``name`` the word of the kind's API.
    """

    def __init__(
        self, entries: Iterable[ManifestEntry], kinds: Mapping[str, Kind], layers: Layers
    ) -> None:
        self._entries = {Address(each.kind, each.key): each.document for each in entries}
        self._kinds = kinds
        self._layers = layers
        self._known: dict[Address, Mapping[str, Any]] = {}
        self._open: list[Address] = []

    def value(self, word: str) -> Any:
        """The value of ``${word}``. Raises NoValueError."""
        first, _, rest = word.partition(".")
        if first != RESOURCES:
            return self._layers.variables.value(word)
        kind, _, rest = rest.partition(".")
        key, _, field = rest.partition(".")
        address = Address(kind, key)
        if address not in self._entries:
            hint = did_you_mean(str(address), map(str, self._entries), "declare it in a manifest")
            raise NoValueError("E121", f"no manifest declares `{address}`", hint)
        attributes = self._attributes(address)
        if field not in attributes:
            hint = did_you_mean(field, attributes, f"known are {', '.join(attributes)}")
            raise NoValueError("E121", f"`{word}` is not known before it is created", hint)
        return attributes[field]

    def text(self, word: str) -> str:
        """The value of ``${word}`` as part of a text. Raises NoValueError."""
        written = self._layers.variables.written(f"${{{word}}}")
        return inside_a_text(self.value(word), written, word)

    def _attributes(self, address: Address) -> Mapping[str, Any]:
        if address in self._open:
            circle = " -> ".join(map(str, (*self._open[self._open.index(address) :], address)))
            message = f"the name of `{address}` is made from itself"
            raise NoValueError("E366", message, f"write one of them out: {circle}")
        if address not in self._known:
            self._open.append(address)
            try:
                self._known[address] = dict(self._read(address))
            finally:
                self._open.pop()
        return self._known[address]

    def _read(self, address: Address) -> Iterator[tuple[str, Any]]:
        kind, document = self._kinds[address.kind], self._entries[address]
        texts = {
            name: value
            for name, value in document.items()
            if isinstance(value, str) and name not in FREE_TEXTS
        }
        references = References(self)
        replaced: Document = references.replaced(texts)
        for finding in references.findings:
            raise NoValueError(finding.code, finding.message, finding.hint)
        laid = self._layers.laid(address, replaced, kind).value
        yield from ((name, value) for name, value in laid.items() if isinstance(value, str))
        name = kind.schema.name_of(laid)
        yield "id", name
        yield "name", kind.schema.api_name(laid) if kind.schema.api_name else laid.get("name", name)


def _read_all(root: Path, files: Iterable[str], kinds: Mapping[str, Kind], layers: Layers) -> _Said:
    said = _Said()
    entries: list[tuple[SourceFile, ManifestEntry]] = []
    for file in files:
        try:
            source = parse(file, read(root, file))
        except FileError as error:
            said.problems.extend(error.problems)
            said.unread.append(file)
            continue
        for found in entries_of(source.data, kinds):
            if isinstance(found, Finding):
                said.problems.append(source.problem(found))
            else:
                entries.append((source, found))
        for removed in removed_in(source, kinds, layers):
            if isinstance(removed, Problem):
                said.problems.append(removed)
            else:
                said.removed.append(removed)
    # Only now: a resource may refer to one of another file by its name.
    names = DeclaredNames((entry for _, entry in entries), kinds, layers)
    layers = replace(layers, names=names)
    for source, entry in entries:
        said.declarations.append(declared(source, entry, kinds[entry.kind], layers))
    said.problems.extend(problem for one in said.declarations for problem in one.problems)
    return said


def _repeated(declarations: Iterable[Declaration]) -> Iterator[Problem]:
    """Addresses, and names in the workspace, that more than one resource has."""
    addresses: dict[object, Declaration] = {}
    names: dict[tuple[str, str], Declaration] = {}
    for one in declarations:
        first = addresses.setdefault(one.address, one)
        if first is not one:
            message = f"`{one.address}` is declared twice"
            hint = f"the other one is at {first.where}: keep one, or give this one another key"
            yield from one.placed([Finding((), "E206", message, hint, key=True)])
            continue
        name = (one.kind.name, one.kind.schema.same_name(one.name))
        first = names.setdefault(name, one) if one.name else one
        if first is not one:
            message = f"there is another {one.kind.title} named `{one.name}`"
            hint = f"it is `{first.address}` at {first.where}"
            yield from one.placed([Finding(("name",), "E207", message, hint)])


def _relations(declarations: Iterable[Declaration]) -> Iterator[Problem]:
    """What the kinds say about how fields go together, where the shape is right."""
    good = [one for one in declarations if one.is_good]
    documents: dict[str, dict[str, Document]] = {}
    for one in good:
        documents.setdefault(one.kind.name, {})[one.name] = one.document
    declared_here: Declared = documents
    for one in good:
        yield from one.placed(ignored_paths(one.document, one.kind.schema.rules()))
        yield from one.placed(one.kind.schema.relations(one.document, declared_here))


def _out_of_bounds(
    bounds: Boundaries, files: Iterable[str], said: _Said, layers: Layers
) -> Iterator[Problem]:
    """What teams name that is not theirs."""
    yield from bounds.uncovered(files)
    for one in said.declarations:
        yield from bounds.problems(one)
    for entry in said.removed:
        bare = layers.without_prefix(entry.removal.name, entry.kind)
        yield from bounds.of_removed(entry, bare)


def _conversions(
    declarations: Iterable[Declaration], layers: Layers
) -> Iterator[conversion_notes.PlacedConversion]:
    yield from layers.conversions
    for one in declarations:
        yield from one.conversions


def _nothing(environment: Environment) -> Problem:
    patterns = listed(environment.manifests)
    hint = "no resource at all is never taken as the wish to have nothing"
    return Problem("E209", f"the manifests {patterns} declare no resource", hint=hint)


# The digest is part of every plan, and approvals name it: it depends on documents alone, not on
# files, comments or the order of fields in them.
def _digest(resources: Iterable[Resource], removals: Iterable[Removal]) -> str:
    said: list[list[object]] = [
        [
            str(one.address),
            one.name,
            one.document,
            one.prevent_destroy,
            list(map(path_text, one.ignore_changes)),
        ]
        for one in resources
    ]
    # Only where there are any: what was said before these words existed keeps its digest.
    said += [[str(one.address), "existing"] for one in resources if one.existing]
    said += [[str(one.address), one.name, one.delete] for one in removals]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
