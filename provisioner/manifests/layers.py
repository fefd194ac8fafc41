"""What an environment's file does to the resources of the manifests.

``defaults`` are laid under every resource of a kind, ``overrides`` over single ones, and
``name_prefix`` goes before the names of what is ours as a whole.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from provisioner.errors import Finding, Location, Problem, Severity
from provisioner.errors.did_you_mean import did_you_mean
from provisioner.errors.wording import listed
from provisioner.manifests.conversion_notes import PlacedConversion
from provisioner.manifests.envelope import Element, unknown_kind
from provisioner.manifests.for_each import ElementNames
from provisioner.manifests.lifecycle import EXISTING
from provisioner.manifests.merge import (
    Origin,
    PlacedValue,
    laid_over,
    laid_under,
    removals_of_nothing,
)
from provisioner.manifests.old_spellings import Spelling
from provisioner.manifests.project import Environment
from provisioner.manifests.references import Meaning, Noted, References, words_in
from provisioner.manifests.schema.conversion import Conversion
from provisioner.manifests.variables import NOT_RELEASED, Variables
from provisioner.manifests.yaml.source import SourceFile
from provisioner.model import schemas
from provisioner.model.kind import Kind
from provisioner.model.paths import Document
from provisioner.model.plan import Address

DEFAULTS: Final = "defaults"
OVERRIDES: Final = "overrides"
NAME_PREFIX: Final = "name_prefix"
_PREFIX: Final = re.compile(r"[A-Za-z0-9_-]{0,40}", re.ASCII)
_ANY_KEY: Final = "any"
_EACH: Final = "each."


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer with its references replaced and its values converted.

    ``part`` is None where there is a mistake in it: such a layer is not laid, so that what
    would only follow from the mistake is not reported. ``words`` are the references in it,
    ``moved`` the locations of old words, ``conversions`` those of converted values. ``written``
    is the layer as it is in the file, where it refers to ``each`` and is made for each element.
    """

    part: PlacedValue | None
    words: frozenset[str] = frozenset()
    findings: tuple[Finding, ...] = ()
    moved: tuple[Location, ...] = ()
    conversions: tuple[Conversion, ...] = ()
    written: Document | None = None


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers of one environment. ``problems`` are about its file, ``source``.

    ``names`` is what references in manifests stand for where they may name other resources;
    without it, they stand for variables alone.
    """

    variables: Variables
    source: SourceFile | None = None
    prefix: str = ""
    defaults: Mapping[str, Layer] = field(default_factory=dict)
    overrides: Mapping[Address, Layer] = field(default_factory=dict)
    released: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    names: Meaning | None = None

    @classmethod
    def of(cls, environment: Environment, kinds: Mapping[str, Kind]) -> Layers:
        """Reads the layers of ``environment``; what is wrong with them is in ``problems``."""
        return _Reader(environment).layers(kinds)

    def for_resource(
        self, address: Address, kind: Kind, element: Element | None
    ) -> tuple[Layers, tuple[Problem, ...]]:
        """The layers in which ``${each.…}`` has its value for one resource, and what is wrong."""
        source = self.source
        overrides = {at: self.overrides.get(at) for at in _from_block(address)}
        pending = {at: layer for at, layer in overrides.items() if layer and layer.written}
        if not pending or source is None:
            return self, ()
        names = ElementNames(self.variables, self.variables, element) if element else None
        made: dict[Address, Layer] = {}
        for at, layer in pending.items():
            place = (OVERRIDES, at.kind, at.key)
            layer = _layer(kind, layer.written, place, (source, names or self.variables))
            words = layer.words | names.words if names else layer.words
            made[at] = replace(layer, words=words)
        findings = (finding for layer in made.values() for finding in layer.findings)
        problems = tuple(source.problem(finding, str(address)) for finding in findings)
        return replace(self, overrides={**self.overrides, **made}), problems

    def laid(self, address: Address, document: Document, kind: Kind) -> PlacedValue:
        """Returns ``document`` of a manifest with the layers on it, and its name prefixed."""
        part = PlacedValue(document, Origin(""))
        rules = kind.schema.rules()
        under = self.defaults.get(kind.name)
        # Copies: nothing is shared between two documents that a layer is laid on.
        if under and under.part:
            part = laid_under(copy.deepcopy(under.part), part, rules)
        for over in self.over(address):
            part = laid_over(part, copy.deepcopy(over), rules)
        name = part.value.get("name")
        # An existing endpoint is not created here, so its name is the one it has.
        if isinstance(name, str) and not part.value.get(EXISTING):
            part = PlacedValue({**part.value, "name": self.name(name, kind)}, part.place)
        return part

    def idle_removals(self, address: Address, document: Document, kind: Kind) -> Iterator[Problem]:
        """A problem for each entry that an override deletes and ``document`` does not have."""
        under, layers, rules = self.defaults.get(kind.name), self.over(address), kind.schema.rules()
        if not layers or not self.source:
            return
        part = PlacedValue(document, Origin(""))
        if under and under.part:
            part = laid_under(copy.deepcopy(under.part), part, rules)
        for over in layers:
            for at in removals_of_nothing(part.value, over.value, rules):
                message = "the list has no such entry to delete"
                finding = Finding((*over.place.at, *at), "E220", message, "remove this entry")
                yield self.source.problem(finding)
            part = laid_over(part, copy.deepcopy(over), rules)

    def over(self, address: Address) -> tuple[PlacedValue, ...]:
        """What is laid over the resource, the last one on top."""
        layers = (self.overrides.get(each) for each in _from_block(address))
        return tuple(layer.part for layer in layers if layer and layer.part)

    def words(self, address: Address) -> frozenset[str]:
        """The references in the layers of this resource, as they stand between the braces."""
        over = (self.overrides.get(each) for each in _from_block(address))
        merged = (self.defaults.get(address.kind), *over)
        return frozenset(word for layer in merged if layer for word in layer.words)

    def released_behind(self, words: Iterable[str]) -> frozenset[str]:
        """The released variables that ``words`` refer to, also through other variables."""
        return self.variables.behind(words) & self.released

    def name(self, name: str, kind: Kind) -> str:
        """``name`` as it is in the workspace of this environment."""
        return f"{self.prefix}{name}" if kind.schema.takes_name_prefix else name

    def without_prefix(self, name: str, kind: Kind) -> str:
        """``name`` in the workspace as the manifest has it."""
        return name.removeprefix(self.prefix) if kind.schema.takes_name_prefix else name

    def location(self, at: Location) -> Location:
        """Where in the environment's file the part at ``at`` of a layer stands."""
        return self._spelling().location(at)

    def spelled(self, at: Location) -> str:
        """The name in the environment's file of the field at ``at``, where it is an old one."""
        return self._spelling().name(at)

    @property
    def conversions(self) -> Iterator[PlacedConversion]:
        """The values of the environment's file that were read as the type of their field."""
        for layer in self._every():
            for conversion in layer.conversions:
                at = self.location(conversion.at)
                if self.source and "${" not in str(self.source.value(at)):
                    yield PlacedConversion(self.source, Conversion(at, conversion.type))

    def undeclared(self, declared: Collection[Address]) -> Iterator[Problem]:
        """A problem for each override of what no manifest declares."""
        known_addresses = {*declared, *(address.block for address in declared)}
        for address in sorted(self.overrides.keys() - known_addresses):
            if self.source:
                keys = [other.key for other in declared if other.kind == address.kind]
                known = f"the declared keys are {listed(sorted(keys)[:8], 'none')}"
                hint = did_you_mean(address.key, keys, known)
                at = (OVERRIDES, address.kind, address.key)
                message = f"no manifest declares `{address}`"
                yield self.source.problem(Finding(at, "E219", message, hint, key=True))

    def _every(self) -> Iterator[Layer]:
        yield from self.defaults.values()
        yield from self.overrides.values()

    def _spelling(self) -> Spelling:
        source = self.source
        moved = tuple(at for layer in self._every() for at in layer.moved)
        return Spelling(moved, source.has if source else lambda at: False)


def _from_block(address: Address) -> tuple[Address, ...]:
    """The addresses whose overrides hold for ``address``: of its block (`for_each`), its own."""
    return (address.block, address) if address.block != address else (address,)


class _Reader:
    """Reads the layers of one environment's file and collects what is wrong with them."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._source = environment.source
        self._data: Document = self._source.data if self._source else {}
        self._variables = Variables(
            environment.name, self._source, environment.outside, environment.promotion
        )
        self._findings: list[Finding] = []

    def layers(self, kinds: Mapping[str, Kind]) -> Layers:
        released = frozenset(self._environment.promotion.released)
        prefix = self._prefix(Layers(self._variables, released=released))
        defaults = {
            kind.name: self._layer(kind, written, (DEFAULTS, kind.name))
            for kind, written in self._by_kind(DEFAULTS, kinds)
        }
        overrides = {
            Address(kind.name, key): self._layer(kind, written, (OVERRIDES, kind.name, key))
            for kind, by_key in self._by_kind(OVERRIDES, kinds)
            for key, written in by_key.items()
        }
        for layer in (*defaults.values(), *overrides.values()):
            self._findings += layer.findings
        source = self._source
        problems = tuple(source.problem(finding) for finding in self._findings) if source else ()
        return Layers(self._variables, source, prefix, defaults, overrides, released, problems)

    def _by_kind(self, section: str, kinds: Mapping[str, Kind]) -> Iterator[tuple[Kind, Document]]:
        for name, written in self._data.get(section, {}).items():
            if name in kinds:
                yield kinds[name], written
            else:
                self._findings.append(unknown_kind((section, name), name, kinds))

    def _layer(self, kind: Kind, written: Document, at: Location) -> Layer:
        if at[0] == OVERRIDES and any(word.startswith(_EACH) for _, word in words_in(written)):
            return Layer(None, written=written)
        return _layer(kind, written, at, (self._source, self._variables))

    def _prefix(self, layers: Layers) -> str:
        references = References(self._variables)
        written = self._data.get(NAME_PREFIX, "")
        released = layers.released_behind(word for _, word in words_in(written))
        if released:
            self._findings.append(name_from_release((NAME_PREFIX,), released))
            return ""
        prefix: Any = references.replaced(written, (NAME_PREFIX,))
        self._findings += references.findings
        if references.findings:
            return ""
        if isinstance(prefix, str) and _PREFIX.fullmatch(prefix):
            return prefix
        hint = "at most 40 letters, digits, `-` and `_`"
        message = "this is not a valid prefix for names"
        self._findings.append(Finding((NAME_PREFIX,), "E109", message, hint))
        return ""


def _layer(
    kind: Kind, written: Any, at: Location, names: tuple[SourceFile | None, Meaning]
) -> Layer:
    """What is ``written`` at ``at`` of a file, in which words mean what ``names`` say."""
    from provisioner.manifests.schema.check import converted

    source, meaning = names
    noted = Noted(meaning)
    references = References(noted)
    value = references.replaced(written, at)
    migrate = kind.schema.migrate_legacy
    today, old = migrate(value) if migrate else (value, ())
    typed = _written_below(source, at)
    # `null` stays: in a layer it removes.
    made, conversions = converted(
        today, schemas.schema(f"kinds/{kind.name}"), typed, drop_empty=False
    )
    findings = [finding for finding in references.findings if finding.code != NOT_RELEASED]
    findings += [replace(finding, at=(*at, *finding.at)) for finding in old]
    unresolved = {finding.at for finding in references.findings}
    findings += [
        finding for finding in _misshapen(kind, made, at, typed) if finding.at not in unresolved
    ]
    is_good = not any(finding.severity is Severity.ERROR for finding in findings)
    return Layer(
        PlacedValue(made, Origin(OVERRIDES, at)) if is_good else None,
        frozenset(noted.words),
        tuple(findings),
        tuple((*at, *finding.at) for finding in old),
        tuple(Conversion((*at, *conversion.at), conversion.type) for conversion in conversions),
    )


def _misshapen(
    kind: Kind, value: Any, at: Location, written: Callable[[Location], str]
) -> Iterator[Finding]:
    from provisioner.manifests.schema.check import shape

    # The schema is for the whole section: below the kind and any key stands the layer.
    section = {kind.name: {_ANY_KEY: value}}
    override = schemas.schema("override")
    for finding in shape(section, override, lambda inner: written(inner[2:])):
        yield replace(finding, at=(*at, *finding.at[2:]))


def _written_below(source: SourceFile | None, at: Location) -> Callable[[Location], str]:
    """Returns what gives the text of a number in the layer at ``at``, as it was typed."""
    return lambda inner: source.written((*at, *inner)) if source else ""


def name_from_release(at: Location, released: Collection[str]) -> Finding:
    """The finding for a name that each promotion would change."""
    message = f"a name cannot contain the released variable `{min(released)}`"
    hint = "each promotion would create another endpoint and keep the old one"
    return Finding(at, "E706", message, hint)
