"""``import --from-bundle``: manifests and environments out of a Databricks bundle, offline."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from provisioner.commands.importing.draft import new_file, root_near, schema_path, unless_there
from provisioner.commands.importing.manifest_text import (
    ManifestEntry,
    check_pattern,
    file_of,
    manifest,
)
from provisioner.commands.importing.result import ImportedResource, ImportResult
from provisioner.errors import FileError
from provisioner.files.yaml_text import lines
from provisioner.kinds import KINDS
from provisioner.manifests.files import read
from provisioner.manifests.project import FOLDER, PROJECT_FILE
from provisioner.manifests.yaml.source import parse
from provisioner.model.documents import in_order
from provisioner.model.field_rules import FieldRule
from provisioner.model.importing import GeneratedManifest
from provisioner.model.paths import Document
from provisioner.model.plan import Address

KNOWN: Final = ("bundle", "include", "resources", "variables", "targets", "workspace")
OF_TARGETS: Final = ("default", "mode", "presets", "resources", "variables", "workspace")
FROM_ENVIRONMENT: Final = "BUNDLE_VAR_"
"""How the Databricks CLI names the environment variables that set a bundle's variables."""

_REFERENCE: Final = re.compile(r"\$\{([^{}]*)\}")
_VARIABLE: Final = re.compile(r"\$\{var\.([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)
_MEANT_HERE: Final = re.compile(r"var\.[A-Za-z_][A-Za-z0-9_]*|bundle\.target|env\.\w+", re.ASCII)
_PREFIX: Final = re.compile(r"[A-Za-z0-9_-]{0,40}", re.ASCII)

Resources = dict[str, dict[str, Document]]


@dataclass(frozen=True, slots=True)
class ConvertedBundle:
    """``resources`` are those of our kinds, ``environments`` the documents of their files.

    ``left`` names in words what has no place in either.
    """

    name: str
    resources: Resources
    environments: Mapping[str, Document]
    left: tuple[str, ...]


@dataclass(slots=True)
class _Bundle:
    """All files of a bundle as one."""

    data: Document
    kinds: Collection[str]
    left: dict[str, None] = field(default_factory=dict)

    def resources(self, data: Any) -> Resources:
        """The resources of our kinds in ``data``, references resolved as far as they go."""
        found = _mapping(_mapping(data).get("resources"))
        for kind in found.keys() - set(self.kinds):
            self.left[f"`{kind}`: a kind that provisioner does not manage"] = None
        return {
            kind: {key: self._resolved(doc) for key, doc in _mapping(found[kind]).items()}
            for kind in self.kinds
            if _mapping(found.get(kind))
        }

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._resolved(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._resolved(inner) for inner in value]
        return _REFERENCE.sub(self._reference, value) if isinstance(value, str) else value

    def _reference(self, found: re.Match[str]) -> str:
        word = found[1]
        if _MEANT_HERE.fullmatch(word):
            return found[0]
        at: Any = self.data
        for step in word.split("."):
            at = _mapping(at).get(step)
        is_static = word.startswith(("resources.", "bundle.name"))
        if is_static and isinstance(at, str) and "${" not in at:
            return at
        self.left[f"`{found[0]}`: write what it stands for, or a variable"] = None
        return found[0]


def convert(files: Iterable[Document], kinds: Collection[str]) -> ConvertedBundle:
    """``files`` are the bundle's own file and the ones it includes, as data."""
    whole: Document = {}
    for one in files:
        whole = _joined(whole, one)
    bundle = _Bundle(whole, kinds)
    resources = bundle.resources(whole)
    targets = _mapping(whole.get("targets"))
    environments = {
        name: _environment(bundle, name, _mapping(target), resources)
        for name, target in targets.items()
    }
    for name in whole:
        if name not in KNOWN and not name.startswith("x-"):
            bundle.left[f"`{name}`: nothing of ours corresponds to it"] = None
    title = _mapping(whole.get("bundle")).get("name")
    return ConvertedBundle(str(title or "bundle"), resources, environments, tuple(bundle.left))


def _environment(bundle: _Bundle, name: str, target: Document, resources: Resources) -> Document:
    made: Document = {"workspace": _workspace(bundle, name, target)}
    overrides = bundle.resources(target)
    variables = _variables(bundle, name, target, [resources, overrides])
    if variables:
        made["variables"] = variables
    prefix = _mapping(target.get("presets")).get("name_prefix")
    if isinstance(prefix, str) and _PREFIX.fullmatch(prefix):
        made["name_prefix"] = prefix
    elif prefix or target.get("mode") == "development":
        bundle.left[f"target `{name}`: its prefix of names; set `name_prefix` in its file"] = None
    if overrides:
        made["overrides"] = overrides
    if target.get("mode") == "production":
        made["protected"] = True
    for field_name in target:
        if field_name not in OF_TARGETS:
            bundle.left[f"target `{name}`: `{field_name}`"] = None
    return made


def _workspace(bundle: _Bundle, name: str, target: Document) -> Document:
    settings = {**_mapping(bundle.data.get("workspace")), **_mapping(target.get("workspace"))}
    for field_name in ("host", "profile"):
        value = settings.get(field_name)
        if isinstance(value, str) and "${" not in value:
            return {field_name: value}
    bundle.left[f"target `{name}`: it names no workspace; write its host into its file"] = None
    return {"emulator": f".provisioner/{name}.sqlite"}


def _variables(bundle: _Bundle, name: str, target: Document, users: list[Resources]) -> Document:
    declared = _mapping(bundle.data.get("variables"))
    given = _mapping(target.get("variables"))
    values: Document = {}
    wanted = list(_used(users))
    while wanted:
        variable = wanted.pop(0)
        if variable in values:
            continue
        values[variable] = _value(declared.get(variable), given.get(variable), variable)
        if str(values[variable]).startswith("${env."):
            bundle.left[f"variable `{variable}`: its value is taken from {values[variable]}"] = None
        wanted += _used(values[variable])
    return {variable: values[variable] for variable in sorted(values)}


def _value(declared: Any, given: Any, name: str) -> Any:
    for one in (given, declared):
        if isinstance(one, Mapping) and "default" in one:
            return one["default"]
        if one is not None and not isinstance(one, Mapping):
            return one
    return f"${{env.{FROM_ENVIRONMENT}{name}}}"


def _used(value: Any) -> Iterator[str]:
    yield from dict.fromkeys(_VARIABLE.findall(json.dumps(value, default=str)))


def _joined(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {
            name: _joined(one[name], other[name])
            if name in one and name in other
            else one.get(name, other.get(name))
            for name in dict.fromkeys((*one, *other))
        }
    return other


def _mapping(value: Any) -> Document:
    return value if isinstance(value, dict) else {}


OF_ENVIRONMENT = FieldRule(fields={"variables": FieldRule(mapping=True)})
WRITTEN_FIRST = ("workspace", "variables", "name_prefix", "overrides", "protected")


def import_bundle(folder: Path | None, bundle: Path, to: str) -> tuple[Path, ImportResult]:
    """The project's root, and what the bundle whose file is ``bundle`` becomes there.

    Raises FileError for files that cannot be read, UsageError for ``to``.
    """
    check_pattern(to)
    root = root_near(folder, bundle.parent)
    made = convert(_files(bundle), tuple(KINDS))
    if not made.resources:
        message = f"`{bundle}` declares nothing that provisioner manages"
        raise FileError.of("E837", message, f"managed are {', '.join(KINDS)}")
    new = [*_project(root, made), *_environments(made), *_manifests(root, made.resources, to)]
    outcomes, problems = unless_there(root, new)
    notes = tuple(f"left: {words}" for words in made.left)
    return root, ImportResult(outcomes, problems, notes, tuple(_commands(made)))


def _files(bundle: Path) -> Iterator[dict[str, Any]]:
    folder = bundle.parent
    first = _data(folder, bundle.name)
    yield first
    patterns = first.get("include")
    for pattern in patterns if isinstance(patterns, list) else ():
        for path in sorted(folder.glob(str(pattern))):
            yield _data(folder, path.relative_to(folder).as_posix())


def _data(folder: Path, name: str) -> dict[str, Any]:
    data = parse(name, read(folder, name)).data
    return data if isinstance(data, dict) else {}


def _project(root: Path, made: ConvertedBundle) -> Iterator[ImportedResource]:
    if not (root / PROJECT_FILE).exists():
        name = re.sub(r"[^a-z0-9_-]+", "-", made.name.lower()).strip("-_")[:63] or "project"
        yield new_file(Address("project", name), PROJECT_FILE, f"project: {name}\n")


def _environments(made: ConvertedBundle) -> Iterator[ImportedResource]:
    for name, document in made.environments.items():
        ordered = {field: document[field] for field in WRITTEN_FIRST if field in document}
        text = "\n".join(lines(ordered, OF_ENVIRONMENT)) + "\n"
        yield new_file(Address("environment", name), f"{FOLDER}/{name}.yaml", text)


def _manifests(root: Path, resources: Resources, to: str) -> Iterator[ImportedResource]:
    held: dict[str, list[ManifestEntry]] = {}
    for kind, found in resources.items():
        for key, written in found.items():
            rules, migrate = KINDS[kind].schema.rules(), KINDS[kind].schema.migrate_legacy
            today = migrate(written)[0] if migrate else written
            generated = GeneratedManifest(in_order(today, rules))
            file = file_of(to, key, str(today.get("name", key)), held)
            entry = ManifestEntry(Address(kind, key), generated, rules, references=True)
            held.setdefault(file, []).append(entry)
    for file, entries in held.items():
        text = manifest(entries, schema_path(root, file))
        for one in entries:
            name = str(one.generated.document.get("name", one.address.key))
            yield new_file(one.address, file, text, name)


def _commands(made: ConvertedBundle) -> Iterator[str]:
    yield "provisioner validate"
    targets = [f" -t {name}" for name in made.environments] or [""]
    for target in targets:
        for found in made.resources.values():
            for key in found:
                yield f"databricks bundle deployment unbind {key}{target}"
