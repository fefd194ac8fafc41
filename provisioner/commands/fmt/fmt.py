"""``fmt``: the project's YAML files in one order and indentation, and not a value changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from provisioner.errors import FileError, Location, Position, Problem, UsageError
from provisioner.files.write import replace_file
from provisioner.files.yaml_edit import Edit, NotEditableError, edited
from provisioner.files.yaml_format import ANY, NotArrangeableError, arranged
from provisioner.files.yaml_layout import layout, node_at
from provisioner.kinds import KINDS
from provisioner.manifests.files import manifest_files, read
from provisioner.manifests.for_each import FOR_EACH
from provisioner.manifests.project import (
    FOLDER,
    PROJECT_FILE,
    environment_names,
    find_root,
    read_environment,
)
from provisioner.manifests.yaml.source import SourceFile, parse
from provisioner.model import schemas
from provisioner.model.field_rules import PLAIN, FieldRule, rules_in
from provisioner.model.rollout_block import BLOCK, short_form


@dataclass(frozen=True, slots=True)
class FormatResult:
    """``changed``: by file its text as it is and as it is to be. ``looked_at`` counts all."""

    root: Path
    changed: dict[str, tuple[str, str]]
    looked_at: int
    problems: tuple[Problem, ...]


def formatted(folder: Path | None, files: Sequence[Path]) -> FormatResult:
    """What would change in ``files``, or in all files of the project around ``folder``.

    Files with errors stay as they are; the errors are problems. Raises FileError where there
    is no project, UsageError for a file outside of it.
    """
    root = find_root(folder or Path.cwd())
    changed: dict[str, tuple[str, str]] = {}
    problems: list[Problem] = []
    names = _names(root, files, problems)
    for name in names:
        try:
            source = parse(name, read(root, name))
            text = _arranged(_with_short_steps(source), rules_of(name))
        except FileError as error:
            problems += error.problems
            continue
        if text != source.text.content:
            changed[name] = (source.text.content, text)
    return FormatResult(root, changed, len(names), tuple(dict.fromkeys(problems)))


def write(result: FormatResult) -> None:
    """Write what changed. Raises FileError."""
    for name, (_, text) in result.changed.items():
        try:
            replace_file(result.root / name, text)
        except OSError as error:
            raise FileError.of("E802", f"cannot write {name}: {error.strerror}") from error


def _names(root: Path, files: Sequence[Path], problems: list[Problem]) -> list[str]:
    if files:
        return [_below(root, file) for file in files]
    names = {PROJECT_FILE: None}
    for name in environment_names(root):
        file = f"{FOLDER}/{name}.yaml"
        if (root / file).is_file():
            names[file] = None
        try:
            manifests = manifest_files(root, read_environment(root, name).manifests)
        except FileError as error:
            problems += error.problems
            continue
        names |= dict.fromkeys(manifests)
    return list(names)


def _below(root: Path, file: Path) -> str:
    try:
        return file.resolve().relative_to(root).as_posix()
    except ValueError as error:
        message = f"`{file}` is outside the project"
        raise UsageError.of("E839", message, "pass its project with -C") from error


def _with_short_steps(source: SourceFile) -> SourceFile:
    """``source`` with the steps of rollouts in their short form, of the two that mean the same."""
    content = source.text.content
    for at in _long_steps(source):
        node = node_at(layout(content), at)
        # A comment in the long form has no place in the short one.
        if node is None or "#" in content[node.start : node.end]:
            continue
        try:
            content = edited(content, Edit(at, short_form(source.value(at))))
        except NotEditableError:
            continue
    changed = content != source.text.content
    return parse(source.text.file, content.encode()) if changed else source


def _long_steps(source: SourceFile) -> Iterator[Location]:
    for section in ("resources", "overrides"):
        for kind, key, resource in _resources(source.data, section):
            block = resource.get(BLOCK)
            steps = block.get("steps") if isinstance(block, Mapping) else None
            for index, step in enumerate(steps if isinstance(steps, list) else ()):
                if short_form(step):
                    yield (section, kind, key, BLOCK, "steps", index)


def _resources(data: Any, section: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """The resources of kinds that can be rolled out: their kind, their key and what they say."""
    kinds = data.get(section) if isinstance(data, Mapping) else None
    for kind, resources in (kinds if isinstance(kinds, Mapping) else {}).items():
        if kind in KINDS and KINDS[kind].rollout and isinstance(resources, Mapping):
            for key, resource in resources.items():
                if isinstance(resource, Mapping):
                    yield kind, key, resource


def _arranged(source: SourceFile, rules: FieldRule) -> str:
    """The text of ``source`` laid out. Raises FileError where that cannot be done safely."""
    name = source.text.file
    try:
        text = arranged(source.text.content, rules)
        same = parse(name, text.encode()).data == source.data
    except (NotArrangeableError, FileError):
        same = False
    if not same:
        hint = "format it by hand: it contains YAML that `fmt` does not support"
        message = "cannot format this file without changing its values"
        raise FileError.of("E839", message, hint, where=Position(name))
    return text


def rules_of(name: str) -> FieldRule:
    """The rules of the file ``name``: of the project, an environment or a manifest."""
    if name == PROJECT_FILE:
        return rules_in(schemas.schema("project"))
    if name.startswith(f"{FOLDER}/"):
        return _of_environment()
    return FieldRule(fields={"resources": _by_kind(keys=True), "removed": FieldRule(mapping=True)})


def _of_environment() -> FieldRule:
    names = rules_in(schemas.schema("environment")).fields
    layers = {"defaults": _by_kind(keys=False), "overrides": _by_kind(keys=True)}
    free = FieldRule(mapping=True)
    return FieldRule(fields={name: layers.get(name, free) for name in names})


def _by_kind(*, keys: bool) -> FieldRule:
    """The rules below a kind's name: of a resource, or of one below each key."""
    kinds = {
        name: FieldRule(fields={ANY: _of_block(kind.schema.rules())}, mapping=True)
        if keys
        else kind.schema.rules()
        for name, kind in KINDS.items()
    }
    return FieldRule(fields=kinds, mapping=True)


def _of_block(rules: FieldRule) -> FieldRule:
    """The rules of a resource that may stand for several: what it is made for comes first."""
    return replace(rules, fields={FOR_EACH: PLAIN, **rules.fields})
