"""Notes about values that were read as the type of their field: one for each file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from provisioner.errors import Finding, Location, Problem, Severity
from provisioner.errors.wording import counted
from provisioner.manifests.schema.conversion import Conversion
from provisioner.manifests.yaml.source import SourceFile

_WORDS: Final = {
    "string": "is read as text",
    "integer": "is read as a whole number",
    "number": "is read as a number",
    "boolean": "is read as `true` or `false`",
    "null": "is treated as missing, because it has no value",
}
EXPLAINED: Final = (
    "the Databricks CLI also reads it this way, but editors mark it as an error: "
    "write a value of that type"
)


class PlacedConversion(NamedTuple):
    """A conversion at its location in a file."""

    source: SourceFile
    conversion: Conversion


def notes(conversions: Iterable[PlacedConversion]) -> Iterator[Problem]:
    """Yields a note for each file with conversions, at the first of them."""
    # By location: a variable that two resources use is one value of its file.
    by_file: dict[str, dict[Location, PlacedConversion]] = {}
    for conversion in conversions:
        by_file.setdefault(conversion.source.text.file, {})[conversion.conversion.at] = conversion
    for placed in by_file.values():
        yield _note(
            sorted(
                placed.values(),
                key=lambda conversion: conversion.source.position(conversion.conversion.at),
            )
        )


def _note(conversions: list[PlacedConversion]) -> Problem:
    source, first = conversions[0]
    names = [step for step in first.at if isinstance(step, str)]
    others = len(conversions) - 1
    more = f"; {counted(others, 'other value')} in this file too" if others else ""
    message = f"`{names[-1]}` {_WORDS[first.type]}{more}"
    finding = Finding(first.at, "W702", message, EXPLAINED, Severity.NOTE)
    return source.problem(finding)
