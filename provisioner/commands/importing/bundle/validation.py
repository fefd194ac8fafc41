"""The validation that ends an import: new files beside the project's, problems at the bundle."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from provisioner.commands.importing.bundle.files import BundleFiles
from provisioner.commands.importing.bundle.targets import FROM_ENVIRONMENT
from provisioner.errors import FileError, Location, Position, Problem, Severity, UsageError
from provisioner.kinds import KINDS
from provisioner.manifests.clashes import clashes
from provisioner.manifests.given_values import Outside
from provisioner.manifests.load import load
from provisioner.manifests.project import FOLDER, PROJECT_FILE, environment_names, read_environment
from provisioner.manifests.yaml.builder import Mark
from provisioner.manifests.yaml.source import SourceFile, parse

# In place of a value that only whoever deploys the bundle has. A version takes it too.
ANY_VALUE: Final = "1"
_SECTIONS: Final = ("overrides", "variables")


def problems_of(
    root: Path, files: Mapping[str, str], bundle: BundleFiles, environments: Sequence[str]
) -> tuple[Problem, ...]:
    """Returns the errors that the project in ``root`` would have with ``files``.

    Each is placed in the bundle where its value stands. Variables of the bundle without a
    default count as set. Nothing is written below ``root``.
    """
    with tempfile.TemporaryDirectory(prefix="provisioner-") as folder:
        copy = Path(folder)
        _copy_project(root, copy)
        for name, text in files.items():
            path = copy / name
            # What is there already stays, and is reported by the import itself.
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        missing = re.findall(rf"\$\{{env\.({FROM_ENVIRONMENT}\w+)\}}", "".join(files.values()))
        remaining = dict.fromkeys(_errors(copy, environments, dict.fromkeys(missing, ANY_VALUE)))
    places = _Places(files, bundle)
    return tuple(dict.fromkeys(places.in_bundle(problem) for problem in remaining))


def _copy_project(root: Path, copy: Path) -> None:
    """The files of the project that may meet the new ones."""
    names = [PROJECT_FILE, *(f"{FOLDER}/{path.name}" for path in (root / FOLDER).glob("*.yaml"))]
    names += [str(path.relative_to(root)) for path in (root / "manifests").rglob("*.y*ml")]
    for name in names:
        if (root / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, copy / name)


def _errors(
    root: Path, environments: Sequence[str], environ: Mapping[str, str]
) -> Iterator[Problem]:
    outside = Outside(environ=environ)
    known = environment_names(root)
    opened = []
    for name in [name for name in environments if name in known] or list(known):
        try:
            environment = read_environment(root, name, outside)
            opened.append((environment, load(root, environment, KINDS)))
        except (FileError, UsageError) as error:
            yield from (problem for problem in error.problems if problem.severity is Severity.ERROR)
    yield from clashes(opened)


class _Places:
    """From lines of the new files to lines of the bundle."""

    def __init__(self, files: Mapping[str, str], bundle: BundleFiles) -> None:
        self._files = files
        self._bundle = bundle

    def in_bundle(self, problem: Problem) -> Problem:
        """``problem`` at the line of the bundle that it comes from."""
        where = problem.where
        if where is None or where.file not in self._files:
            return problem
        source = parse(where.file, self._files[where.file].encode())
        place = self._place(where.file, _location(source, source.mark, where))
        if place is None:
            return replace(problem, where=None, excerpt="")
        return replace(problem, where=place, excerpt=self._line(place), width=1)

    def _place(self, file: str, at: Location) -> Position | None:
        target = Path(file).stem if file.startswith(f"{FOLDER}/") else Path(file).parent.name
        if file.startswith(f"{FOLDER}/") and at[:1] == ("overrides",):
            at = ("resources", *at[1:])
        return self._bundle.position(target, at)

    def _line(self, place: Position) -> str:
        sources = {source.text.file: source for source in self._bundle.sources}
        # Through a problem of the source: it masks what may be a secret.
        return sources[place.file].excerpt(place.line)


def _location(source: SourceFile, mark: Mark, where: Position) -> Location:
    """The innermost part of the file whose key or value begins at ``where``.

    A block begins where its first field does, so that what is inside comes first.
    """
    for name, inner in mark.inner.items():
        deeper = _location(source, inner, where)
        spans = [span for span in (inner.key, inner.value) if span]
        if deeper or any(source.text.position(span[0]) == where for span in spans):
            return (name, *deeper)
    return ()
