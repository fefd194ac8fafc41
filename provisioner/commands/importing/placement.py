"""Where in a document a live value belongs, and what the document is with it. Pure."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

from provisioner.commands.importing.manifest_text import as_written
from provisioner.errors import Location
from provisioner.files.yaml_edit import Edit
from provisioner.model.documents import (
    entry_rule,
    in_order,
    indexes_by_label,
    parts_of_entry,
    split_of,
    without_defaults,
)
from provisioner.model.field_rules import PLAIN, FieldRule
from provisioner.model.paths import Key, Path, has
from provisioner.model.plan import ABSENT


class CannotAcceptError(Exception):
    """Why a difference cannot be written; ``hint`` says what to do by hand."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.why, self.hint = why, hint


class Placement(NamedTuple):
    """Where a value belongs: ``at`` in the document, which is ``path`` of the plan.

    ``around`` is the rule of what is around it. ``is_there``: the document has it already.
    """

    at: Location
    path: Path
    around: FieldRule
    is_there: bool


def location(document: Any, path: Path, rule: FieldRule) -> Placement:
    """Where ``path`` is in ``document``, or the outermost part of it that is missing there."""
    at: Location = ()
    for index, segment in enumerate(path):
        step, inner = _step(document, segment, rule)
        at = (*at, step)
        is_there = has(document, (step,))
        if not is_there or index == len(path) - 1:
            field = _shared_field(document, segment, rule)
            # Beside the other part of its entry a part is but one field.
            at, rule = ((*at, field), inner) if field else (at, rule)
            return Placement(at, path[: index + 1], rule, is_there)
        document, rule = document[step], inner
    return Placement(at, path, rule, is_there=True)


def as_manifest(value: Any, placement: Placement) -> Any:
    """The live ``value`` as the manifest has to have it at ``placement``."""
    step = placement.at[-1]
    if value is ABSENT:
        return value
    if isinstance(step, int):
        # The list knows what tells its entries apart; the rule of an entry does not.
        (made,) = without_defaults(in_order([value], placement.around), placement.around)
        return as_written(made)
    rule = placement.around.fields.get(step, PLAIN)
    return as_written(without_defaults(in_order(value, rule), rule))


def _step(here: Any, segment: str | Key, rule: FieldRule) -> tuple[str | int, FieldRule]:
    if isinstance(segment, str):
        return segment, rule.fields.get(segment, PLAIN)
    if not isinstance(here, list):
        return segment.value, PLAIN
    indexes = indexes_by_label(here, rule)
    if segment.value in indexes:
        return indexes[segment.value], entry_rule(rule)
    return (0 if list(indexes) == [""] else len(here)), entry_rule(rule)


def _shared_field(here: Any, segment: str | Key, rule: FieldRule) -> str:
    """The field that makes ``segment`` a part of an entry with several; ``""`` for a whole one."""
    if not isinstance(segment, Key) or not isinstance(here, list):
        return ""
    indexes = indexes_by_label(here, rule)
    index = indexes.get(segment.value)
    if index is None or list(indexes.values()).count(index) == 1:
        return ""
    own = [label for label in indexes if indexes[label] == index].index(segment.value)
    return split_of(parts_of_entry(here[index], rule)[own], rule)


def expected(data: Any, edit: Edit) -> Any:
    """What ``data`` has to be after ``edit``."""
    data = copy.deepcopy(data)
    here = data
    for step in edit.at[:-1]:
        here = here[step]
    last = edit.at[-1]
    if edit.value is ABSENT:
        del here[last]
    elif isinstance(here, list) and last == len(here):
        here.append(edit.value)
    else:
        here[last] = edit.value
    return data


def as_typed(data: Any, edit: Edit) -> Any:
    """Digits stay a number where a number was written for the text."""
    if not has(data, edit.at) or not isinstance(edit.value, str):
        return edit.value
    for step in edit.at:
        data = data[step]
    is_number = type(data) is int and edit.value.isdecimal() and edit.value[0] != "0"
    return int(edit.value) if is_number else edit.value
