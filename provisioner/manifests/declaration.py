"""One resource of one manifest on its way to a document, and where its problems belong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from provisioner.errors import Finding, Location, Position, Problem, Severity
from provisioner.manifests import lifecycle
from provisioner.manifests.envelope import ManifestEntry
from provisioner.manifests.layers import Layers, name_from_release
from provisioner.manifests.merge import Origin
from provisioner.manifests.references import (
    PLAINTEXT,
    Noted,
    References,
    has_references,
    looks_like_reference,
    secrets_marked,
    words_in,
)
from provisioner.manifests.variables import NOT_RELEASED
from provisioner.manifests.yaml.source import SourceFile
from provisioner.model import schemas
from provisioner.model.field_rules import PLAIN, FieldRule, rules_along
from provisioner.model.kind import Kind
from provisioner.model.paths import Document
from provisioner.model.plan import Address
from provisioner.model.resource import Resource


@dataclass(frozen=True, slots=True)
class Declaration:
    """``document`` is in today's spelling. ``moved`` are the places of old spellings.

    ``layers`` is the environment's, and ``place`` tells what of the document is from its
    file. ``is_good``: the shape is right and everything in it may be where it is, so that its
    relations can be asked. ``variables`` are the names of those that it is made from, and
    ``lacking`` the released ones of them that have no value yet.
    """

    source: SourceFile
    kind: Kind
    entry: ManifestEntry
    document: Document
    moved: tuple[Location, ...] = ()
    is_good: bool = True
    problems: tuple[Problem, ...] = ()
    layers: Layers | None = None
    place: Origin = field(default_factory=lambda: Origin(""))
    variables: frozenset[str] = frozenset()
    lacking: tuple[str, ...] = ()

    @property
    def address(self) -> Address:
        return Address(self.kind.name, self.entry.key)

    @property
    def name(self) -> str:
        """The resource's name in the workspace; ``""`` where it has none yet."""
        name = self.document.get("name")
        return name if isinstance(name, str) else ""

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
        return self.layers.variables.written(_value(source.data, place))

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
        return tuple(self._placed(finding) for finding in findings)

    def _placed(self, finding: Finding) -> Problem:
        parts = _parts(self.document, finding.at, self.kind.schema.rules())
        subject = ", ".join([str(self.address), *parts])
        source, at = self.origin(finding.at)
        secret = finding.secret or self._holds_secret(finding.at)
        return source.problem(replace(finding, at=at, secret=secret), subject)

    def origin(self, at: Location) -> tuple[SourceFile, Location]:
        """The file that what is at ``at`` comes from, and where it is there."""
        place = self.place.of(at)
        if place.layer and self.layers and self.layers.source:
            return self.layers.source, place.at
        return self.source, (*self.entry.at, *self._original(place.at))

    def _holds_secret(self, at: Location) -> bool:
        """Whether the value at ``at`` is a secret that is written out."""
        value = _value(self.document, at)
        if not isinstance(value, str | int | float) or looks_like_reference(value):
            return False
        names = tuple(step for step in at if isinstance(step, str))
        if names and names[-1].endswith(PLAINTEXT):
            return True
        rules = rules_along(self.kind.schema.rules(), names)
        return any(rule.secret or rule.secret_reference for rule in rules)

    def _original(self, at: Location) -> Location:
        """Where ``at`` stands in the file: below an old spelling it stands elsewhere."""
        if not self.moved or self._is_written(at):
            return at
        ways = [(*old, *at[end:]) for old in self.moved for end in range(1, len(at) + 1)]
        known = [way for way in ways if self._is_written(way)]
        return max(known, key=lambda way: _shared(way, at), default=at)

    def _is_written(self, at: Location) -> bool:
        return self.source.has((*self.entry.at, *at))

    def resource(self) -> Resource:
        """The desired resource; for a declaration that is good."""
        said = lifecycle.settings(self.document)
        return Resource(
            address=self.address,
            name=self.name,
            document=lifecycle.without_settings(self.document),
            prevent_destroy=said.get("prevent_destroy", False),
            ignore_changes=tuple(said.get(lifecycle.IGNORE_CHANGES, ())),
            existing=self.document.get(lifecycle.EXISTING, False),
            checks=tuple(self.document.get(lifecycle.CHECKS, ())),
            where=self.where,
        )


def declared(source: SourceFile, entry: ManifestEntry, kind: Kind, layers: Layers) -> Declaration:
    """``entry`` in today's spelling with the layers on it, and all that is wrong with it."""
    from provisioner.manifests.schema.check import numbers_as_text, shape

    some_refer = has_references(source.text.content)
    address = Address(kind.name, entry.key)
    noted = Noted(layers.variables)
    references = References(noted)
    written = references.replaced(entry.document) if some_refer else entry.document
    today, old = (
        kind.schema.migrate_legacy(written) if kind.schema.migrate_legacy else (written, ())
    )
    moved = tuple(finding.at for finding in old)
    schema = schemas.schema(f"kinds/{kind.name}")
    numbers_as_text(today, schema)
    document, place = layers.laid(address, today, kind)
    words = noted.words | layers.words(address)
    draft = Declaration(source, kind, entry, document, moved, layers=layers, place=place)
    draft = replace(draft, **_made_from(words, layers))
    some_lack = references.findings or draft.lacking
    wrong = [
        finding
        for finding in shape(document, schema, draft.written)
        if not (some_lack and _has_no_value(document, finding.at))
    ]
    unsaid = [one for one in references.findings if one.code != NOT_RELEASED]
    unsaid += _name_from_release(entry.document, layers)
    as_written = Declaration(source, kind, entry, entry.document)
    in_today = Declaration(source, kind, entry, today, moved)
    problems = in_today.placed(old) + draft.placed(wrong) + as_written.placed(unsaid)
    is_good = all(problem.severity is not Severity.ERROR for problem in problems)
    is_whole = is_good and not draft.lacking
    if is_whole and (some_refer or place.inner):
        document = secrets_marked(document)
    return replace(draft, document=document, is_good=is_whole, problems=problems)


def _made_from(words: Iterable[str], layers: Layers) -> dict[str, Any]:
    variables = layers.variables
    return {"variables": variables.behind(words), "lacking": variables.lacking(words)}


def _name_from_release(written: Document, layers: Layers) -> list[Finding]:
    words = {word for _, word in words_in(written.get("name"))}
    released = layers.released_behind(words)
    return [name_from_release(("name",), released)] if released else []


def _has_no_value(document: Any, at: Location) -> bool:
    """Whether a reference is left at ``at``: it is wrong already, whatever its shape."""
    value = _value(document, at)
    return isinstance(value, str) and "${" in value


def _shared(one: Location, other: Location) -> int:
    """How many steps from the root on two locations have in common."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _value(document: Any, at: Location) -> Any:
    """What is at ``at``; None where nothing is."""
    for step in at:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def _deepest(document: Any, at: Location) -> Any:
    """What is at ``at``, or the reference that stands for something around it."""
    for step in at:
        if isinstance(document, str):
            break
        document = _value(document, (step,))
    return document


def _parts(document: Any, at: Location, rules: FieldRule) -> Iterator[str]:
    """The entries of lists on the way to ``at`` in words: ``served entity challenger``."""
    label = ""
    for end, step in enumerate(at, start=1):
        if isinstance(step, int):
            entry = _value(document, at[:end])
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
