"""One resource of one manifest on its way to a document, and where its problems belong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from provisioner.errors import Finding, Location, Position, Problem, Severity
from provisioner.manifests import lifecycle
from provisioner.manifests.conversion_notes import PlacedConversion
from provisioner.manifests.envelope import ManifestEntry
from provisioner.manifests.for_each import EACH_PART, ElementNames
from provisioner.manifests.layers import Layers, name_from_release
from provisioner.manifests.merge import Origin
from provisioner.manifests.old_spellings import Spelling
from provisioner.manifests.references import (
    Meaning,
    Noted,
    References,
    is_plaintext,
    looks_like_reference,
    secrets_marked,
    words_in,
)
from provisioner.manifests.schema.conversion import Conversion
from provisioner.manifests.variables import NOT_RELEASED
from provisioner.manifests.yaml.source import SourceFile
from provisioner.model import schemas
from provisioner.model.field_rules import PLAIN, FieldRule, rules_along
from provisioner.model.kind import Kind
from provisioner.model.paths import Document, get, parse_paths
from provisioner.model.plan import Address
from provisioner.model.resource import Resource


@dataclass(frozen=True, slots=True)
class Declaration:
    """``document`` is in today's spelling, ``spelling`` says how it stands in the file.

    ``layers`` is the environment's, and ``place`` tells what of the document is from its
    file. ``is_good``: the shape is right and everything in it may be where it is, so that its
    relations can be asked. ``variables`` are the names of those that it is made from, and
    ``lacking`` the released ones of them that have no value yet. ``conversions`` are the
    values that were read as the type of their field. ``checks`` are those with the questions of
    their files in them (None: as written).
    """

    source: SourceFile
    kind: Kind
    entry: ManifestEntry
    document: Document
    spelling: Spelling
    is_good: bool = True
    problems: tuple[Problem, ...] = ()
    layers: Layers | None = None
    place: Origin = field(default_factory=lambda: Origin(""))
    variables: frozenset[str] = frozenset()
    lacking: tuple[str, ...] = ()
    conversions: tuple[PlacedConversion, ...] = ()
    checks: tuple[Document, ...] | None = None

    @property
    def address(self) -> Address:
        return Address(self.kind.name, self.entry.key)

    @property
    def name(self) -> str:
        """The resource's name in the workspace; ``""`` where it has none yet."""
        return self.kind.schema.name_of(self.document)

    @property
    def where(self) -> Position:
        """Where it is declared: its key."""
        return self.source.position(self.entry.at)

    def written(self, at: Location) -> str:
        """The text of the number, boolean or null at ``at`` as typed, ``""`` for others."""
        source, place = self.origin(at)
        text = source.written(place)
        if text or not self.layers:
            return text
        return self.layers.variables.written(get(source.data, place))

    def position(self, at: Location) -> Position:
        """Where what is at ``at`` in the document was written."""
        source, place = self.origin(at)
        return source.position(place)

    def words(self, at: Location) -> tuple[str, ...]:
        """The references that what is at ``at`` in the document was written with."""
        source, place = self.origin(at)
        return tuple(word for _, word in words_in(_deepest(source.data, place)))

    def placed(self, findings: Iterable[Finding]) -> tuple[Problem, ...]:
        """``findings`` about the document as problems in the file."""
        return tuple(self._placed(finding, self.origin(finding.at)) for finding in findings)

    def misshapen(self, findings: Iterable[Finding]) -> Iterator[Problem]:
        """Yields ``findings`` of the schema as problems where the values stand."""
        return (self._placed(finding, self.value_origin(finding.at)) for finding in findings)

    def _placed(self, finding: Finding, place: tuple[SourceFile, Location]) -> Problem:
        subject = _subject(self.kind, self.entry, self.document, finding.at)
        source, at = place
        secret = finding.secret or _holds_secret(
            self.document, finding.at, self.kind.schema.rules()
        )
        return source.problem(replace(finding, at=at, secret=secret), subject)

    def value_origin(self, at: Location) -> tuple[SourceFile, Location]:
        """The file and location where the value at ``at`` stands, and not a reference to it."""
        source, place = self.origin(at)
        variables = self.layers.variables if self.layers else None
        defined = variables.definition(source.data, place) if variables else None
        if variables and variables.source:
            element = None if defined else self._in_element(_deepest(source.data, place))
            if element:
                # The element may refer to a variable again.
                defined = variables.definition(variables.source.data, element) or element
            if defined:
                return variables.source, defined
        return source, place

    def element_position(self, at: Location) -> Position | None:
        """Where the part of the element stands that the value at ``at`` is made from."""
        source, place = self.origin(at)
        defined = self._in_element(_deepest(source.data, place))
        variables = self.layers.variables if self.layers else None
        return (
            variables.source.position(defined)
            if variables and variables.source and defined
            else None
        )

    def _in_element(self, written: Any) -> Location | None:
        """Where in the environment's file the part that ``written`` refers to stands."""
        element, variables = self.entry.element, self.layers.variables if self.layers else None
        part = EACH_PART.search(written) if isinstance(written, str) else None
        if not (part and element and element.variable and variables and variables.source):
            return None
        at = element.location(tuple(filter(None, part[1].split("."))))
        if not variables.source.has(at):
            return None
        return at

    def converted(self, conversions: Iterable[Conversion]) -> Iterator[PlacedConversion]:
        """Yields ``conversions`` with their places, but for values that stand in no file."""
        for conversion in conversions:
            source, at = self.value_origin(conversion.at)
            # A value from the command line or the process cannot be rewritten in a file.
            if "${" not in str(_deepest(source.data, at)):
                yield PlacedConversion(source, Conversion(at, conversion.type))

    def spelled(self, at: Location) -> str:
        """The name in its file of the field at ``at``, where that is an old spelling."""
        place = self.place.of(at)
        if place.layer and self.layers:
            return self.layers.spelled(place.at)
        return self.spelling.name(place.at)

    def origin(self, at: Location) -> tuple[SourceFile, Location]:
        """The file that what is at ``at`` comes from, and where it is there."""
        place = self.place.of(at)
        if place.layer and self.layers and self.layers.source:
            return self.layers.source, self.layers.location(place.at)
        return self.source, (*self.entry.at, *self.spelling.location(place.at))

    @property
    def written_checks(self) -> tuple[Document, ...]:
        """The checks as the manifest has them."""
        return tuple(self.document.get(lifecycle.CHECKS, ()))

    def resource(self) -> Resource:
        """The desired resource; for a declaration that is good."""
        settings = lifecycle.settings(self.document)
        return Resource(
            address=self.address,
            name=self.name,
            document=lifecycle.without_settings(self.document),
            prevent_destroy=settings.get("prevent_destroy", False),
            ignore_changes=parse_paths(settings.get(lifecycle.IGNORE_CHANGES, ())),
            existing=self.document.get(lifecycle.EXISTING, False),
            checks=self.written_checks if self.checks is None else self.checks,
            rollout=self.document.get(lifecycle.ROLLOUT),
            where=self.where,
        )


def declared(source: SourceFile, entry: ManifestEntry, kind: Kind, layers: Layers) -> Declaration:
    """Returns ``entry`` with the environment's layers on it, and every problem found in it.

    The order matters: references are replaced first, because a value may come from a variable;
    then old words are translated and values converted, so that layers meet the fields of
    today; the shape is checked last, because a layer may add what the manifest leaves out.
    """
    from provisioner.manifests.schema.check import converted

    layers, misplaced = layers.for_resource(Address(kind.name, entry.key), kind, entry.element)
    manifest = _Manifest.of(source, entry, kind, layers)
    schema = schemas.schema(f"kinds/{kind.name}")
    draft = Declaration(source, kind, entry, manifest.document, manifest.spelling, layers=layers)
    today, conversions = converted(manifest.document, schema, draft.written, drop_empty=True)
    laid = layers.laid(Address(kind.name, entry.key), today, kind)
    words = manifest.words | layers.words(draft.address)
    draft = replace(
        draft,
        document=laid.value,
        place=laid.place,
        conversions=tuple(draft.converted(conversions)),
        variables=layers.variables.behind(words) | _collection_of(entry),
        lacking=layers.variables.lacking(words),
    )
    problems = (
        *misplaced,
        *manifest.placed(manifest.old, manifest.document),
        *draft.misshapen(_misshapen(draft, schema, manifest)),
        *manifest.placed(manifest.unresolved, entry.document),
    )
    is_good = all(problem.severity is not Severity.ERROR for problem in problems)
    is_whole = is_good and not draft.lacking
    if is_whole and (manifest.has_references or laid.place.inner):
        draft = replace(draft, document=secrets_marked(laid.value))
    # Reported beside the others: such an override does no harm to the rest of the document.
    idle = layers.idle_removals(draft.address, today, kind)
    return replace(draft, is_good=is_whole, problems=(*problems, *idle))


def _collection_of(entry: ManifestEntry) -> frozenset[str]:
    """The variable that makes the resource exist, as one element of several."""
    variable = entry.element.variable if entry.element else ""
    return frozenset((variable,)) if variable else frozenset()


@dataclass(frozen=True, slots=True)
class _Manifest:
    """An entry of a manifest by itself: references replaced, and in today's spelling.

    ``old`` are findings about old words, ``unresolved`` about references. ``words`` are the
    references in it. ``has_references``: the file has any at all.
    """

    source: SourceFile
    kind: Kind
    entry: ManifestEntry
    document: Document
    spelling: Spelling
    old: tuple[Finding, ...]
    unresolved: tuple[Finding, ...]
    words: frozenset[str]
    has_references: bool

    @classmethod
    def of(cls, source: SourceFile, entry: ManifestEntry, kind: Kind, layers: Layers) -> _Manifest:
        names: Meaning = layers.names or layers.variables
        element = ElementNames(names, layers.variables, entry.element) if entry.element else None
        noted = Noted(element or names)
        references = References(noted)
        # Most files have no reference, and walking them all is a part of every command's time.
        some_refer = source.has_references
        replaced = references.replaced(entry.document) if some_refer else entry.document
        migrate = kind.schema.migrate_legacy
        document, old = migrate(replaced) if migrate else (replaced, ())
        unresolved = [*references.findings, *_name_from_release(entry, layers)]
        spelling = Spelling(
            tuple(finding.at for finding in old), lambda at: source.has((*entry.at, *at))
        )
        return cls(
            source,
            kind,
            entry,
            document,
            spelling,
            tuple(old),
            # A resource whose value is not released yet is left out, which is no mistake.
            tuple(finding for finding in unresolved if finding.code != NOT_RELEASED),
            frozenset(noted.words | element.words if element else noted.words),
            some_refer,
        )

    def placed(self, findings: Iterable[Finding], document: Document) -> Iterator[Problem]:
        """Yields ``findings`` about ``document``, which has no layers on it, as problems."""
        for finding in findings:
            subject = _subject(self.kind, self.entry, document, finding.at)
            secret = finding.secret or _holds_secret(document, finding.at, self.kind.schema.rules())
            at = (*self.entry.at, *self.spelling.location(finding.at))
            yield self.source.problem(replace(finding, at=at, secret=secret), subject)


def _misshapen(draft: Declaration, schema: Document, manifest: _Manifest) -> Iterator[Finding]:
    """What the schema refuses, without what only follows from a reference without a value."""
    from provisioner.manifests.schema.check import shape

    some_lack = manifest.unresolved or draft.lacking
    for finding in shape(draft.document, schema, draft.written, draft.spelled):
        if not (some_lack and _has_no_value(draft.document, finding.at)):
            yield finding


def _name_from_release(entry: ManifestEntry, layers: Layers) -> list[Finding]:
    name = entry.document.get("name")
    words = {word for _, word in words_in(name)}
    if entry.element:
        names = ElementNames(layers.variables, layers.variables, entry.element)
        References(names).replaced(name)
        words |= names.words
    released = layers.released_behind(words)
    return [name_from_release(("name",), released)] if released else []


def _has_no_value(document: Any, at: Location) -> bool:
    """Whether a reference is left at ``at``: it is wrong already, whatever its shape."""
    value = get(document, at)
    return isinstance(value, str) and "${" in value


def _subject(kind: Kind, entry: ManifestEntry, document: Document, at: Location) -> str:
    """The resource and the entries of lists on the way to ``at``, in words."""
    address = Address(kind.name, entry.key)
    return ", ".join([str(address), *_parts(document, at, kind.schema.rules())])


def _holds_secret(document: Document, at: Location, rules: FieldRule) -> bool:
    """Whether the value at ``at`` is a secret that is written out."""
    value = get(document, at)
    if not isinstance(value, str | int | float) or looks_like_reference(value):
        return False
    names = tuple(step for step in at if isinstance(step, str))
    if names and is_plaintext(names[-1]):
        return True
    return any(rule.secret or rule.secret_reference for rule in rules_along(rules, names))


def _deepest(document: Any, at: Location) -> Any:
    """What is at ``at``, or the reference that stands for something around it."""
    for step in at:
        if isinstance(document, str):
            break
        document = get(document, (step,))
    return document


def _parts(document: Any, at: Location, rules: FieldRule) -> Iterator[str]:
    """The entries of lists on the way to ``at`` in words: ``served entity challenger``."""
    label = ""
    for end, step in enumerate(at, start=1):
        if isinstance(step, int):
            entry = get(document, at[:end])
            yield f"{label} {_called(entry, rules) or step + 1}"
        else:
            rules = rules.fields.get(step, PLAIN)
            label = _singular(step)


def _called(entry: Any, rules: FieldRule) -> str:
    """What tells ``entry`` from the others of its list; ``""`` where nothing does."""
    if not isinstance(entry, dict):
        return ""
    named = [entry.get(name) for name in rules.list_key or ("name",)]
    return "/".join(str(value) for value in named if isinstance(value, str) and value)


def _singular(name: str) -> str:
    words = name.replace("_", " ")
    if words.endswith("ies"):
        return f"{words[:-3]}y"
    return words.removesuffix("s")
