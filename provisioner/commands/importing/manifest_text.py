"""Portraits as the text of a manifest. Pure."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from provisioner.errors import Location, UsageError
from provisioner.files.yaml_text import Comments, YamlStyle, lines
from provisioner.model.field_rules import FieldRule
from provisioner.model.importing import GeneratedManifest
from provisioner.model.plan import Address
from provisioner.model.secret import reference_in

DEFAULT: Final = "manifests/{key}.yaml"
PLACES: Final = ("{key}", "{name}")


def key_of(name: str, taken: Container[str]) -> str:
    """``name`` as a key in the habit of YAML files, and another one where it is taken."""
    key = re.sub(r"[^a-z0-9_]+", "_", name.lower(), flags=re.ASCII).strip("_")[:120] or "resource"
    return _free(key, taken)


def check_pattern(pattern: str) -> None:
    """Raise UsageError where files of ``pattern`` would not lie below the project root."""
    path = PurePosixPath(pattern)
    if path.is_absolute() or ".." in path.parts or path.suffix not in (".yaml", ".yml"):
        raise UsageError.of(
            "E830",
            f"`{pattern}` is not the path of a manifest in the project",
            hint=f"write for example --to {DEFAULT}; `{{name}}` is the name in the workspace",
        )


def file_of(pattern: str, key: str, name: str, taken: Container[str]) -> str:
    """The file for one resource; another one where it is taken by another of this run."""
    if not any(place in pattern for place in PLACES):
        return pattern
    parts: Mapping[str, str] = {"{key}": key, "{name}": re.sub(r"[^\w.@-]+", "_", name)}
    path = re.sub(r"\{(?:key|name)\}", lambda match: parts[match[0]], pattern)
    stem, dot, ending = path.rpartition(".")
    candidate, number = path, 2
    while candidate in taken:
        candidate, number = f"{stem}_{number}{dot}{ending}", number + 1
    return candidate


def _free(key: str, taken: Container[str]) -> str:
    candidate, number = key, 2
    while candidate in taken:
        candidate, number = f"{key}_{number}", number + 1
    return candidate


@dataclass(frozen=True, slots=True)
class WrittenEntry:
    """One resource of a manifest to be. ``rules`` are those of its kind."""

    address: Address
    generated: GeneratedManifest
    rules: FieldRule
    references: bool = False
    """Whether the texts of the document already are those of a manifest."""


def manifest(entries: Iterable[WrittenEntry], schema: str = "") -> str:
    """The file that declares ``entries``; ``schema`` is the path to it for editors."""
    resources: dict[str, dict[str, Any]] = {}
    comments: dict[Location, Any] = {}
    kinds: dict[str, dict[str, FieldRule]] = {}
    for entry in entries:
        kind, key = entry.address.kind, entry.address.key
        document = (
            entry.generated.document if entry.references else as_written(entry.generated.document)
        )
        resources.setdefault(kind, {})[key] = document
        at: Location = ("resources", kind, key)
        comments |= {(*at, *place): comment for place, comment in entry.generated.comments.items()}
        kinds.setdefault(kind, {})[key] = entry.rules
    placed: Comments = comments
    text = lines({"resources": resources}, _rules(kinds), YamlStyle(placed))
    first = [f"# yaml-language-server: $schema={schema}"] if schema else []
    return "\n".join((*first, *text)) + "\n"


def _rules(kinds: dict[str, dict[str, FieldRule]]) -> FieldRule:
    """The rules for a whole manifest: below each kind every key has the rules of the kind."""
    by_kind = {kind: FieldRule(fields=keys, mapping=True) for kind, keys in kinds.items()}
    return FieldRule(fields={"resources": FieldRule(fields=by_kind, mapping=True)}, mapping=True)


def as_written(value: Any) -> Any:
    """``value`` as a manifest has it: ``${env.X}`` for secrets, ``$${`` for ``${``."""
    reference = reference_in(value)
    if reference is not None and "from_env" in reference:
        return f"${{env.{reference['from_env']}}}"
    if isinstance(value, dict):
        return {name: as_written(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [as_written(inner) for inner in value]
    return value.replace("${", "$${") if isinstance(value, str) else value
