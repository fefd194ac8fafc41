"""One resource of one manifest on its way to a document, and where its problems belong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from provisioner import schemas
from provisioner.errors import Finding, Location, Position, Problem, Severity
from provisioner.manifests import lifecycle
from provisioner.manifests.envelope import Entry
from provisioner.manifests.references import (
    PLAINTEXT,
    References,
    has_references,
    secrets_marked,
)
from provisioner.manifests.source import Source
from provisioner.manifests.variables import Variables
from provisioner.plan import Address
from provisioner.resource import Kind, Resource
from provisioner.semantics import PLAIN, Document, FieldRule, rules_along

_ALMOST_A_REFERENCE = re.compile(r"\{*\s*secrets/[^{}]*\}*")


@dataclass(frozen=True, slots=True)
class Declaration:
    """``document`` is in today's spelling. ``moved`` are the places of old spellings.

    ``is_good``: the shape is right and everything in it may be where it is, so that its
    relations can be asked.
    """

    source: Source
    kind: Kind
    entry: Entry
    document: Document
    moved: tuple[Location, ...] = ()
    is_good: bool = True
    problems: tuple[Problem, ...] = ()

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
        return self.source.written((*self.entry.at, *self._original(at)))

    def placed(self, findings: Iterable[Finding]) -> tuple[Problem, ...]:
        """``findings`` about the document as problems in the file."""
        return tuple(self._placed(finding) for finding in findings)

    def _placed(self, finding: Finding) -> Problem:
        parts = _parts(self.document, finding.at, self.kind.rules())
        subject = ", ".join([str(self.address), *parts])
        at = (*self.entry.at, *self._original(finding.at))
        return self.source.problem(replace(finding, at=at), subject, self._is_secret(finding))

    def _is_secret(self, finding: Finding) -> bool:
        """Whether the value to blame must not be shown."""
        value = _value(self.document, finding.at)
        if not isinstance(value, str | int | float) or _ALMOST_A_REFERENCE.fullmatch(str(value)):
            return False
        names = tuple(step for step in finding.at if isinstance(step, str))
        if names and names[-1].endswith(PLAINTEXT):
            return True
        rules = rules_along(self.kind.rules(), names)
        if any(rule.secret or rule.secret_reference for rule in rules):
            return True
        # A text where a mapping is needed may be what the mapping should only refer to.
        is_text = isinstance(value, str)
        return finding.code == "E105" and is_text and bool(rules) and not rules[-1].type

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
            where=self.where,
        )


def declared(source: Source, entry: Entry, kind: Kind, variables: Variables) -> Declaration:
    """``entry`` in today's spelling, with the problems of its shape and its references."""
    from provisioner.manifests.check import numbers_as_text, shape

    some_refer = has_references(source.text.content)
    references = References(variables)
    document = references.replaced(entry.document) if some_refer else entry.document
    document, old = kind.modernise(document) if kind.modernise else (document, ())
    moved = tuple(finding.at for finding in old)
    draft = Declaration(source, kind, entry, document, moved)
    schema = schemas.schema(f"kinds/{kind.name}")
    numbers_as_text(document, schema)
    said = {finding.at for finding in references.findings}
    wrong = [
        finding
        for finding in shape(document, schema, draft.written)
        if not (said and (finding.at in said or _has_no_value(document, finding.at)))
    ]
    findings = [*old, *wrong]
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    is_good = not errors and not said
    as_written = Declaration(source, kind, entry, entry.document)
    problems = draft.placed(findings) + as_written.placed(references.findings)
    if is_good and some_refer:
        document = secrets_marked(document)
    return Declaration(source, kind, entry, document, moved, is_good, problems)


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
