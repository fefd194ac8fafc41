"""``render``: the resources of an environment as they will be, without a workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.errors import Location, Problem
from provisioner.manifests.declaration import Declaration
from provisioner.model.plan import Address
from provisioner.model.release import FOLDER
from provisioner.model.selection import Selection
from provisioner.workflow.project import open_environment, open_project


@dataclass(frozen=True, slots=True)
class RenderedManifest:
    """``document`` is a manifest with everything in it that is laid over or replaced."""

    document: Mapping[str, Any]
    declarations: Mapping[Address, Declaration]
    warnings: tuple[Problem, ...]

    def origin(self, at: Location) -> str:
        """``FILE:LINE`` of what stands at ``at`` in ``document``.

        Behind it, where it is made from a released variable, the line that released it.
        """
        _, kind, key, *inner = at
        declaration, where = self.declarations[Address(str(kind), str(key))], tuple(inner)
        place = declaration.position(where)
        return " ".join([f"{place.file}:{place.line}", *_released(declaration, where)])


def _released(declaration: Declaration, at: Location) -> Iterator[str]:
    """``${var.NAME} FILE:LINE`` for each released variable that the value is made from."""
    if not declaration.layers:
        return
    variables = declaration.layers.variables
    for name in sorted(variables.behind(declaration.words(at))):
        origin = variables.origin(name)
        if origin.startswith(f"{FOLDER}/"):
            yield f"${{var.{name}}} {origin}"


def render(
    folder: Path | None, environment: str, selection: Selection, given: Sequence[str]
) -> RenderedManifest:
    """The environment's resources. Raises FileError, and UsageError for what selects nothing."""
    _, loaded = open_environment(open_project(folder), environment, given)
    known = {declaration.address: declaration for declaration in loaded.declarations}
    wanted = [known[resource.address] for resource in selection.choose(loaded.resources)]
    document: dict[str, dict[str, Any]] = {}
    for declaration in wanted:
        document.setdefault(declaration.kind.name, {})[declaration.entry.key] = declaration.document
    return RenderedManifest({"resources": document}, known, loaded.warnings)
