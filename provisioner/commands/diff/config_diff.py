"""Where two environments differ as their files have it, and who said so. Pure.

A value that differs on purpose is from an environment's file or made from variables. What
two manifests say about one address, and what only one environment's patterns match, is an
accident until a file says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from provisioner.commands.diff.result import (
    FieldDifference,
    OnlyHere,
    Purpose,
    ResourceDifference,
    Side,
)
from provisioner.errors import Location, Position
from provisioner.kinds import KINDS
from provisioner.manifests.declaration import Declaration
from provisioner.manifests.load import Loaded
from provisioner.manifests.project import Environment
from provisioner.model.documents import location_of
from provisioner.model.field_rules import FieldRule
from provisioner.model.paths import Path
from provisioner.model.plan import ABSENT, Address
from provisioner.planning.comparable import visible
from provisioner.planning.diff import diff

NAME: Path = ("name",)
COPIED = "two manifests declare it"
VARIABLE = "var."


@dataclass(frozen=True, slots=True)
class EnvironmentDeclarations:
    """One environment and what its files say."""

    environment: Environment
    loaded: Loaded
    declared: Mapping[Address, Declaration]

    @classmethod
    def of(cls, environment: Environment, loaded: Loaded) -> EnvironmentDeclarations:
        """``environment`` with what its resources were made of."""
        return cls(
            environment,
            loaded,
            {declaration.address: declaration for declaration in loaded.declarations},
        )


def declared_difference(left: Declaration, right: Declaration) -> ResourceDifference:
    """The fields in which the two documents differ, write-only ones too."""
    rules = _visible(left.kind.name)
    differences = diff(right.document, left.document, rules)
    fields = tuple(
        _classified(change.path, (left, change.before), (right, change.after), rules)
        for change in differences
        if not (change.path == NAME and _bare_name(left) == _bare_name(right))
    )
    return ResourceDifference(left.address, (left.name, right.name), fields)


def only_here(here: EnvironmentDeclarations, there: EnvironmentDeclarations) -> Iterator[OnlyHere]:
    """The resources of ``here`` that ``there`` does not have."""
    removed = {removal.address: removal for removal in there.loaded.removals}
    withheld = {resource.address for resource in there.loaded.withheld}
    missing = here.declared.keys() - there.declared.keys()
    for address in sorted(missing):
        declaration = here.declared[address]
        reason, purpose = (
            _left_out(declaration.source.text.file, there.environment),
            Purpose.BY_ACCIDENT,
        )
        if address in removed:
            place = _place(removed[address].where)
            reason, purpose = f"removed at {place}", Purpose.ON_PURPOSE
        if address in withheld:
            reason = f"it is not released in {there.environment.name} yet"
            purpose = Purpose.ON_PURPOSE
        yield OnlyHere(
            address,
            declaration.name,
            here.environment.name,
            _place(declaration.where),
            reason,
            purpose,
        )


def _left_out(file: str, environment: Environment) -> str:
    source = environment.source
    if source and source.has(("manifests",)):
        return f"{file} is not among the manifests of {_place(source.position(('manifests',)))}"
    return f"{file} is not among the manifests of {environment.name}"


Said = tuple[Declaration, Any]
"""A declaration, and its value at some path."""


def _classified(path: Path, left: Said, right: Said, rules: FieldRule) -> FieldDifference:
    sides = (_side(*left, path, rules), _side(*right, path, rules))
    meant = any(
        side.words or _is_from_layer(declaration[0], path, rules)
        for side, declaration in zip(sides, (left, right), strict=True)
    )
    purpose = Purpose.ON_PURPOSE if meant else Purpose.BY_ACCIDENT
    return FieldDifference(path, *sides, purpose, "" if meant else COPIED)


def side_of(declaration: Declaration, value: Any, path: Path) -> Side:
    """``value`` at ``path``, and where ``declaration`` declares it."""
    return _side(declaration, value, path, _visible(declaration.kind.name))


def _side(declaration: Declaration, value: Any, path: Path, rules: FieldRule) -> Side:
    if value is ABSENT:
        removal = _removal(declaration, path, rules)
        return Side(ABSENT, _place(removal) if removal else "")
    at = location_of(declaration.document, path, rules)
    if len(at) < len(path):
        return Side(value)
    words = declaration.words(at)
    names = [word.removeprefix(VARIABLE) for word in words if word.startswith(VARIABLE)]
    variables = declaration.layers.variables if declaration.layers else None
    if variables and names and not isinstance(value, dict | list):
        return Side(value, variables.origin(names[0]), words)
    return Side(value, _place(declaration.position(at)), words)


def _is_from_layer(declaration: Declaration, path: Path, rules: FieldRule) -> bool:
    """Whether the environment's file has a word in the field: it sets, or removes it."""
    if _removal(declaration, path, rules):
        return True
    at = location_of(declaration.document, path, rules)
    return len(at) == len(path) and _has_layer(declaration, at)


def _has_layer(declaration: Declaration, at: Location) -> bool:
    """Whether any part of what is at ``at`` is from the environment's file."""
    todo = [declaration.place.of(at)]
    while todo:
        place = todo.pop()
        if place.layer:
            return True
        todo.extend(place.inner.values())
    return False


def _removal(declaration: Declaration, path: Path, rules: FieldRule) -> Position | None:
    """Where an override takes the field, or something around it, away."""
    layers = declaration.layers
    if not layers or not layers.source:
        return None
    # The last override is on top: what it takes away is not there, whatever the others say.
    for over in reversed(layers.over(declaration.address)):
        at = location_of(over.value, path, rules)
        value = over.value
        for step in at:
            value = value[step]
        if value is None or (isinstance(value, dict) and value.get("$delete") is True):
            return layers.source.position(over.place.of(at).at)
    return None


def _bare_name(declaration: Declaration) -> str:
    return (
        declaration.layers.without_prefix(declaration.name, declaration.kind)
        if declaration.layers
        else declaration.name
    )


def _place(position: Position | None) -> str:
    return f"{position.file}:{position.line}" if position else ""


@cache
def _visible(kind: str) -> FieldRule:
    return visible(KINDS[kind].schema.rules())
