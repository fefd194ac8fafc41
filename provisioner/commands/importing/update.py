"""``import --update``: manifests brought up to what is live, by the smallest edits.

What differs is the planner's business; here each difference is written where it comes from.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from provisioner.commands.importing.draft import wrong_in
from provisioner.commands.importing.element_override import (
    CannotAcceptError,
    missing_part,
    nested,
)
from provisioner.commands.importing.manifest_text import as_written
from provisioner.commands.importing.result import FileStatus, ImportedResource, ImportResult
from provisioner.errors import FileError, Finding, Location, Problem
from provisioner.errors.wording import listed
from provisioner.files.yaml_edit import Edit, NotEditableError, edited
from provisioner.manifests.declaration import Declaration
from provisioner.manifests.layers import OVERRIDES
from provisioner.manifests.project import Environment, environment_names
from provisioner.manifests.references import words_in
from provisioner.manifests.yaml.source import SourceFile, parse
from provisioner.model.documents import (
    entry_rule,
    in_order,
    indexes_by_label,
    parts_of_entry,
    split_of,
    value_at,
    without_defaults,
)
from provisioner.model.field_rules import PLAIN, FieldRule, rules_along
from provisioner.model.paths import Key, Path, has, path_text
from provisioner.model.plan import ABSENT, Action, FieldChange, Step
from provisioner.model.resource import Resource
from provisioner.model.secret import references
from provisioner.model.selection import Selection
from provisioner.workflow.plan import make_plan
from provisioner.workflow.scope import PlanOptions
from provisioner.workflow.session import Session

OURS = ("owner", "provisioner_applied", "lifecycle")
"""What our marks say, and no manifest has to."""


@dataclass(slots=True)
class _Files:
    """The files as they were, and as they are to be."""

    sources: dict[str, SourceFile] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    added: set[tuple[str, Location]] = field(default_factory=set)
    """What was added as a whole, by address: nothing inside of it is left to add."""

    def source(self, source: SourceFile) -> SourceFile:
        """``source`` with the edits that were made so far."""
        file = source.text.file
        self.before.setdefault(file, source.text.content)
        return self.sources.setdefault(file, source)

    def undo_wrong(self, environment: Environment) -> Iterator[Problem]:
        """Take back what made of a file no good manifest any more, and say why."""
        its_own = environment.source.text.file if environment.source else ""
        for file, source in self.sources.items():
            is_edited = file != its_own and self.before[file] != source.text.content
            at_fault = wrong_in(source, environment) if is_edited else ()
            if at_fault:
                self.sources[file] = parse(file, self.before[file].encode())
                yield from (_not_good(problem) for problem in at_fault)

    def outcome(self, step: Step, file: str, written: bool) -> ImportedResource:
        """What became of ``file`` for the resource of ``step``, if that was ``written``."""
        before = self.before.get(file, "")
        text = self.sources[file].text.content if file in self.sources else ""
        fate = FileStatus.CHANGED if written and text != before else FileStatus.SAME
        return ImportedResource(step.address, step.name, file, fate, text, before)


def update_manifests(session: Session, selection: Selection) -> ImportResult:
    """The files of the environment with what is live, as outcomes per resource and file.

    Raises as ``make_plan`` does. What cannot be written is a problem, and the others go on.
    """
    plan = make_plan(session, PlanOptions(selection))
    declared = {declaration.address: declaration for declaration in session.loaded.declarations}
    files, problems = _Files(), list[Problem]()
    rows_of: list[tuple[Step, str, bool]] = []
    for step in plan.steps:
        declaration = declared.get(step.address)
        if declaration is None or step.action is Action.ORPHAN:
            continue
        written = set[str]()
        for change in _pending(step, declaration):
            try:
                written.add(_write(session, declaration, change, files))
            except CannotAcceptError as error:
                problems.append(_problem(declaration, change, error))
        at = sorted(written or {declaration.source.text.file})
        rows_of += [(step, file, bool(written)) for file in at]
    problems += files.undo_wrong(session.environment)
    rows = tuple(files.outcome(*row) for row in rows_of)
    command = f"provisioner plan -e {session.environment.name}"
    return ImportResult(rows, tuple(problems), tuple(_notes(session, rows)), (command,))


def _pending(step: Step, declaration: Declaration) -> Iterator[FieldChange]:
    """The differences that are to be accepted."""
    if step.action is Action.CREATE and step.desired is not None:
        yield FieldChange(("name",), ABSENT, step.name)
        return
    changes = [
        change
        for change in step.changes
        if change.action is not Action.KEEP and change.path[0] not in OURS
    ]
    # What is taken out of a list moves what stands behind it: last, and from the end.
    yield from (change for change in changes if change.before is not ABSENT)
    gone = [change for change in changes if change.before is ABSENT]
    yield from sorted(gone, key=lambda change: _place(declaration, change), reverse=True)


def _place(declaration: Declaration, change: FieldChange) -> tuple[tuple[int, str], ...]:
    at = location(declaration.document, change.path, declaration.kind.schema.rules()).at
    return tuple((step, "") if isinstance(step, int) else (0, step) for step in at)


def _write(session: Session, declaration: Declaration, change: FieldChange, files: _Files) -> str:
    """Edit the file that the value comes from; its name. Raises CannotAcceptError."""
    if change.path == ("name",):
        raise CannotAcceptError(
            "it does not exist in the workspace",
            f"apply creates it; if you do not want it, remove its entry at {declaration.where}",
        )
    path = _known_path(change.path, declaration.kind.schema.rules())
    rules = rules_along(declaration.kind.schema.rules(), path)
    if any(rule.write_only for rule in rules) or any(references([change.before, change.after])):
        raise CannotAcceptError(
            "the service does not show it", "apply sends the value of the manifest"
        )
    at = location(declaration.document, path, declaration.kind.schema.rules())
    key = (str(declaration.address), at.at)
    if at.path != change.path or not at.is_there:
        value = _portrayed(session, declaration, at.path)
    else:
        value = change.before
    if value is ABSENT and not at.is_there:
        value = change.before if at.path == change.path else ABSENT
    source, origin = declaration.origin(at.at if at.is_there else at.at[:-1])
    if declaration.entry.element and not _is_its_own(declaration, origin, source, session):
        return _override(session, declaration, at, as_manifest(value, at), files)
    current = files.source(source)
    if not at.is_there:
        if key in files.added and not isinstance(at.at[-1], int):
            return source.text.file
        files.added.add(key)
        origin = (*origin, _free(current.data, origin, at.at[-1]))
    _refuse_references(current, origin, session)
    _edit(files, source, Edit(origin, as_manifest(value, at), at.around))
    return source.text.file


def _is_its_own(
    declaration: Declaration, origin: Location, source: SourceFile, session: Session
) -> bool:
    """Whether what stands at ``origin`` is of this element of a `for_each` alone."""
    own = (OVERRIDES, declaration.kind.name, declaration.entry.key)
    return source is session.environment.source and origin[: len(own)] == own


def _override(
    session: Session, declaration: Declaration, at: Placement, value: Any, files: _Files
) -> str:
    """Lay ``value`` over one element of a `for_each`; the name of the environment's file.

    The block is of all elements, so it stays as it is. Raises CannotAcceptError.
    """
    source = session.environment.source
    block = declaration.address.block
    if source is None:
        why = (
            f"the block `{block}` applies to all of its elements, and the environment has "
            "no file for overrides"
        )
        raise CannotAcceptError(why, "create a file for the environment")
    if value is ABSENT:
        why = (
            f"the block `{block}` applies to all of its elements, and only this element "
            "does not have the value"
        )
        hint = f"remove it with `null` in `overrides:`, below `{declaration.entry.key}`"
        raise CannotAcceptError(why, hint)
    override = nested(at.path, value, declaration.kind.schema.rules())
    whole = {OVERRIDES: {declaration.kind.name: {declaration.entry.key: override}}}
    where, part = missing_part(files.source(source).data, whole)
    _edit(files, source, Edit(where, part, PLAIN))
    return source.text.file


def _free(data: Any, at: Location, step: str | int) -> str | int:
    """Behind the last entry of a list as it is by now; ``step`` for a mapping."""
    for name in at:
        data = data[name]
    return len(data) if isinstance(data, list) else step


def _known_path(path: Path, rule: FieldRule) -> Path:
    """``path``, but no further than a list whose entries nothing tells apart."""
    for index, segment in enumerate(path):
        if isinstance(segment, str):
            rule = rule.fields.get(segment, PLAIN)
        elif not (rule.list_key or rule.mapping):
            return path[:index]
        else:
            rule = entry_rule(rule)
    return path


def _portrayed(session: Session, declaration: Declaration, path: Path) -> Any:
    """What a first manifest of the live resource would have at ``path``."""
    importer = declaration.kind.importing
    blocks = {**declaration.document, **(importer.all_blocks if importer else {})}
    live = session.drivers[declaration.kind.name].read(
        Resource(declaration.address, declaration.name, blocks)
    )
    if live is None or importer is None:
        return ABSENT
    generated = importer.generate(live, declaration.address.key)
    return value_at(generated.document, path, declaration.kind.schema.rules())


def _refuse_references(source: SourceFile, at: Location, session: Session) -> None:
    """Raise CannotAcceptError where what is written at ``at`` or around it is a reference."""
    value = source.data
    for index, step in enumerate((*at, "")):
        if isinstance(value, str):
            words = [word for _, word in words_in(value)]
            if words:
                place = source.position(at[:index])
                raise CannotAcceptError(f"{place} contains `{value}`", _by_hand(words[0], session))
        if not has(value, (step,)):
            return
        value = value[step]


def _by_hand(word: str, session: Session) -> str:
    kind, _, name = word.partition(".")
    source = session.environment.source
    at = ("variables", name)
    if kind == "var" and source and source.has(at):
        return f"change the variable by hand, at {source.position(at)}"
    return f"change the value of `${{{word}}}` by hand"


def _edit(files: _Files, source: SourceFile, edit: Edit) -> None:
    current = files.source(source)
    value = as_typed(current.data, edit)
    edit = replace(edit, value=value)
    try:
        text = edited(current.text.content, edit)
        made = parse(source.text.file, text.encode())
    except NotEditableError as error:
        raise CannotAcceptError(str(error), "write it by hand") from error
    except FileError as error:
        raise CannotAcceptError("no safe edit is possible here", "write it by hand") from error
    if made.data != expected(current.data, edit):
        raise CannotAcceptError("other places use this value", "write it by hand")
    files.sources[source.text.file] = made


def _problem(declaration: Declaration, change: FieldChange, error: CannotAcceptError) -> Problem:
    where = path_text(change.path)
    message = f"`{where}` is not updated: {error.why}"
    problem = declaration.placed([Finding((), "E835", message, error.hint, key=True)])
    return problem[0]


def _not_good(problem: Problem) -> Problem:
    message = (
        f"the live values are not a valid manifest, so the file is unchanged: {problem.message}"
    )
    return replace(problem, code="E836", message=message)


def _notes(session: Session, rows: Sequence[ImportedResource]) -> Iterator[str]:
    others = [
        name for name in environment_names(session.project.root) if name != session.environment.name
    ]
    shared = any(
        row.fate is FileStatus.CHANGED and row.file.startswith("environments/") for row in rows
    )
    if others and not shared and any(row.fate is FileStatus.CHANGED for row in rows):
        names = listed(others)
        yield f"manifests apply to all environments: also check the plans of {names}"


# Where in a document a live value belongs, and what the document is with it. Pure.


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
