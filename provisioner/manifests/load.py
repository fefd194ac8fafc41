"""From an environment's files to its desired resources, or to everything wrong with them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from provisioner.errors import FileError, Finding, Problem, Severity, by_place
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.errors.wording import listed
from provisioner.manifests import conversion_notes, for_each
from provisioner.manifests import variable_values as withheld
from provisioner.manifests.declaration import Declaration, declared
from provisioner.manifests.envelope import ManifestEntry, entries_of
from provisioner.manifests.files import manifest_files, overlooked, read
from provisioner.manifests.layers import Layers
from provisioner.manifests.lifecycle import CASES, CaseFiles, ignored_paths
from provisioner.manifests.project import Environment
from provisioner.manifests.references import NoValueError, References, inside_a_text
from provisioner.manifests.removals import RemovedEntry, contradictions, removed_in
from provisioner.manifests.yaml.source import SourceFile, parse, without_collector
from provisioner.model.kind import Declared, Kind
from provisioner.model.paths import Document, path_text
from provisioner.model.plan import Address
from provisioner.model.references import NameRules, RestrictedName
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


def load(
    root: Path,
    environment: Environment,
    kinds: Mapping[str, Kind],
    rules: NameRules | None = None,
) -> Loaded:
    """The resources of ``environment``, sorted by address. Pure but for reading files.

    Raises FileError with all problems of all files, and with what ``rules`` forbid.
    """
    files = manifest_files(root, environment.manifests)
    with without_collector():
        layers = Layers.of(environment, kinds)
        contents = _read_all(root, files, kinds, layers)
        problems = list(_problems(environment, contents, layers))
        problems += _with_cases(root, contents)
        problems += _forbidden(rules, files, contents, layers) if rules else ()
        problems += overlooked(root, environment.manifests, files)
        problems = for_each.merged(problems)
        errors = [problem for problem in problems if problem.severity is Severity.ERROR]
        declares = contents.declarations or contents.removed or contents.emptied
        if not errors and not declares:
            errors = [_nothing(environment)]
        if errors:
            raise FileError(errors)
        return _loaded(environment, files, contents, layers, problems)


def _problems(environment: Environment, contents: _Said, layers: Layers) -> Iterator[Problem]:
    """Everything wrong with the manifests and layers of one environment."""
    yield from contents.problems
    yield from layers.problems
    # What a file that cannot be read declares is not known: its overrides may be right.
    if contents.is_whole:
        yield from layers.undeclared({declaration.address for declaration in contents.declarations})
    yield from _repeated(contents.declarations)
    yield from contradictions(contents.removed, contents.declarations)
    yield from _relations(contents.declarations)
    yield from _alias_circles(contents.declarations, layers)
    yield from withheld.mistakes(layers, environment)


def _loaded(
    environment: Environment,
    files: tuple[str, ...],
    contents: _Said,
    layers: Layers,
    warnings: Iterable[Problem],
) -> Loaded:
    declarations = sorted(contents.declarations, key=lambda declaration: declaration.address)
    whole = tuple(declaration for declaration in declarations if not declaration.lacking)
    resources = tuple(declaration.resource() for declaration in whole)
    removals = sorted(
        (removed.removal for removed in contents.removed), key=lambda removal: removal.address
    )
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


@dataclass(slots=True)
class _Said:
    """What all files say, and what is wrong with it so far."""

    declarations: list[Declaration] = field(default_factory=list)
    removed: list[RemovedEntry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    emptied: bool = False
    """Whether a `for_each` has no element: that its resources go is the wish of a file."""

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
        self._entries = {Address(each.kind, each.key): each for each in entries}
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
            hint = did_you_mean(field, attributes, f"the attributes are {', '.join(attributes)}")
            raise NoValueError("E121", f"`{word}` is unknown until the resource is created", hint)
        return attributes[field]

    def text(self, word: str) -> str:
        """The value of ``${word}`` as part of a text. Raises NoValueError."""
        written = self._layers.variables.written(f"${{{word}}}")
        return inside_a_text(self.value(word), written, word)

    def _attributes(self, address: Address) -> Mapping[str, Any]:
        if address in self._open:
            circle = " -> ".join(map(str, (*self._open[self._open.index(address) :], address)))
            message = f"the name of `{address}` refers to itself"
            raise NoValueError(
                "E366", message, f"replace one of the references with a value: {circle}"
            )
        if address not in self._known:
            self._open.append(address)
            try:
                self._known[address] = dict(self._read(address))
            finally:
                self._open.pop()
        return self._known[address]

    def _read(self, address: Address) -> Iterator[tuple[str, Any]]:
        kind, entry = self._kinds[address.kind], self._entries[address]
        texts = {
            name: value
            for name, value in entry.document.items()
            if isinstance(value, str) and name not in FREE_TEXTS
        }
        variables = self._layers.variables
        names = for_each.ElementNames(self, variables, entry.element) if entry.element else self
        references = References(names)
        replaced: Document = references.replaced(texts)
        for finding in references.findings:
            raise NoValueError(finding.code, finding.message, finding.hint)
        layers, _ = self._layers.for_resource(address, kind, entry.element)
        laid = layers.laid(address, replaced, kind).value
        yield from ((name, value) for name, value in laid.items() if isinstance(value, str))
        name = kind.schema.name_of(laid)
        yield "id", name
        yield "name", kind.schema.api_name(laid) if kind.schema.api_name else laid.get("name", name)


def _read_all(root: Path, files: Iterable[str], kinds: Mapping[str, Kind], layers: Layers) -> _Said:
    contents = _Said()
    entries: list[tuple[SourceFile, ManifestEntry]] = []
    for file in files:
        try:
            source = parse(file, read(root, file))
        except FileError as error:
            contents.problems.extend(error.problems)
            contents.unread.append(file)
            continue
        for entry in entries_of(source.data, kinds):
            if isinstance(entry, Finding):
                contents.problems.append(source.problem(entry))
            else:
                _expand(source, entry, layers, contents, entries)
        for removed in removed_in(source, kinds, layers):
            if isinstance(removed, Problem):
                contents.problems.append(removed)
            else:
                contents.removed.append(removed)
    # Only now: a resource may refer to one of another file by its name.
    names = DeclaredNames([entry for _, entry in entries], kinds, layers)
    layers = replace(layers, names=names)
    for source, entry in entries:
        contents.declarations.append(declared(source, entry, kinds[entry.kind], layers))
    contents.problems.extend(
        problem for declaration in contents.declarations for problem in declaration.problems
    )
    return contents


def _expand(
    source: SourceFile,
    entry: ManifestEntry,
    layers: Layers,
    contents: _Said,
    entries: list[tuple[SourceFile, ManifestEntry]],
) -> None:
    """Adds to ``entries`` what ``entry`` stands for, and to ``contents`` what is wrong with it."""
    elements = list(for_each.expanded(entry, layers.variables, layers.released))
    contents.emptied |= not elements
    for each in elements:
        if isinstance(each, Finding):
            subject = str(Address(entry.kind, entry.key))
            contents.problems.append(source.problem(each, subject))
            contents.unread.append(source.text.file)
        else:
            entries.append((source, each))


def _repeated(declarations: Iterable[Declaration]) -> Iterator[Problem]:
    """Addresses, and names in the workspace, that more than one resource has."""
    addresses: dict[object, Declaration] = {}
    names: dict[tuple[str, str], Declaration] = {}
    for declaration in declarations:
        first = addresses.setdefault(declaration.address, declaration)
        if first is not declaration:
            message = f"`{declaration.address}` is declared twice"
            hint = f"it is also declared at {first.where}: keep one of them, or change this key"
            yield from declaration.placed([Finding((), "E206", message, hint, key=True)])
            continue
        name = (declaration.kind.name, declaration.kind.schema.same_name(declaration.name))
        first = names.setdefault(name, declaration) if declaration.name else declaration
        if first is not declaration:
            message = f"another {declaration.kind.title} has the name `{declaration.name}`"
            hint = f"it is `{first.address}` at {first.where}"
            yield from declaration.placed([Finding(("name",), "E207", message, hint)])


def _relations(declarations: Iterable[Declaration]) -> Iterator[Problem]:
    """What the kinds say about how fields go together, where the shape is right."""
    good = [declaration for declaration in declarations if declaration.is_good]
    documents: dict[str, dict[str, Document]] = {}
    for declaration in good:
        documents.setdefault(declaration.kind.name, {})[declaration.name] = declaration.document
    declared_here: Declared = documents
    for declaration in good:
        yield from declaration.placed(
            ignored_paths(declaration.document, declaration.kind.schema.rules())
        )
        yield from declaration.placed(
            declaration.kind.schema.relations(declaration.document, declared_here)
        )


def _alias_circles(declarations: Iterable[Declaration], layers: Layers) -> Iterator[Problem]:
    """Aliases that a manifest sets and a variable is pinned from: each would follow the other."""
    pinned = {alias.lower(): name for name, alias in layers.variables.aliases()}
    for declaration in declarations if pinned else ():
        set_here = declaration.kind.dependencies.aliases(declaration.document)
        for alias, at in set_here if declaration.is_good else ():
            variable = pinned.get(alias.lower())
            if variable:
                message = f"`{alias}` is set here, and the variable `{variable}` is pinned from it"
                hint = (
                    "remove the alias here and let training set it, or promote the variable "
                    "from another environment instead"
                )
                yield from declaration.placed([Finding(at, "E728", message, hint, key=True)])


def _with_cases(root: Path, contents: _Said) -> list[Problem]:
    """Puts the questions of files of cases into the declarations; what is wrong in the files."""
    files = CaseFiles(root)
    for index, each in enumerate(contents.declarations):
        checks = each.written_checks if each.is_good else ()
        if any(CASES in check for check in checks):
            filled = files.filled(checks, each.kind, each.document)
            contents.declarations[index] = replace(each, checks=filled)
    # Elements of one `for_each` read the same file.
    return list(dict.fromkeys(files.problems))


# On documents with everything laid on and replaced, so that neither a variable nor an override
# is a way around a rule.
def _forbidden(
    rules: NameRules, files: Iterable[str], contents: _Said, layers: Layers
) -> Iterator[Problem]:
    """Everything that manifests name and may not, each where it was written."""
    yield from rules.uncovered(files)
    for declaration in contents.declarations:
        if declaration.is_good:
            file = declaration.source.text.file
            names = _names_in(declaration.document, declaration.kind, layers)
            yield from declaration.placed(rules.forbidden(file, names))
    for entry in contents.removed:
        names = _names_in({"name": entry.removal.name}, entry.kind, layers)
        for finding in rules.forbidden(entry.source.text.file, names):
            yield entry.problem(finding.code, finding.message, finding.hint, "name")


def _names_in(document: Document, kind: Kind, layers: Layers) -> list[RestrictedName]:
    own = kind.schema.name_of(document)
    return [
        name._replace(unprefixed=layers.without_prefix(own, kind))
        if name.at == ("name",) and name.value == own
        else name
        for name in kind.dependencies.references(document)
    ]


def _conversions(
    declarations: Iterable[Declaration], layers: Layers
) -> Iterator[conversion_notes.PlacedConversion]:
    yield from layers.conversions
    for declaration in declarations:
        yield from declaration.conversions


def _nothing(environment: Environment) -> Problem:
    patterns = listed(environment.manifests)
    hint = (
        "correct `manifests`, or declare a resource. Empty manifests never mean: delete everything"
    )
    return Problem("E209", f"the manifests {patterns} declare no resource", hint=hint)


# The digest is part of every plan, and approvals name it: it depends on documents alone, not on
# files, comments or the order of fields in them.
def _digest(resources: Iterable[Resource], removals: Iterable[Removal]) -> str:
    rows: list[list[object]] = [
        [
            str(resource.address),
            resource.name,
            resource.document,
            resource.prevent_destroy,
            list(map(path_text, resource.ignore_changes)),
        ]
        for resource in resources
    ]
    # Only where there are any: what was said before these words existed keeps its digest.
    rows += [[str(resource.address), "existing"] for resource in resources if resource.existing]
    rows += [[str(removal.address), removal.name, removal.delete] for removal in removals]
    text = json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
