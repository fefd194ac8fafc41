"""What an environment's file does to the resources of the manifests.

``defaults`` are laid under every resource of a kind, ``overrides`` over single ones, and
``name_prefix`` goes before the names of what is ours as a whole.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from provisioner.errors import Finding, Location, Problem
from provisioner.errors.wording import did_you_mean, listed
from provisioner.manifests.envelope import unknown_kind
from provisioner.manifests.lifecycle import EXISTING
from provisioner.manifests.merge import (
    Origin,
    PlacedValue,
    laid_over,
    laid_under,
    removals_of_nothing,
)
from provisioner.manifests.project import Environment
from provisioner.manifests.references import Noted, References, words_in
from provisioner.manifests.variables import NOT_RELEASED, Variables
from provisioner.model import schemas
from provisioner.model.kind import Kind
from provisioner.model.paths import Document
from provisioner.model.plan import Address

DEFAULTS: Final = "defaults"
OVERRIDES: Final = "overrides"
NAME_PREFIX: Final = "name_prefix"
_PREFIX: Final = re.compile(r"[A-Za-z0-9_-]{0,40}", re.ASCII)
_ANY_KEY: Final = "any"


class Layers:
    """The layers of one environment. ``problems`` are about its file.

    A layer with a mistake is not laid: what would follow from it is not told as well.
    """

    def __init__(self, environment: Environment, kinds: Mapping[str, Kind]) -> None:
        self.source = environment.source
        promotion = environment.promotion
        self.variables = Variables(environment.name, self.source, environment.outside, promotion)
        self._released = frozenset(promotion.released)
        self._words: dict[Location, frozenset[str]] = {}
        self.problems: list[Problem] = []
        self._data: Document = self.source.data if self.source else {}
        self._defaults: dict[str, PlacedValue] = {}
        self._overrides: dict[Address, PlacedValue] = {}
        self._wrong: set[Address] = set()
        self._prefix = self._checked_prefix()
        for kind in self._known(DEFAULTS, kinds):
            found = self._data[DEFAULTS][kind.name]
            part = self._layer(kind, found, (DEFAULTS, kind.name))
            if part:
                self._defaults[kind.name] = part
        for kind in self._known(OVERRIDES, kinds):
            for key, found in self._data[OVERRIDES][kind.name].items():
                part = self._layer(kind, found, (OVERRIDES, kind.name, key))
                address = Address(kind.name, key)
                if part:
                    self._overrides[address] = part
                else:
                    self._wrong.add(address)

    def laid(self, address: Address, document: Document, kind: Kind) -> PlacedValue:
        """``document`` of a manifest with the layers on it, and its name prefixed."""
        part = PlacedValue(document, Origin(""))
        rules = kind.schema.rules()
        if kind.name in self._defaults:
            part = laid_under(copy.deepcopy(self._defaults[kind.name]), part, rules)
        over = self._overrides.get(address)
        if over:
            for at in removals_of_nothing(part.value, over.value, rules):
                message = "there is no such entry to delete"
                self._say(Finding((*over.place.at, *at), "E220", message, "take this one out"))
            part = laid_over(part, copy.deepcopy(over), rules)
        name = part.value.get("name")
        if isinstance(name, str) and not part.value.get(EXISTING):
            part = PlacedValue({**part.value, "name": self.name(name, kind)}, part.place)
        return part

    def over(self, address: Address) -> PlacedValue | None:
        """What is laid over the resource; None where nothing is."""
        return self._overrides.get(address)

    def without_prefix(self, name: str, kind: Kind) -> str:
        """``name`` in the workspace as the manifest has it."""
        return name.removeprefix(self._prefix) if kind.schema.takes_name_prefix else name

    def words(self, address: Address) -> frozenset[str]:
        """What the layers of this resource refer to, as it stands between the braces."""
        of_kind = self._words.get((DEFAULTS, address.kind), frozenset())
        return of_kind | self._words.get((OVERRIDES, address.kind, address.key), frozenset())

    def released_behind(self, words: Iterable[str]) -> frozenset[str]:
        """The released variables that ``words`` refer to, also through other variables."""
        return self.variables.behind(words) & self._released

    def name(self, name: str, kind: Kind) -> str:
        """``name`` as it is in the workspace of this environment."""
        return f"{self._prefix}{name}" if kind.schema.takes_name_prefix else name

    def undeclared(self, declared: Collection[Address]) -> Iterator[Problem]:
        """A problem for each override of what no manifest declares."""
        for address in sorted({*self._overrides, *self._wrong}):
            if address not in declared and self.source:
                keys = [one.key for one in declared if one.kind == address.kind]
                known = f"declared are {listed(sorted(keys)[:8], 'none')}"
                hint = did_you_mean(address.key, keys, known)
                at = (OVERRIDES, address.kind, address.key)
                message = f"no manifest declares `{address}`"
                yield self.source.problem(Finding(at, "E219", message, hint, key=True))

    def _known(self, section: str, kinds: Mapping[str, Kind]) -> Iterator[Kind]:
        for name in self._data.get(section, {}):
            if name in kinds:
                yield kinds[name]
            else:
                self._say(unknown_kind((section, name), name, kinds))

    def _layer(self, kind: Kind, written: Document, at: Location) -> PlacedValue | None:
        """A layer with variables replaced; None, and problems, where something is wrong."""
        from provisioner.manifests.schema.check import numbers_as_text, shape

        noted = Noted(self.variables)
        references = References(noted)
        value = references.replaced(written, at)
        self._words[at] = frozenset(noted.words)
        numbers_as_text(value, schemas.schema(f"kinds/{kind.name}"))
        said = {finding.at for finding in references.findings}
        wrong = [one for one in references.findings if one.code != NOT_RELEASED]
        whole = {kind.name: {_ANY_KEY: value}}
        for finding in shape(whole, schemas.schema("override"), self._written_below(at)):
            place = (*at, *finding.at[2:])
            if place not in said:
                wrong.append(replace(finding, at=place))
        for finding in wrong:
            self._say(finding)
        return None if wrong else PlacedValue(value, Origin(OVERRIDES, at))

    def _written_below(self, at: Location) -> Callable[[Location], str]:
        """How to find the text of a number of the layer at ``at``: below kind and key."""
        source = self.source
        return lambda inner: source.written((*at, *inner[2:])) if source else ""

    def _checked_prefix(self) -> str:
        references = References(self.variables)
        written = self._data.get(NAME_PREFIX, "")
        released = self.released_behind(word for _, word in words_in(written))
        if released:
            self._say(name_from_release((NAME_PREFIX,), released))
            return ""
        prefix: Any = references.replaced(written, (NAME_PREFIX,))
        for finding in references.findings:
            self._say(finding)
        if references.findings:
            return ""
        if isinstance(prefix, str) and _PREFIX.fullmatch(prefix):
            return prefix
        hint = "at most 40 letters, digits, `-` and `_`"
        self._say(Finding((NAME_PREFIX,), "E109", "names cannot begin like this", hint))
        return ""

    def _say(self, finding: Finding) -> None:
        if self.source:
            self.problems.append(self.source.problem(finding))


def name_from_release(at: Location, released: Collection[str]) -> Finding:
    """The finding for a name that each promotion would change."""
    message = f"a name cannot be made from the released variable `{min(released)}`"
    hint = "each promotion would create another endpoint and leave the old one behind"
    return Finding(at, "E706", message, hint)
