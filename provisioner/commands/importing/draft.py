"""What every new manifest has to pass before it is written, and how it is written."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from provisioner.commands.importing.manifest_text import WrittenEntry, manifest
from provisioner.commands.importing.result import FileStatus, ImportedResource
from provisioner.errors import FileError, Finding, Problem, Severity
from provisioner.files.write import replace_file
from provisioner.kinds import KINDS
from provisioner.manifests.declaration import declared
from provisioner.manifests.envelope import entries_of
from provisioner.manifests.layers import Layers
from provisioner.manifests.project import PROJECT_FILE, Environment, find_root
from provisioner.manifests.yaml.source import SourceFile, parse
from provisioner.model.importing import GeneratedManifest
from provisioner.model.kind import Kind
from provisioner.model.plan import Address

SCHEMA = "schemas/manifest.schema.json"


@dataclass(frozen=True, slots=True)
class ManifestDraft:
    """A resource on its way to its first manifest. ``name`` is its name in the workspace."""

    kind: Kind
    address: Address
    name: str
    generated: GeneratedManifest


def schema_path(root: Path, file: str) -> str:
    """The way from ``file`` to the schema of manifests; ``""`` where there is none near."""
    for folder in (root, *root.parents):
        if (folder / SCHEMA).is_file():
            return Path(os.path.relpath(folder / SCHEMA, (root / file).parent)).as_posix()
        # Beyond the repository a schema of that name belongs to another project.
        if (folder / ".git").exists():
            break
    return ""


def complaints(environment: Environment, draft: ManifestDraft) -> tuple[Problem, ...]:
    """Why ``draft`` would be refused as a manifest: what is live may break our rules."""
    # Through the text that would be written: what is judged is what a reader will see.
    try:
        source = parse(draft.name, manifest([entry_of(draft)]).encode())
    except FileError as error:
        return tuple(_left_out(draft, problem) for problem in error.problems)
    return tuple(_left_out(draft, problem) for problem in wrong_in(source, environment))


def wrong_in(source: SourceFile, environment: Environment) -> tuple[Problem, ...]:
    """The errors in the resources of one file, looked at by themselves."""
    layers = Layers.of(environment, KINDS)
    problems: list[Problem] = []
    for entry in entries_of(source.data, KINDS):
        if isinstance(entry, Finding):
            problems.append(source.problem(entry))
            continue
        declaration = declared(source, entry, KINDS[entry.kind], layers)
        problems += declaration.problems
        if declaration.is_good:
            problems += declaration.placed(
                declaration.kind.schema.relations(declaration.document, {})
            )
    return tuple(problem for problem in problems if problem.severity is Severity.ERROR)


def entry_of(draft: ManifestDraft) -> WrittenEntry:
    """``draft`` as it stands in a manifest."""
    return WrittenEntry(draft.address, draft.generated, draft.kind.schema.rules())


def _left_out(draft: ManifestDraft, problem: Problem) -> Problem:
    message = f"`{draft.name}` is skipped: {problem.message}"
    hint = problem.hint or f"for details, run provisioner explain {problem.code}"
    return Problem("E833", message, hint=hint, subject=str(draft.address))


def root_near(folder: Path | None, otherwise: Path) -> Path:
    """The root of the project around ``folder``; ``otherwise`` where there is no project yet."""
    try:
        return find_root(folder or Path.cwd())
    except FileError:
        return folder or otherwise


def new_file(address: Address, file: str, text: str, name: str = "") -> ImportedResource:
    """A file that is to be there with ``text``."""
    return ImportedResource(address, name or address.key, file, FileStatus.NEW, text)


def project_file(root: Path, name: str) -> Iterator[ImportedResource]:
    """The file of a project named after ``name``, where ``root`` has none yet."""
    if not (root / PROJECT_FILE).exists():
        # The folder of a checkout may have any name, and a project name takes few characters.
        key = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-_")[:63] or "project"
        yield new_file(Address("project", key), PROJECT_FILE, f"project: {key}\n")


def unless_there(
    root: Path, outcomes: Iterable[ImportedResource]
) -> tuple[tuple[ImportedResource, ...], tuple[Problem, ...]]:
    """The new files; as problems those that are there already with another text."""
    new: list[ImportedResource] = []
    problems: dict[str, Problem] = {}
    for outcome in outcomes:
        path = root / outcome.file
        if not path.exists():
            new.append(outcome)
        elif path.is_file() and path.read_bytes() == outcome.text.encode():
            new.append(replace(outcome, fate=FileStatus.SAME))
        else:
            hint = "choose another file with --to, or remove the existing file"
            message = f"`{outcome.file}` already exists and is unchanged"
            problems[outcome.file] = Problem("E834", message, hint=hint)
    return tuple(new), tuple(problems.values())


def write(root: Path, outcomes: Iterable[ImportedResource]) -> None:
    """Write the files. Raises FileError; what is there is replaced only where it was read."""
    for file, text in {outcome.file: outcome.text for outcome in outcomes}.items():
        try:
            replace_file(root / file, text)
        except OSError as error:
            raise FileError.of("E802", f"cannot write {file}: {error.strerror}") from error


def command_in(root: Path, command: str) -> str:
    """Returns ``command`` as it finds the project in ``root`` from the current folder."""
    here = Path.cwd().resolve()
    if here == root.resolve() or root.resolve() in here.parents:
        return command
    return f"{command} -C {shlex.quote(str(root))}"
