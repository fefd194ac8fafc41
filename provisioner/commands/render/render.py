"""``render``: the resources of an environment as they will be, without a workspace."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.errors import Location, Problem
from provisioner.manifests.declaration import Declaration
from provisioner.model.plan import Address
from provisioner.model.release import FOLDER
from provisioner.model.secret import reference_in
from provisioner.model.selection import Selection
from provisioner.rendering.text import harmless_line
from provisioner.workflow.project import open_environment, open_project


@dataclass(frozen=True, slots=True)
class RenderedManifest:
    """``document`` is a manifest with everything in it that is laid over or replaced."""

    document: Mapping[str, Any]
    declarations: Mapping[Address, Declaration]
    warnings: tuple[Problem, ...]

    def origin(self, at: Location) -> str:
        """``FILE:LINE`` of what stands at ``at`` in ``document``.

        Behind it, where it is made from an element of `for_each`, the line of that, and where it
        is made from a released variable, the line that released it.
        """
        _, kind, key, *inner = at
        declaration, where = self.declarations[Address(str(kind), str(key))], tuple(inner)
        place = declaration.position(where)
        behind = (*_element(declaration, where), *_released(declaration, where))
        return " ".join([f"{place.file}:{place.line}", *behind])


def _element(declaration: Declaration, at: Location) -> Iterator[str]:
    """``[eu] FILE:LINE`` of the element of `for_each` that the value is made from."""
    element, place = declaration.entry.element, declaration.element_position(at)
    if element and place:
        yield f"[{element.key}] {place.file}:{place.line}"


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


# Plain data as a YAML manifest, on request with the place each value came from.

Origin = Callable[[Location], str]
Line = tuple[str, Location]
"""A line without its comment, and the location of the value that ends it (or ``()``)."""

# Plain only where no reader of YAML, of whichever version, takes it for anything but text.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*")
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))


def text(document: Any, origin: Origin | None = None) -> str:
    """``document`` as YAML, keys in their order, references to secrets as in a manifest.

    ``origin`` tells what stands behind a value as its comment.
    """
    lines = list(_lines(as_written(document), (), ""))
    if origin is None:
        return "".join(f"{line}\n" for line, _ in lines)
    comments = [origin(at) if at else "" for _, at in lines]
    width = max(
        (len(line) for (line, _), comment in zip(lines, comments, strict=True) if comment),
        default=0,
    )
    width = min(width, 60)
    return "".join(
        f"{line:{width}}  # {comment}\n" if comment else f"{line}\n"
        for (line, _), comment in zip(lines, comments, strict=True)
    )


def as_written(value: Any) -> Any:
    """``value`` as a manifest has it: ``${env.X}`` for secrets, ``$${`` for ``${``."""
    reference = reference_in(value)
    if reference is not None and "from_env" in reference:
        return _Reference(f"${{env.{reference['from_env']}}}")
    if isinstance(value, dict):
        return {name: as_written(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_written(inner) for inner in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


class _Reference(str):
    """A text that is a reference already."""


def _lines(value: Any, at: Location, indent: str) -> Iterator[Line]:
    """The lines of a mapping or a list that is not empty."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _field(f"{indent}{_scalar(name)}:", inner, (*at, name), f"{indent}  ")
    else:
        for index, inner in enumerate(value):
            place = (*at, index)
            if not _is_block(inner):
                yield f"{indent}- {_scalar(inner)}", place
                continue
            first, *rest = _lines(inner, place, f"{indent}  ")
            yield f"{indent}- {first[0][len(indent) + 2 :]}", first[1]
            yield from rest


def _field(head: str, value: Any, at: Location, indent: str) -> Iterator[Line]:
    if _is_block(value):
        yield head, ()
        yield from _lines(value, at, indent)
    else:
        yield f"{head} {_scalar(value)}", at


def _is_block(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return harmless_line(json.dumps(value, ensure_ascii=False))
