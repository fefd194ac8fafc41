"""The files of a bundle: its own, and those that `include` names, as one document."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from glob import glob
from pathlib import Path, PurePosixPath
from typing import Any, Final

from provisioner.commands.importing.bundle.fold import folded, mapping
from provisioner.errors import FileError, Finding, Location, Position
from provisioner.manifests.files import WILD, read
from provisioner.manifests.yaml.source import SourceFile, parse
from provisioner.model.paths import Document

INCLUDE: Final = "include"
RESOURCES: Final = "resources"
TARGETS: Final = "targets"
ENVIRONMENTS: Final = "environments"
"""The word for targets of before 2023, which the Databricks CLI still reads."""
_ENDINGS: Final = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class BundleFiles:
    """``data`` is all of ``sources`` as one document, in the order of the CLI."""

    sources: tuple[SourceFile, ...]
    data: Document

    @property
    def targets(self) -> Mapping[str, Document]:
        """The targets by name, under whichever of the two words they stand."""
        targets = mapping(self.data.get(TARGETS)) or mapping(self.data.get(ENVIRONMENTS))
        return {name: mapping(target) for name, target in targets.items()}

    def position(self, target: str, at: Location) -> Position | None:
        """The place that comes nearest to ``at`` in the bundle, in the target's part first."""
        best: tuple[int, Position] | None = None
        for prefix in ((TARGETS, target), (ENVIRONMENTS, target), ()):
            for source in self.sources:
                full = (*prefix, *at)
                depth = max(n for n in range(len(full) + 1) if source.has(full[:n]))
                # The same depth below the target is nearer than below the bundle.
                reached = depth - len(prefix)
                if reached > 0 and (best is None or reached > best[0]):
                    best = (reached, source.position(full[:depth]))
        return best[1] if best else None


def read_bundle(path: Path) -> BundleFiles:
    """Reads the bundle whose own file is ``path``.

    Raises FileError for files that cannot be read, for includes that the CLI refuses, and for
    a resource that two files declare.
    """
    folder, own = path.parent, path.name
    first = _source(folder, own)
    sources = [first] if first else []
    included = _included(folder, first, own) if first else ()
    sources += [source for name in included if (source := _source(folder, name))]
    _refuse_repeated(sources)
    data: Document = {}
    for source in sources:
        data = folded(data, mapping(source.data))
    return BundleFiles(tuple(sources), data)


def _source(folder: Path, name: str) -> SourceFile | None:
    """The file as data; None where it holds nothing but comments, as the CLI reads it."""
    raw = read(folder, name)
    if not any(line.strip() and not line.lstrip().startswith(b"#") for line in raw.splitlines()):
        return None
    return parse(name, raw)


def _included(folder: Path, own: SourceFile, own_name: str) -> Iterator[str]:
    """The files that `include` matches, each once, in the order of its entries."""
    patterns = mapping(own.data).get(INCLUDE)
    seen = {own_name}
    for index, pattern in enumerate(patterns if isinstance(patterns, list) else ()):
        matches = _matches(folder, str(pattern), own, (INCLUDE, index))
        for name in matches:
            if name not in seen:
                seen.add(name)
                yield name


def _matches(folder: Path, pattern: str, own: SourceFile, at: Location) -> list[str]:
    if PurePosixPath(pattern).is_absolute():
        raise _refused(own, at, f"`{pattern}` is absolute", "write it relative to this file")
    # Not recursive: the CLI's `**` matches one folder, as `*` does.
    paths = sorted(glob(pattern, root_dir=folder)) if pattern else []
    names = [posixpath.normpath(name) for name in paths if (folder / name).is_file()]
    if not names and not any(sign in pattern for sign in WILD):
        raise _refused(own, at, f"`{pattern}` matches no file", "correct the path, or delete it")
    for name in names:
        if not name.endswith(_ENDINGS):
            message = f"`{pattern}` includes `{name}`, which is not a YAML or JSON file"
            raise _refused(own, at, message, "files to upload belong in `sync.include`")
    return names


def _refuse_repeated(sources: list[SourceFile]) -> None:
    """Raise FileError for a resource of two files: the CLI refuses such a bundle as well."""
    first: dict[tuple[str, str], Position] = {}
    for source in sources:
        for kind, by_key in mapping(mapping(source.data).get(RESOURCES)).items():
            for key in mapping(by_key):
                at = (RESOURCES, kind, key)
                here = source.position(at)
                there = first.setdefault((kind, key), here)
                if there.file != here.file:
                    message = f"`{kind}.{key}` is declared in two files of the bundle"
                    hint = f"the other one is at {there}: keep one of them"
                    raise _refused(source, at, message, hint)


def _refused(source: SourceFile, at: Location, message: str, hint: str) -> FileError:
    return FileError([source.problem(Finding(at, "E840", message, hint))])


def value_at(data: Any, path: tuple[str, ...]) -> Any:
    """The value at ``path``, whose steps may be indexes of lists; None where nothing is."""
    for step in path:
        if isinstance(data, list) and step.isdigit() and int(step) < len(data):
            data = data[int(step)]
        else:
            data = mapping(data).get(step)
    return data
