"""The validation that ends an import: new files beside the project's, problems at the bundle."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from provisioner.commands.importing.bundle.documents import bundle_kinds
from provisioner.commands.importing.bundle.files import BundleFiles
from provisioner.commands.importing.bundle.fold import mapping
from provisioner.commands.importing.bundle.targets import FROM_ENVIRONMENT
from provisioner.errors import FileError, Location, Position, Problem, Severity, UsageError
from provisioner.kinds.bundle_vocabulary import PERMISSIONS
from provisioner.manifests.clashes import clashes
from provisioner.manifests.given_values import Outside
from provisioner.manifests.project import FOLDER, PROJECT_FILE, environment_names, read_environment
from provisioner.manifests.yaml.builder import Mark
from provisioner.manifests.yaml.source import SourceFile, parse
from provisioner.model.paths import Document
from provisioner.workflow.environments import load_manifests

# In place of a value that only whoever deploys the bundle has. A version takes it too.
ANY_VALUE: Final = "1"


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
            opened.append((environment, load_manifests(root, environment)))
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


# What becomes of each key of a bundle's schema: taken, or reported with what is lost.
# Source: databricks/cli bundle/config/root.go and target.go.

TAKEN: Final = ""
_FILES: Final = "provisioner uploads no files; endpoints do not depend on it"
_JOBS: Final = "it applies to jobs, pipelines and apps, not to endpoints and scopes"
_COMPUTE: Final = "it applies to clusters, not to endpoints and scopes"
_TOOL: Final = "a setting of the Databricks CLI; endpoints and scopes do not depend on it"

OF_BUNDLES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "bundle",
            "environments",
            "include",
            PERMISSIONS,
            "presets",
            "resources",
            "targets",
            "variables",
            "workspace",
        ),
        TAKEN,
    ),
    "artifacts": _FILES,
    "sync": _FILES,
    "run_as": _JOBS,
    "experimental": _TOOL,
    "scripts": "scripts are not run by provisioner; run them in your pipeline",
    "python": "resources that Python code creates are not imported, and plans ignore them; "
    "`provisioner import NAME` writes their manifests from the workspace",
    "definitions": "the Databricks CLI does not read it either",
    "__locations": "the Databricks CLI does not read it either",
}
"""Top-level key to what is lost; ``TAKEN`` for nothing."""

OF_TARGETS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("mode", PERMISSIONS, "presets", "resources", "variables", "workspace"), TAKEN),
    # Environments have no default: one is chosen with -e.
    "default": TAKEN,
    "bundle": "the name of the bundle and its git settings are the same in every environment",
    "git": _TOOL,
    "artifacts": _FILES,
    "sync": _FILES,
    "run_as": _JOBS,
    "compute_id": _COMPUTE,
    "cluster_id": _COMPUTE,
}
OF_PRESETS: Final[Mapping[str, str]] = {
    "name_prefix": TAKEN,
    # The CLI gives them to no endpoint and no scope.
    **dict.fromkeys(
        (
            "artifacts_dynamic_version",
            "jobs_max_concurrent_runs",
            "pipelines_development",
            "source_linked_deployment",
            "tags",
            "trigger_pause_status",
        ),
        TAKEN,
    ),
}
_UNKNOWN: Final = "the Databricks CLI does not know this key either"


def lost(data: Document, kinds: Mapping[str, Any]) -> Iterator[str]:
    """What of the whole bundle ``data`` is not taken, in words."""
    yield from _of(data, OF_BUNDLES, "")
    yield from _of(mapping(data.get("presets")), OF_PRESETS, "presets.")
    yield from _kinds(data, kinds, "")


def lost_of_target(name: str, target: Document, kinds: Mapping[str, Any]) -> Iterator[str]:
    """What of the target ``name`` is not taken, in words."""
    yield from _of(target, OF_TARGETS, f"targets.{name}.")
    yield from _of(mapping(target.get("presets")), OF_PRESETS, f"targets.{name}.presets.")
    yield from _kinds(target, kinds, f"targets.{name}.")


def _of(data: Document, decisions: Mapping[str, str], place: str) -> Iterator[str]:
    for name in data:
        words = decisions.get(name, _UNKNOWN)
        if words and not name.startswith("x-"):
            yield f"`{place}{name}`: {words}"


def _kinds(data: Document, kinds: Mapping[str, Any], place: str) -> Iterator[str]:
    imported = {kind.name for kind, _ in bundle_kinds()}
    for kind in mapping(data.get("resources")):
        # Without the place for the bundle's own: that is what most bundles have.
        named = f"`{f'{place}resources.' if place else ''}{kind}`"
        if kind not in kinds:
            yield f"{named}: provisioner does not manage it"
        elif kind not in imported:
            yield (
                f"{named}: the import writes no manifest for it, and plans ignore it; a file "
                "of a bundle is a valid manifest, so copy it to manage the resource with "
                "provisioner"
            )
