"""``import --from-bundle``: manifests and environments out of a Databricks bundle, offline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from provisioner.errors import FileError
from provisioner.importing.bundle import Converted, Resources, convert
from provisioner.importing.manifest import Entry, manifest
from provisioner.importing.names import check_pattern, file_of
from provisioner.kinds import KINDS
from provisioner.manifests.files import read
from provisioner.manifests.project import FOLDER, PROJECT_FILE
from provisioner.manifests.source import parse
from provisioner.new_manifests import new_file, root_near, schema_path, unless_there
from provisioner.plan import Address
from provisioner.portrait import Imported, Outcome, Portrait
from provisioner.semantics import FieldRule
from provisioner.writing import in_order
from provisioner.yaml_text import lines

OF_ENVIRONMENT = FieldRule(fields={"variables": FieldRule(mapping=True)})
WRITTEN_FIRST = ("workspace", "variables", "name_prefix", "overrides", "protected")


def bring_in_bundle(folder: Path | None, bundle: Path, to: str) -> tuple[Path, Imported]:
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
    return root, Imported(outcomes, problems, notes, tuple(_commands(made)))


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


def _project(root: Path, made: Converted) -> Iterator[Outcome]:
    if not (root / PROJECT_FILE).exists():
        name = re.sub(r"[^a-z0-9_-]+", "-", made.name.lower()).strip("-_")[:63] or "project"
        yield new_file(Address("project", name), PROJECT_FILE, f"project: {name}\n")


def _environments(made: Converted) -> Iterator[Outcome]:
    for name, document in made.environments.items():
        ordered = {field: document[field] for field in WRITTEN_FIRST if field in document}
        text = "\n".join(lines(ordered, OF_ENVIRONMENT)) + "\n"
        yield new_file(Address("environment", name), f"{FOLDER}/{name}.yaml", text)


def _manifests(root: Path, resources: Resources, to: str) -> Iterator[Outcome]:
    held: dict[str, list[Entry]] = {}
    for kind, found in resources.items():
        for key, written in found.items():
            rules, modernise = KINDS[kind].rules(), KINDS[kind].modernise
            today = modernise(written)[0] if modernise else written
            portrait = Portrait(in_order(today, rules))
            file = file_of(to, key, str(today.get("name", key)), held)
            entry = Entry(Address(kind, key), portrait, rules, references=True)
            held.setdefault(file, []).append(entry)
    for file, entries in held.items():
        text = manifest(entries, schema_path(root, file))
        for one in entries:
            name = str(one.portrait.document.get("name", one.address.key))
            yield new_file(one.address, file, text, name)


def _commands(made: Converted) -> Iterator[str]:
    yield "provisioner validate"
    targets = [f" -t {name}" for name in made.environments] or [""]
    for target in targets:
        for found in made.resources.values():
            for key in found:
                yield f"databricks bundle deployment unbind {key}{target}"
