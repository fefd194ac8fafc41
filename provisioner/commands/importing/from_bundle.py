"""``import --from-bundle``: manifests and environments out of a Databricks bundle, offline.

In steps: read the bundle, lay each target over it as the CLI does, decide what environments
share, write manifests and environments in a folder of their own, and validate them there.
Only a project that is valid is written; else the problems are reported at the bundle's lines.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from provisioner.commands.importing.bundle import validation
from provisioner.commands.importing.bundle.documents import Documents, bundle_kinds, safe_key
from provisioner.commands.importing.bundle.files import BundleFiles, read_bundle
from provisioner.commands.importing.bundle.fold import mapping
from provisioner.commands.importing.bundle.layout import Layout, file_pattern, layout, own_place
from provisioner.commands.importing.bundle.references import NAME_PREFIX, TARGET, Resolver
from provisioner.commands.importing.bundle.targets import (
    PRODUCTION,
    Target,
    base_of,
    targets_of,
    unknown_names,
)
from provisioner.commands.importing.bundle.validation import problems_of
from provisioner.commands.importing.draft import (
    command_in,
    new_file,
    project_file,
    root_near,
    schema_path,
    unless_there,
)
from provisioner.commands.importing.manifest_text import (
    WrittenEntry,
    check_pattern,
    file_of,
    manifest,
)
from provisioner.commands.importing.result import ImportedResource, ImportResult
from provisioner.errors import FileError
from provisioner.errors.wording import listed
from provisioner.files.yaml_text import lines
from provisioner.kinds import KINDS
from provisioner.manifests.project import FOLDER
from provisioner.model.field_rules import FieldRule
from provisioner.model.importing import GeneratedManifest
from provisioner.model.paths import Document
from provisioner.model.plan import Address

OF_ENVIRONMENT: Final = FieldRule(fields={"variables": FieldRule(mapping=True)})
FOUND_BY_DEFAULT: Final = re.compile(r"manifests/.*\.yaml")


def import_bundle(folder: Path | None, bundle: Path, to: str) -> tuple[Path, ImportResult]:
    """Returns the project's root, and what the bundle whose file is ``bundle`` becomes there.

    Nothing is written here. Raises FileError for files that cannot be read and for a bundle
    that would become a project with errors, UsageError for ``to``.
    """
    check_pattern(to)
    root = root_near(folder, bundle.parent)
    made = _converted(read_bundle(bundle), bundle)
    new = [
        *project_file(root, made.name),
        *_environments(root, made, to),
        *_manifests(root, made, to),
    ]
    outcomes, problems = unless_there(root, new)
    # Beside other files of the same names the new ones mean something else: reported already.
    if not problems:
        files = {draft.file: draft.text for draft in new}
        wrong = problems_of(root, files, made.bundle, [target.name for target in made.targets])
        if wrong:
            raise FileError(wrong)
    notes = tuple(dict.fromkeys(_notes(made, root)))
    return root, ImportResult(outcomes, problems, notes, tuple(_commands(made, root)))


@dataclass(frozen=True, slots=True)
class _Converted:
    """A bundle in our terms. ``targets`` are those that have anything to manage."""

    bundle: BundleFiles
    targets: tuple[Target, ...]
    empty: tuple[str, ...]
    layout: Layout

    @property
    def name(self) -> str:
        return str(mapping(self.bundle.data.get("bundle")).get("name") or "bundle")

    @property
    def needs_environments(self) -> bool:
        """Whether anything has to be said about an environment."""
        only = self.targets[0]
        alone = not self.bundle.targets and not only.workspace
        # The environment without a file is named `local`, and the target of the CLI is not.
        is_named = TARGET in str(list(only.documents.values()))
        return not alone or is_named or bool(self.variables(only)[0])

    def variables(self, target: Target) -> tuple[Document, tuple[str, ...]]:
        """The variables of an environment, and those of them that have no value."""
        documents = list(self.layout.manifests_of(target.name).values())
        overrides = list(self.layout.overrides.get(target.name, {}).values())
        return target.variables([documents, overrides, target.prefix])


def _converted(bundle: BundleFiles, path: Path) -> _Converted:
    every = tuple(targets_of(bundle))
    targets = tuple(target for target in every if target.documents)
    if not targets:
        message = f"`{path}` declares no resource that provisioner manages"
        raise FileError.of("E837", message, f"provisioner manages {listed(KINDS)}")
    resolver = targets[0].resolver
    base = base_of(bundle, Resolver(bundle.data, resolver.has_prefix, resolver.derived))
    for target in targets:
        # A variable that one target needs is needed by what all of them share.
        resolver.derived.update(target.resolver.derived)
        target.resolver.derived = resolver.derived
    empty = tuple(target.name for target in every if not target.documents)
    return _Converted(bundle, targets, empty, layout(base, targets))


def _environments(root: Path, made: _Converted, to: str) -> Iterator[ImportedResource]:
    # Without anything to say the environment `local` is there without a file.
    if not made.needs_environments:
        return
    for target in made.targets:
        text = "\n".join(lines(_environment(root, made, target, to), OF_ENVIRONMENT)) + "\n"
        file = f"{FOLDER}/{target.name}.yaml"
        yield new_file(Address("environment", target.name), file, text)


def _environment(root: Path, made: _Converted, target: Target, to: str) -> Document:
    variables, _ = made.variables(target)
    prefix = f"${{var.{NAME_PREFIX}}}" if NAME_PREFIX in variables else target.prefix
    overrides: dict[str, dict[str, Document]] = {}
    for address, part in made.layout.overrides.get(target.name, {}).items():
        overrides.setdefault(address.kind, {})[address.key] = part
    sections: Document = {
        "workspace": target.workspace or {"emulator": f".provisioner/{target.name}.sqlite"},
        "manifests": _patterns(made.layout, target.name, to),
        "variables": variables,
        "name_prefix": prefix,
        "overrides": overrides,
        "protected": target.mode == PRODUCTION,
    }
    return {name: value for name, value in sections.items() if value}


def _patterns(layout: Layout, environment: str, to: str) -> list[str]:
    """The manifests of ``environment``; empty where the default pattern finds exactly these."""
    if not any(layout.own.values()) and FOUND_BY_DEFAULT.fullmatch(to):
        return []
    shared = [file_pattern(to)] if layout.shared else []
    own = [file_pattern(own_place(to, environment))] if layout.own.get(environment) else []
    return [*shared, *own]


def _manifests(root: Path, made: _Converted, to: str) -> Iterator[ImportedResource]:
    keys = dict(_secret_keys(made))
    yield from _written(root, made.layout.shared, keys, to)
    for environment, documents in made.layout.own.items():
        yield from _written(root, documents, keys, own_place(to, environment))


def _secret_keys(made: _Converted) -> Iterator[tuple[str, set[str]]]:
    """By name of a scope the keys that endpoints of the bundle refer to."""
    names: dict[str, set[str]] = {}
    rules = {kind.name: rules for kind, rules in bundle_kinds()}
    for target in made.targets:
        for address, document in target.documents.items():
            for scope, key in rules[address.kind].secret_keys(document):
                names.setdefault(scope, set()).add(key)
    yield from names.items()


def _written(
    root: Path, documents: Documents, keys: dict[str, set[str]], to: str
) -> Iterator[ImportedResource]:
    rules = {kind.name: rules for kind, rules in bundle_kinds()}
    held: dict[str, list[WrittenEntry]] = {}
    for address, document in documents.items():
        with_keys = rules[address.kind].with_keys
        name = str(document.get("name", address.key))
        wanted = sorted(keys.get(name, ()))
        generated = with_keys(document, wanted) if with_keys else GeneratedManifest(document)
        file = file_of(to, address.key, name, held)
        field_rules = KINDS[address.kind].schema.rules()
        entry = WrittenEntry(address, generated, field_rules, references=True)
        held.setdefault(file, []).append(entry)
    for file, entries in held.items():
        text = manifest(entries, schema_path(root, file))
        for entry in entries:
            name = str(entry.generated.document.get("name", entry.address.key))
            yield new_file(entry.address, file, text, name)


def _notes(made: _Converted, root: Path) -> Iterator[str]:
    data = made.bundle.data
    yield from (f"skipped: {words}" for words in validation.lost(data, KINDS))
    for name, written in made.bundle.targets.items():
        yield from (
            f"skipped: {words}" for words in validation.lost_of_target(name, written, KINDS)
        )
    for name in made.empty:
        yield (
            f"target `{name}` contains no resource that provisioner manages: no environment "
            "is written"
        )
    for target in made.targets:
        yield from _unmanaged(target)
        for key in _written_keys(target):
            if safe_key(key) != key:
                yield (
                    f"`{key}` is not a valid key here: the key in the manifest is `{safe_key(key)}`"
                )
        if made.needs_environments:
            yield from _notes_of(made, target)
    if root.resolve() != Path.cwd().resolve():
        yield f"the project is in {root}"


def _unmanaged(target: Target) -> Iterator[str]:
    """The fields of resources that no manifest has."""
    resources = mapping(target.data.get("resources"))
    for kind, rules in bundle_kinds():
        for key, raw in mapping(resources.get(kind.name)).items():
            for name in mapping(raw):
                if name in rules.unmanaged:
                    yield f"skipped: `{name}` of {kind.name}.{key}: {rules.unmanaged[name]}"


def _notes_of(made: _Converted, target: Target) -> Iterator[str]:
    file = f"{FOLDER}/{target.name}.yaml"
    variables, missing = made.variables(target)
    if not target.workspace:
        yield f"target `{target.name}` names no workspace; write its host into {file}"
    for name in missing:
        value = variables[name]
        yield f"variable `{name}` has no default; its value in {target.name} is taken from {value}"
    for name in unknown_names(variables):
        yield (
            f"set `{name}` in {file} to your user name: the Databricks CLI adds the name of "
            "the deploying user to names; `databricks current-user me` shows it"
        )


def _commands(made: _Converted, root: Path) -> Iterator[str]:
    yield command_in(root, "provisioner validate")
    for target in made.targets:
        option = f" -t {shlex.quote(target.name)}" if made.bundle.targets else ""
        for key in _written_keys(target):
            yield f"databricks bundle deployment unbind {shlex.quote(key)}{option}"


def _written_keys(target: Target) -> Iterator[str]:
    """The keys of resources as the bundle has them, which its CLI asks for."""
    resources = mapping(target.data.get("resources"))
    for kind, _ in bundle_kinds():
        yield from mapping(resources.get(kind.name))
